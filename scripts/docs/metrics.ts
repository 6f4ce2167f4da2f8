import { catalogue } from '../../exporters/catalogue.ts'
import type { Metric, Scope } from '../../exporters/metric.ts'
import { code, table } from './markdown.ts'

const metrics: readonly Metric[] = catalogue

const stands: Record<Scope, string> = {
  name: 'one watched name of a target',
  target: 'one target',
  process: 'the agent',
}

function labelText({ labels, values }: Metric): string {
  if (labels.length === 0) return 'none'
  return labels
    .map((label) =>
      values[label] === undefined ? code(label) : `${code(label)}: ${values[label].join(', ')}`,
    )
    .join('; ')
}

function rowsOf(scope: Scope, available: boolean): string[][] {
  return metrics
    .filter((m) => m.scope === scope && m.available === available)
    .map((m) => [code(m.name), m.type, labelText(m), m.help])
}

/** Every metric of the catalogue: those that this version exports, then those whose source is still to come. */
export function metricsSection(): string {
  const head = ['Metric', 'Type', 'Labels', 'Meaning']
  const exported = (['name', 'target', 'process'] as const).flatMap((scope) => [
    `### Of ${stands[scope]}`,
    table(head, rowsOf(scope, true)),
  ])
  const planned = (['name', 'target', 'process'] as const).flatMap((scope) => rowsOf(scope, false))
  const later =
    planned.length === 0
      ? []
      : [
          '### Not exported yet',
          'Names that are fixed already; this version has no source for them.',
          table(head, planned),
        ]
  return [...exported, ...later].join('\n\n')
}
