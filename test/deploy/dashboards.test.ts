/** The dashboards that are shipped, by the rules of Grafana's linter for dashboards (grafana/dashboard-linter, docs/rules). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { shippedGroups } from '../../scripts/dashboards/files.ts'
import { dashboardFiles } from '../../scripts/dashboards/grafana.ts'
import { root } from '../support/processes.ts'
import { dashboardsOf, withoutVariables } from './grafana.ts'
import { faults, labelsOf, levelOf, metricOf, readPromql } from './promql.ts'

const dashboards = dashboardsOf()
const queries = dashboards.flatMap(({ file, panels }) =>
  panels.flatMap((panel) => panel.targets.map(({ expr }) => ({ where: `${file}: ${panel.title}`, expr }))),
)
const marks = dashboards.flatMap(({ file, annotations }) =>
  annotations.map(({ name, expr }) => ({ where: `${file}: ${name}`, expr })),
)

describe('the files that are shipped', () => {
  it.each([...dashboardFiles().keys()])(
    '%s is as its source makes it (else: node scripts/dashboards.ts)',
    (path) => {
      expect(readFileSync(join(root, path), 'utf8') === dashboardFiles().get(path)).toBe(true)
    },
  )

  it('are handed out by the mixin, with the rules', () => {
    const mixin = readFileSync(join(root, 'deploy/mixin/mixin.libsonnet'), 'utf8')
    const imported = [...mixin.matchAll(/import '([^']+)'/g)]
      .map((m) => m[1] ?? '')
      .filter((f) => f !== 'mixin.libsonnet')
    expect(imported.toSorted()).toEqual([
      '../grafana/fleet.json',
      '../grafana/target.json',
      'alerts.json',
      'rules.json',
    ])
    for (const file of imported) JSON.parse(readFileSync(join(root, 'deploy/mixin', file), 'utf8'))
    // What it replaces is there to be replaced.
    const text = JSON.stringify(shippedGroups())
    expect(text).toContain('job=\\"pathproof\\"')
    expect(text).toContain('file:///usr/share/doc/pathproof/runbooks')
  })
})

describe('PromQL', () => {
  const rules = shippedGroups().flatMap(({ rules }) =>
    rules.map((rule) => ({ where: 'record' in rule ? rule.record : rule.alert, expr: rule.expr })),
  )

  it.each([...queries, ...marks, ...rules])(
    'of $where is right, of metrics, labels and values that there are',
    ({ expr }) => {
      expect(faults(withoutVariables(expr))).toEqual([])
    },
  )

  it('would be found wrong', () => {
    expect(faults('sum by (le) (')).toContain('it is no PromQL')
    expect(faults('pathproof_path_privat')).toEqual(['there is no pathproof_path_privat'])
    expect(faults('pathproof_path_private{state="public"}')).toEqual([
      'pathproof_path_private has no label state',
    ])
    expect(faults('pathproof_path_state{state=~"public|mixt"}')).toEqual([
      'pathproof_path_state is never state=mixt',
    ])
    expect(faults('sum by (targt) (pathproof_path_private)')).toEqual(['no series here has the label targt'])
    expect(faults('job:pathproof_nothing:sum')).toEqual(['there is no job:pathproof_nothing:sum'])
  })

  it('of recorded series keeps the labels that their level names', () => {
    for (const { rules: own } of shippedGroups())
      for (const rule of own) {
        if (!('record' in rule)) continue
        const [level, metric, operation] = rule.record.split(':')
        expect([level, metric, operation].every((part) => (part ?? '') !== '')).toBe(true)
        const { grouped, selectors } = readPromql(rule.expr)
        expect(levelOf(rule.record)).toEqual(grouped)
        expect(selectors[0]?.metric.replace(/_total$/, '')).toBe(metric)
        expect(labelsOf(rule.record)).toContain('job')
      }
  })
})

describe.each(dashboards)('$file', ({ json, panels, variables }) => {
  const of = (name: string) => variables.find((variable) => variable.name === name)

  it('template-datasource-rule: one variable for the data source, called so', () => {
    expect(variables.filter(({ type }) => type === 'datasource')).toMatchObject([
      { name: 'datasource', label: 'Data source', query: 'prometheus' },
    ])
  })

  it('template-job-rule, template-instance-rule: any number of jobs and hosts', () => {
    for (const name of ['job', 'instance'])
      expect(of(name)).toMatchObject({
        type: 'query',
        multi: true,
        includeAll: true,
        allValue: '.+',
        datasource: { uid: '${datasource}' },
      })
  })

  it('template-label-promql-rule: variables ask for labels that there are', () => {
    for (const { type, query } of variables) {
      if (type !== 'query') continue
      const asked = /^label_values\((.+), (\w+)\)$/.exec((query as { query: string }).query)
      expect(faults(withoutVariables(asked?.[1] ?? '('))).toEqual([])
      const series = readPromql(withoutVariables(asked?.[1] ?? '')).selectors[0]?.metric ?? ''
      expect(labelsOf(series)).toContain(asked?.[2])
    }
  })

  it('template-on-time-change-reload-rule: variables follow the range of time', () => {
    for (const { type, refresh } of variables) if (type === 'query') expect(refresh).toBe(2)
  })

  it('uneditable-dashboard: nobody edits what is generated', () => {
    expect(json['editable']).toBe(false)
  })

  it('panel-title-description-rule, panel-no-targets-rule, panel-datasource-rule', () => {
    expect(panels.length).toBeGreaterThan(15)
    for (const { title, description, targets, datasource } of panels) {
      expect(title).toMatch(/^[A-Z]/)
      expect(description, title).toMatch(/^.{20,}\.$/s)
      expect(targets.length, title).toBeGreaterThan(0)
      for (const each of [datasource, ...targets.map((target) => target.datasource)])
        expect(each, title).toEqual({ type: 'prometheus', uid: '${datasource}' })
    }
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length)
  })

  it('panel-units-rule: each has a unit that Grafana knows', () => {
    const units = ['short', 's', 'percentunit', 'Bps', 'dateTimeFromNow', 'dateTimeAsIso']
    for (const { title, fieldConfig } of panels) expect(units, title).toContain(fieldConfig.defaults.unit)
  })

  it('target-rate-interval-rule: rates over $__rate_interval', () => {
    for (const { title, targets } of panels)
      for (const { expr } of targets) {
        const ranges = [...expr.matchAll(/\[([^\]]+)\]/g)].map((m) => m[1])
        for (const range of ranges)
          expect(['$__rate_interval', '$__range'], `${title}: ${expr}`).toContain(range)
      }
  })

  it('target-counter-agg-rule: counters only as rates or increases, and nothing else so', () => {
    for (const { targets, title } of panels)
      for (const { expr } of targets) {
        const { selectors, calls } = readPromql(withoutVariables(expr))
        const rated = calls
          .filter(({ name }) => /^(?:rate|increase)$/.test(name))
          .flatMap((call) => call.metrics)
        for (const { metric } of selectors) {
          const type = metricOf(metric)?.type
          const counts = type === 'counter' || /_(?:bucket|count|sum)$/.test(metric)
          expect(rated.includes(metric), `${title}: ${metric}`).toBe(counts)
        }
      }
  })

  it('target-job-rule, target-instance-rule: every selector heeds the variables', () => {
    for (const { targets, title } of panels)
      for (const { expr } of targets) {
        // Recorded series of a level without hosts can heed the job alone; their panels say so.
        for (const { metric, matchers } of readPromql(
          expr.replaceAll('$__rate_interval', '5m').replaceAll('$__range', '5m'),
        ).selectors) {
          const wanted = (labelsOf(metric) ?? []).filter((label) => label === 'job' || label === 'instance')
          for (const label of wanted)
            expect(matchers, `${title}: ${metric}`).toContainEqual({ label, op: '=~', value: `$${label}` })
        }
      }
  })

  it('colour never stands alone: where a value has a colour, it has a sign and a word', () => {
    for (const { title, type, fieldConfig } of panels) {
      const mapped = [
        ...(fieldConfig.defaults.mappings ?? []),
        ...fieldConfig.overrides.flatMap(({ properties }) =>
          properties
            .filter(({ id }) => id === 'mappings')
            .flatMap(({ value }) => value as typeof fieldConfig.defaults.mappings & object),
        ),
      ]
      if (type === 'state-timeline') expect(mapped.length, title).toBeGreaterThan(0)
      const texts = mapped.flatMap((one) =>
        one.type === 'value' ? Object.values(one.options).map(({ text }) => text) : [one.options.result.text],
      )
      for (const text of texts) expect(text, title).toMatch(/^[^\p{L}\p{N}] .*\p{L}/u)
      // Each sign and each word once.
      const plain = (fieldConfig.defaults.mappings ?? []).flatMap((one) =>
        one.type === 'value' ? Object.values(one.options).map(({ text }) => text) : [one.options.result.text],
      )
      expect(new Set(plain.map((text) => text?.[0])).size, title).toBe(plain.length)
    }
  })

  it('panels neither overlap nor leave the grid', () => {
    const used = new Set<string>()
    for (const { title, gridPos } of panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(used.has(`${x},${y}`), title).toBe(false)
          used.add(`${x},${y}`)
        }
    }
  })
})
