import { parseConfig } from '../../agent/config/load.ts'
import { type RuleGroup, ruleGroups } from '../../agent/rules/rules.ts'
import { defaultRuleOptions, everyRule } from '../../agent/rules/parameters.ts'
import { rulesYaml } from '../../agent/rules/yaml.ts'

/** The rules of every feature at the default thresholds, as they are shipped. */
export function shippedGroups(): RuleGroup[] {
  const loaded = parseConfig('version: 1\n', 'defaults', 0)
  if (!loaded.ok) throw new Error('the defaults are no configuration')
  return ruleGroups(everyRule(loaded.config, defaultRuleOptions))
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** Files of rules with their text, by path from the root. */
export function ruleFiles(): Map<string, string> {
  const groups = shippedGroups()
  const isAlerts = ({ rules }: RuleGroup): boolean => rules.some((rule) => 'alert' in rule)
  return new Map([
    ['deploy/prometheus/pathproof.rules.yml', rulesYaml(groups, 'pathproof config rules --all')],
    ['deploy/mixin/alerts.json', json({ groups: groups.filter(isAlerts) })],
    ['deploy/mixin/rules.json', json({ groups: groups.filter((group) => !isAlerts(group)) })],
  ])
}
