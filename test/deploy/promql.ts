import { parser } from '@prometheus-io/lezer-promql'
import type { SyntaxNode } from '@lezer/common'
import { catalogue } from '../../exporters/catalogue.ts'
import type { Metric } from '../../exporters/metric.ts'
import { shippedGroups } from '../../scripts/dashboards/files.ts'

export interface Matcher {
  label: string
  op: string
  value: string
}

export interface Selector {
  metric: string
  matchers: Matcher[]
}

export interface Read {
  /** True if Prometheus' own grammar finds something wrong. */
  broken: boolean
  selectors: Selector[]
  /** Labels in by, without, on, ignoring, group_left, group_right. */
  grouped: string[]
  /** Functions that are called, each with the metrics inside of it. */
  calls: { name: string; metrics: string[] }[]
  /** Ranges in brackets, as written. */
  ranges: { within: string; range: string }[]
}

/** Reads PromQL; variables of Grafana must have been replaced. */
export function readPromql(expr: string): Read {
  const found: Read = { broken: false, selectors: [], grouped: [], calls: [], ranges: [] }
  const text = (node: { from: number; to: number }): string => expr.slice(node.from, node.to)
  const metricsIn = (node: SyntaxNode): string[] => {
    const names: string[] = []
    node.cursor().iterate((inner) => {
      if (inner.name === 'VectorSelector') names.push(text(inner.node.getChild('Identifier') ?? inner))
    })
    return names
  }
  parser.parse(expr).iterate({
    enter(node) {
      if (node.type.isError) found.broken = true
      if (node.name === 'VectorSelector') {
        const identifier = node.node.getChild('Identifier')
        const matchers = (node.node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []).map(
          (matcher) => ({
            label: text(matcher.getChild('LabelName') ?? matcher),
            op: text(matcher.getChild('MatchOp') ?? matcher),
            value: text(matcher.getChild('StringLiteral') ?? matcher).slice(1, -1),
          }),
        )
        found.selectors.push({ metric: identifier === null ? '' : text(identifier), matchers })
      }
      if (node.name === 'GroupingLabels')
        found.grouped.push(...node.node.getChildren('LabelName').map((label) => text(label)))
      if (node.name === 'FunctionCall')
        found.calls.push({
          name: text(node.node.getChild('FunctionIdentifier') ?? node),
          metrics: metricsIn(node.node),
        })
      if (node.name === 'MatrixSelector') {
        const range = /\[([^\]]*)\]$/.exec(text(node))?.[1] ?? ''
        found.ranges.push({ within: text(node), range })
      }
    },
  })
  return found
}

const metrics: readonly Metric[] = catalogue
const recorded = shippedGroups().flatMap(({ rules }) =>
  rules.flatMap((rule) => ('record' in rule ? [rule.record] : [])),
)

/** The metric of the catalogue behind the name of a series, if there is one. */
export function metricOf(series: string): Metric | undefined {
  const family = series.replace(/_(?:bucket|count|sum)$/, '')
  return metrics.find(
    ({ name, type }) => name === series || (type === 'histogram' && name === family && series !== family),
  )
}

/** What Prometheus gives to every series that it scrapes. */
const ofTarget = ['job', 'instance']

/** The labels that a series has, null if no series is called so. */
export function labelsOf(series: string): string[] | null {
  if (series === 'up') return ofTarget
  if (series.includes(':')) {
    if (!recorded.includes(series)) return null
    return levelOf(series)
  }
  const metric = metricOf(series)
  if (metric === undefined) return null
  return [...ofTarget, ...metric.labels, ...(series.endsWith('_bucket') ? ['le'] : [])]
}

/** Labels that the level of a recorded series names. Label names hold underscores themselves, so they are looked for whole. */
export function levelOf(series: string): string[] {
  const known = new Set([...ofTarget, ...metrics.flatMap(({ labels }) => labels)])
  let level = series.split(':')[0] ?? ''
  const labels: string[] = []
  while (level !== '') {
    const next = [...known]
      .filter((label) => level === label || level.startsWith(`${label}_`))
      .toSorted((a, b) => b.length - a.length)[0]
    if (next === undefined) throw new Error(`${series}: what is ${level}?`)
    labels.push(next)
    level = level.slice(next.length + 1)
  }
  return labels
}

/** What is wrong with an expression, by the catalogue: names, labels, values of closed lists. */
export function faults(expr: string): string[] {
  const { broken, selectors, grouped } = readPromql(expr)
  const found = broken ? ['it is no PromQL'] : []
  const all = new Set<string>()
  for (const { metric, matchers } of selectors) {
    const labels = labelsOf(metric)
    if (labels === null) {
      found.push(`there is no ${metric}`)
      continue
    }
    for (const label of labels) all.add(label)
    for (const { label, op, value } of matchers) {
      if (!labels.includes(label)) found.push(`${metric} has no label ${label}`)
      const values = metricOf(metric)?.values[label]
      if (values === undefined || /[.*+]/.test(value)) continue
      for (const each of op.includes('~') ? value.split('|') : [value])
        if (!values.includes(each)) found.push(`${metric} is never ${label}=${each}`)
    }
  }
  for (const label of grouped) if (!all.has(label)) found.push(`no series here has the label ${label}`)
  return found
}
