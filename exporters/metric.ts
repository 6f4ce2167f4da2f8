/**
 * What a series stands for: one watched name of a target, one target, or the process. The budget counts
 * `name` and `target`: at most 20 series each.
 */
export type Scope = 'name' | 'target' | 'process'

export interface Metric {
  name: string
  type: 'gauge' | 'counter' | 'histogram'
  /** One line, no trailing full stop needed. */
  help: string
  labels: readonly string[]
  scope: Scope
  /** Whether this version has a source for it. What has none is documented and not exported. */
  available: boolean
  /** The closed lists of label values; a label without one takes its values from the configuration. */
  values: Readonly<Record<string, readonly string[]>>
  /** Upper bounds, ascending, without +Inf; empty but for histograms. */
  buckets: readonly number[]
}

/** Seconds from 1 ms to 10 s. */
const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10] as const

/** A metric that this version exports; its literal types are kept, so that names and labels are checked at compile time. */
export function metric<
  const Name extends string,
  const Type extends Metric['type'],
  const Labels extends readonly string[],
>(name: Name, type: Type, scope: Scope, labels: Labels, help: string, values: Metric['values'] = {}) {
  const buckets: readonly number[] = type === 'histogram' ? latencyBuckets : []
  return { name, type, scope, labels, help, values, buckets, available: true }
}

/** A metric whose source is still to come. */
export const planned: typeof metric = (...entry) => ({ ...metric(...entry), available: false })
