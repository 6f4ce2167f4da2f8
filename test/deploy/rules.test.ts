/** `pathproof config rules`: the rules fit the configuration. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import { configCommand } from '../../agent/cli/config.ts'
import type { AlertingRule, RuleGroup } from '../../agent/rules/rules.ts'
import { needs } from '../support/needs.ts'
import { root } from '../support/processes.ts'
import { promtool } from './promtool.ts'

const directory = mkdtempSync(join(tmpdir(), 'pathproof-rules-test-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await configCommand(['rules', ...argv], {
    stdout: (text) => {
      out += text
    },
    stderr: (text) => {
      err += text
    },
    stdin: null,
    color: false,
    tty: false,
    nowMs: () => Date.UTC(2026, 10, 20),
    environment: {},
  })
  return { code, out, err }
}

async function alerts(text: string | null, ...more: string[]): Promise<Map<string, AlertingRule>> {
  const file = join(directory, 'pathproof.yml')
  if (text !== null) writeFileSync(file, `version: 1\n${text}`)
  const { code, out, err } = await run(...(text === null ? [] : [file]), ...more)
  expect([code, err]).toEqual([0, ''])
  const { groups } = parse(out) as { groups: RuleGroup[] }
  return new Map(
    groups.flatMap(({ rules }) =>
      rules.flatMap((rule) => ('alert' in rule ? [[rule.alert, rule] as const] : [])),
    ),
  )
}

it('are those that are shipped with --all', async () => {
  const { out } = await run('--all')
  expect(out).toBe(readFileSync(join(root, 'deploy/prometheus/pathproof.rules.yml'), 'utf8'))
})

it('of a feature are there only where it is enabled', async () => {
  const features: [string, RegExp][] = [
    ['flow_logs: { enabled: true }', /FlowLog/],
    ['ledger: { directory: /var/lib/pathproof/ledger }', /Ledger|Checkpoint/],
    [
      'ledger: { directory: /l, key_file: /k, anchors: { cloudwatch_logs: { log_group: g } } }',
      /Ledger|Checkpoint|Anchor/,
    ],
    [
      'targets: [{ name: a, hostname: sts.amazonaws.com }]\negress: { must_fail: [{ name: x, url: "tcp://1.1.1.1:443", control: a }] }',
      /Egress/,
    ],
    [
      'targets: [{ name: a, hostname: sts.amazonaws.com, waiver: { reason: r, until: 2099-01-01 } }]',
      /Waiver/,
    ],
    [
      'resolvers: [{ name: c, address: "10.0.0.2:53" }]\ntargets: [{ name: a, hostname: sts.amazonaws.com, compare_resolvers: [c] }]',
      /Resolver/,
    ],
    ['trace: { every: 5m }', /FirstLeg/],
    ['topology: { also: [{ role_arn: "arn:aws:iam::444455556666:role/r" }] }', /FurtherAccount/],
    ['exporters: { events: {} }', /Exporter/],
  ]
  const plain = await alerts('')
  for (const [text, own] of features) {
    const names = [...(await alerts(text)).keys()]
    const more = names.filter((name) => !plain.has(name))
    expect(more.length, text).toBeGreaterThan(0)
    for (const name of more) expect(name, text).toMatch(own)
    expect(
      [...plain.keys()].filter((name) => own.test(name)),
      text,
    ).toEqual([])
  }
  for (const name of ['RequirementNotMet', 'PathUndetermined', 'VerdictStale', 'AgentDown', 'TopologyStale'])
    expect(plain.has(`Pathproof${name}`)).toBe(true)
})

it('take their thresholds from the intervals and ages of the configuration', async () => {
  const target = (more: string) => `targets: [{ name: a, hostname: sts.amazonaws.com, ${more} }]`
  const stale = async (more: string) => (await alerts(target(more))).get('PathproofVerdictStale')?.expr
  // A verdict lives three intervals and the deadline, which is two time-outs; and two minutes for those who look.
  expect(await stale('every: 5m, timeout: 10s')).toMatch(/ > 1080$/)
  expect(await stale('every: 30s')).toMatch(/ > 240$/)
  // From Friday noon to Monday noon.
  expect(await stale('cron: "0 12 * * 1-5"')).toMatch(new RegExp(` > ${3 * 86_400 + 180}$`))
  const unproven = async (more: string) =>
    (await alerts(target(more))).get('PathproofRequirementUnproven')?.for
  expect(await unproven('min_proof: configured')).toBe('5m')
  expect(await unproven('min_proof: observed')).toBe('36m')
  const aged = await alerts('topology: { max_age: 7m, other_max_age: 40m }')
  expect(aged.get('PathproofTopologyStale')?.expr).toMatch(/> 420\)[^]*> 2400\)/)
  const signed = await alerts('ledger: { directory: /l, key_file: /k, checkpoint_every: 10m }')
  // With a key, none since the start is an alert as well; without one it is not.
  expect(signed.get('PathproofCheckpointStale')?.expr).toMatch(/^time\(\) - \w+ > 1800$/)
  const unsigned = await alerts('ledger: { directory: /l, checkpoint_every: 10m }')
  expect(unsigned.get('PathproofCheckpointStale')?.expr).toContain('> 0)')
})

it('have the job and the runbooks that are asked for', async () => {
  const all = await alerts(
    null,
    '--all',
    '--job',
    'agents',
    '--runbook.base-url',
    'https://wiki.example.com/p/',
  )
  expect(all.get('PathproofAgentDown')?.expr).toBe('up{job="agents"} == 0')
  expect(all.get('PathproofNoAgents')?.expr).toBe('absent(up{job="agents"})')
  expect(all.get('PathproofVerdictsAbsent')?.expr).toContain('job="agents"')
  expect(all.get('PathproofAgentDown')?.annotations.runbook_url).toBe(
    'https://wiki.example.com/p/PathproofAgentDown.md',
  )
})

it('refuse what would break out of PromQL or a template', async () => {
  for (const job of ['a"b', 'a\\', 'a\nb', '', '{{ . }}', 'x'.repeat(101)]) {
    const { code, out } = await run(`--job=${job}`)
    expect([job, code, out]).toEqual([job, 64, ''])
  }
  for (const url of ['javascript:alert(1)', 'nowhere', 'https://{{ . }}/', 'https://a b/', 'https://a"b/']) {
    const { code, out } = await run(`--runbook.base-url=${url}`)
    expect([url, code, out]).toEqual([url, 64, ''])
  }
})

it('end with what is wrong with the configuration', async () => {
  const file = join(directory, 'bad.yml')
  writeFileSync(file, 'version: 2\n')
  const { code, out, err } = await run(file)
  expect([code, out]).toEqual([78, ''])
  expect(err).toContain('bad.yml:1')
  expect((await run(file, '--config.file', file)).code).toBe(64)
})

it('of any configuration are good rules', async ({ skip }) => {
  const missing = await needs('promtool')
  if (missing !== null) return skip(missing)
  for (const argv of [[], ['--all'], [join(root, 'deploy/pathproof.yml')]]) {
    const { out } = await run(...argv)
    const file = join(directory, 'out.rules.yml')
    writeFileSync(file, out)
    expect(promtool(['check', 'rules', file]).status).toBe(0)
  }
})
