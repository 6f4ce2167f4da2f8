/** The alerts that are shipped: each fires when it should, says what to do, and is over when its cause is. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AlertingRule } from '../../agent/rules/rules.ts'
import { ruleFiles, shippedGroups } from '../../scripts/dashboards/files.ts'
import { needs, titled } from '../support/needs.ts'
import { root } from '../support/processes.ts'
import { alertCases, during, requirementTable, selector } from './alert-cases.ts'
import { promtool, rendered, testFile, testRules } from './promtool.ts'

const missing = await needs('promtool')
const shipped = join(root, 'deploy/prometheus/pathproof.rules.yml')
const alerts = shippedGroups().flatMap(({ rules }) => rules.filter((rule) => 'alert' in rule))
const runbooks = join(root, 'docs/runbooks')

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'pathproof-alerts-test-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('the files that are shipped', () => {
  it.each([...ruleFiles().keys()])('%s is as its source makes it (else: node scripts/rules.ts)', (path) => {
    expect(readFileSync(join(root, path), 'utf8') === ruleFiles().get(path)).toBe(true)
  })
})

describe('every alert', () => {
  it('has a case, and each case an alert', () => {
    const cases = new Set(alertCases.map(({ alert }) => alert))
    expect([...cases].toSorted()).toEqual(alerts.map(({ alert }) => alert).toSorted())
    for (const { alert, quiet, fires, resolved } of alertCases)
      expect([quiet.length > 0, fires.length > 0, resolved.length > 0], alert).toEqual([true, true, true])
  })

  it('has a name of its own, a severity, cause and fix', () => {
    for (const { alert, labels, annotations } of alerts) {
      expect(alert).toMatch(/^Pathproof[A-Z][A-Za-z]+$/)
      expect(['critical', 'warning', 'info']).toContain(labels.severity)
      expect(annotations.summary, alert).toMatch(/\bFix: /)
      expect(annotations.description.length, alert).toBeGreaterThan(20)
    }
  })

  const page = (alert: string): string => readFileSync(join(runbooks, `${alert}.md`), 'utf8')

  it('has a runbook with its name as heading and the sections that all have, and no runbook stands alone', () => {
    expect(readdirSync(runbooks).toSorted()).toEqual(alerts.map(({ alert }) => `${alert}.md`).toSorted())
    for (const { alert, annotations } of alerts) {
      expect(annotations.runbook_url.split('/').at(-1)).toBe(`${alert}.md`)
      expect(existsSync(join(runbooks, `${alert}.md`)), alert).toBe(true)
      expect(page(alert).split('\n')[0]).toBe(`# ${alert}`)
      expect([...page(alert).matchAll(/^## (.+)$/gm)].map((m) => m[1])).toEqual([
        'Meaning',
        'Why it fires',
        'How to check',
        'How to mend',
        'False alarms',
      ])
      expect(page(alert), alert).toMatch(/`pathproof [a-z]+/)
    }
  })

  it('stands in docs/alerts.md with its severity and the time that it waits', () => {
    const rows = [
      ...readFileSync(join(root, 'docs/alerts.md'), 'utf8').matchAll(
        /^\| \[(\w+)\]\(runbooks\/(\w+)\.md\) \| (\w+) \| ([^|]+) \|/gm,
      ),
    ].map(([, alert, file, severity, wait]) => [alert, file, severity, wait?.trim()])
    expect(rows).toEqual(
      alerts.map((rule: AlertingRule) => [
        rule.alert,
        rule.alert,
        rule.labels.severity,
        rule.for ?? 'at once',
      ]),
    )
  })
})

describe.skipIf(missing !== null)(titled('promtool', missing), () => {
  it('finds no fault with the rules', () => {
    expect(promtool(['check', 'rules', shipped])).toMatchObject({
      status: 0,
      output: expect.stringContaining(`${shippedGroups().flatMap(({ rules }) => rules).length} rules found`),
    })
  })

  it('every alert is silent, fires and resolves', () => {
    const { status, output } = testRules(directory, testFile(shipped, alertCases))
    expect(output).toContain('SUCCESS')
    expect(status).toBe(0)
  })

  it('every alert says what it should, with nothing left out', () => {
    const all = rendered(directory, shipped, alertCases)
    expect(all.length).toBe(alertCases.length)
    for (const [index, one] of alertCases.entries()) {
      const said = all[index] ?? {}
      const text = Object.values(said).join('\n')
      expect(Object.keys(said).toSorted(), one.alert).toEqual(['description', 'runbook_url', 'summary'])
      expect(text, one.alert).not.toMatch(/<no value>|<error|\{\{|\}\}|NaN/)
      if (one.ofAgent !== false) expect(text, one.alert).toContain('h:1')
      // Labels without which nobody knows what is meant.
      for (const label of [
        'target',
        'hostname',
        'class',
        'check',
        'reason',
        'resolver',
        'anchor',
        'leg',
        'part',
      ])
        if (one.labels[label] !== undefined) expect(said['summary'], one.alert).toContain(one.labels[label])
    }
  })

  it('a requirement that is not met is told in every case, and one that is met or waived never', () => {
    const { status, output } = testRules(directory, requirementTable(shipped))
    expect(output).toContain('SUCCESS')
    expect(status).toBe(0)
  })

  it('a host on-prem that never read an account is not blamed for it', () => {
    const part = { part: 'routeTables' }
    const host = { vantage: 'on-prem', account_id: '', region: '', vpc_id: '' }
    const input = [
      {
        series: selector('pathproof_topology_part_last_success_timestamp_seconds', part),
        values: during([0, 60]),
      },
      { series: selector('pathproof_host_info', host), values: during([1, 60]) },
    ]
    const { output } = testRules(directory, {
      rule_files: [shipped],
      evaluation_interval: '1m',
      tests: [
        {
          interval: '1m',
          input_series: input,
          promql_expr_test: [
            { expr: 'ALERTS{alertname="PathproofTopologyStale"}', eval_time: '50m', exp_samples: [] },
          ],
        },
      ],
    })
    expect(output).toContain('SUCCESS')
  })
})
