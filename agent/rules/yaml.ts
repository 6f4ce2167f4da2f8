import { stringify } from 'yaml'
import type { RuleGroup } from './rules.ts'

/** A rules file as Prometheus reads it. `command`: what prints it again. */
export function rulesYaml(groups: readonly RuleGroup[], command: string): string {
  const head = `# Recording and alerting rules for pathproof, as printed by: ${command}
# Check them with: promtool check rules FILE
# Each alert has a page in docs/runbooks.
`
  return `${head}${stringify({ groups }, { lineWidth: 0, blockQuote: 'literal' })}`
}
