import type { LabelsOf, MetricNameOf } from './catalogue.ts'
import type { Exemplar, ExpositionFormat } from './exposition.ts'
import { bucketBound, exemplarText, familyHeader, samplePrefix, sampleValue } from './exposition.ts'
import type { Metric } from './metric.ts'
import { createOutput } from './output.ts'

/** A series that can be set. After `remove` (its own or its group's) it is gone, and writing to it does nothing. */
export interface Gauge {
  set(value: number): void
  remove(): void
}

export interface Counter {
  /** @throws RangeError for a negative or missing number: a counter never falls */
  add(amount?: number): void
  remove(): void
}

export interface Histogram {
  /** One sample, in the metric's base unit. The last exemplar of each bucket is kept. */
  observe(value: number, exemplar?: Exemplar): void
  remove(): void
}

/**
 * Makes series. The same name and labels give the same series again. A new gauge or counter is 0.
 * @throws TypeError for a metric that the catalogue does not have as available, or labels that are not its own
 */
export interface SeriesMaker {
  gauge<Name extends MetricNameOf<'gauge'>>(name: Name, labels: LabelsOf<Name>): Gauge
  counter<Name extends MetricNameOf<'counter'>>(name: Name, labels: LabelsOf<Name>): Counter
  histogram<Name extends MetricNameOf<'histogram'>>(name: Name, labels: LabelsOf<Name>): Histogram
}

export interface SeriesGroup extends SeriesMaker {
  /** Removes every series that was made by this group. */
  close(): void
  size(): number
}

export interface SeriesSet extends SeriesMaker {
  group(): SeriesGroup
  /** Sample lines in one exposition. */
  lines(): number
  /**
   * The exposition of all series as they are at the moment of the call, in UTF-8. It is written in
   * slices of a few hundred lines and lets the event loop turn in between, for a scrape that held the loop
   * would falsify every handshake in flight; values set meanwhile appear in the next one.
   * `appended`: complete families from elsewhere, in the same format, put before the end mark.
   */
  render(format: ExpositionFormat, appended?: string): Promise<Buffer>
}

/** Lines that are written, and kept as they were written, together. A power of two, and more than one series has. */
const chunkLines = 256
/** Work between two turns of the event loop, in lines: well below a millisecond. A chunk that is only copied counts as a few. */
const sliceLines = 256
const copiedLines = 16

/** All series of one metric. Each block is one series: one line, or all lines of one histogram. */
interface Family {
  metric: Metric
  blockLines: number
  /** What stands before the value, for each line. */
  prefixes: string[]
  values: Float64Array
  /** What stands behind the value, for each line that has an exemplar. */
  exemplars: (string | undefined)[]
  blocks: Block[]
  byLabels: Map<string, Block>
  /** Counts the changes of each chunk of lines. */
  versions: number[]
  /** Each chunk as it was written last, and of which version. Most values are the same at the next scrape. */
  written: ({ version: number; bytes: Buffer } | undefined)[]
}

interface Block {
  family: Family
  labels: string
  /** Position among the family's blocks; -1 when removed. */
  at: number
  /** The group's that made it last; null: it was made by none. */
  members: Set<Block> | null
}

/**
 * Holds the values of all series in flat arrays beside their pre-rendered names and labels, so that a
 * scrape only joins text. A snapshot of the values is one array copy, and so the series of one exposition
 * belong to one moment however long it takes to write.
 */
export function createSeriesSet(catalogue: readonly Metric[]): SeriesSet {
  const families = new Map<string, Family>()
  for (const metric of catalogue) {
    if (!metric.available) continue
    // Beside its buckets a histogram has +Inf, sum and count.
    const blockLines = metric.type === 'histogram' ? metric.buckets.length + 3 : 1
    families.set(metric.name, {
      metric,
      blockLines,
      prefixes: [],
      values: new Float64Array(8),
      exemplars: [],
      blocks: [],
      byLabels: new Map(),
      versions: [],
      written: [],
    })
  }

  const open = (
    name: string,
    type: Metric['type'],
    labels: Readonly<Record<string, string>>,
    members: Set<Block> | null,
  ): Block => {
    const family = families.get(name)
    if (family === undefined || family.metric.type !== type)
      throw new TypeError(`no available ${type} ${name}`)
    const block = blockOf(family, labels)
    if (members !== null) {
      members.add(block)
      block.members = members
    }
    return block
  }

  const makerOf = (members: Set<Block> | null): SeriesMaker => ({
    gauge: (name, labels) => gaugeOf(open(name, 'gauge', labels, members)),
    counter: (name, labels) => counterOf(open(name, 'counter', labels, members)),
    histogram: (name, labels) => histogramOf(open(name, 'histogram', labels, members)),
  })

  return {
    ...makerOf(null),
    group() {
      const members = new Set<Block>()
      return {
        ...makerOf(members),
        close() {
          for (const block of members) removeBlock(block)
        },
        size: () => members.size,
      }
    },
    lines: () => families.values().reduce((sum, family) => sum + family.prefixes.length, 0),
    async render(format, appended = '') {
      const snapshot = [...families.values()]
        .filter((family) => family.blocks.length > 0)
        .map((family) => ({
          metric: family.metric,
          written: family.written,
          prefixes: family.prefixes.slice(),
          values: family.values.slice(),
          versions: family.versions.slice(),
          exemplars: format === 'openmetrics' ? family.exemplars.slice() : [],
        }))
      const out = createOutput(
        snapshot.reduce((sum, { prefixes }) => sum + roughSize(prefixes), appended.length),
      )
      let work = 0
      for (const { metric, prefixes, values, exemplars, versions, written } of snapshot) {
        out.write(familyHeader(metric, format))
        for (let from = 0; from < prefixes.length; from += chunkLines) {
          const chunk = from / chunkLines
          const version = versions[chunk] ?? 0
          const known = exemplars.length === 0 ? written[chunk] : undefined
          if (known?.version === version) {
            out.copy(known.bytes)
            work += copiedLines
          } else {
            let text = ''
            const to = Math.min(prefixes.length, from + chunkLines)
            for (let index = from; index < to; index++)
              text += `${prefixes[index]}${sampleValue(values[index] ?? NaN)}${exemplars[index] ?? ''}\n`
            const bytes = Buffer.from(text)
            out.copy(bytes)
            if (exemplars.length === 0 && (known?.version ?? -1) < version)
              written[chunk] = { version, bytes }
            work += chunkLines
          }
          if (work < sliceLines) continue
          work = 0
          await nextTurn()
        }
      }
      out.write(`${appended}${format === 'openmetrics' ? '# EOF\n' : ''}`)
      return out.bytes()
    },
  }
}

/** Most lines are ASCII and most values short; timestamps take 17 characters. */
function roughSize(prefixes: readonly string[]): number {
  return prefixes.reduce((sum, prefix) => sum + prefix.length + 20, 1000)
}

// There are tens of thousands of these handles: none holds more than its block.
function gaugeOf(block: Block): Gauge {
  return {
    set(value) {
      const { family, at } = block
      if (at < 0 || Object.is(family.values[at], value)) return
      family.values[at] = value
      touch(family, at, 1)
    },
    remove: () => removeBlock(block),
  }
}

function counterOf(block: Block): Counter {
  return {
    add(amount = 1) {
      const { family, at } = block
      if (!(amount >= 0)) throw new RangeError(`${family.metric.name}: got ${amount}, expected at least 0`)
      if (at < 0 || amount === 0) return
      family.values[at]! += amount
      touch(family, at, 1)
    },
    remove: () => removeBlock(block),
  }
}

function histogramOf(block: Block): Histogram {
  return {
    observe(value, exemplar) {
      const { family, at } = block
      // Not a number fits no bucket and would spoil the sum for good.
      if (at < 0 || Number.isNaN(value)) return
      const { buckets } = family.metric
      const start = at * family.blockLines
      const { values } = family
      for (const [index, bound] of buckets.entries()) if (value <= bound) values[start + index]! += 1
      values[start + buckets.length]! += 1
      values[start + buckets.length + 1]! += value
      values[start + buckets.length + 2]! += 1
      touch(family, start, family.blockLines)
      if (exemplar === undefined) return
      const fits = buckets.findIndex((bound) => value <= bound)
      family.exemplars[start + (fits < 0 ? buckets.length : fits)] = exemplarText(value, exemplar)
    },
    remove: () => removeBlock(block),
  }
}

/** Something in these lines of the family is another than before. */
function touch({ versions }: Family, line: number, lines: number): void {
  const last = Math.floor((line + lines - 1) / chunkLines)
  for (let chunk = Math.floor(line / chunkLines); chunk <= last; chunk++)
    versions[chunk] = (versions[chunk] ?? 0) + 1
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

function blockOf(family: Family, given: Readonly<Record<string, string>>): Block {
  const { metric, blockLines, prefixes, blocks, byLabels } = family
  const labels = metric.labels.map((label): [string, string] => [label, labelValue(metric, given, label)])
  if (Object.keys(given).length !== labels.length) {
    throw new TypeError(
      `${metric.name}: got labels ${Object.keys(given).join()}, expected ${metric.labels.join()}`,
    )
  }
  const key = samplePrefix(metric.name, labels)
  const known = byLabels.get(key)
  if (known !== undefined) return known
  const block: Block = { family, labels: key, at: blocks.length, members: null }
  blocks.push(block)
  byLabels.set(key, block)
  if (metric.type === 'histogram') prefixes.push(...histogramPrefixes(metric, labels))
  else prefixes.push(key)
  if (family.values.length < blocks.length * blockLines) {
    const values = new Float64Array(blocks.length * blockLines * 2)
    values.set(family.values)
    family.values = values
  }
  family.values.fill(0, block.at * blockLines, (block.at + 1) * blockLines)
  touch(family, block.at * blockLines, blockLines)
  return block
}

function labelValue(metric: Metric, given: Readonly<Record<string, string>>, label: string): string {
  const value = given[label]
  if (typeof value !== 'string') throw new TypeError(`${metric.name}: label ${label} is missing`)
  const allowed = metric.values[label]
  if (allowed !== undefined && !allowed.includes(value)) {
    throw new TypeError(`${metric.name}: label ${label} is none of its closed list`)
  }
  return value
}

function histogramPrefixes(metric: Metric, labels: readonly (readonly [string, string])[]): string[] {
  const buckets = [...metric.buckets, Infinity].map((bound) =>
    samplePrefix(`${metric.name}_bucket`, [...labels, ['le', bucketBound(bound)]]),
  )
  return [
    ...buckets,
    samplePrefix(`${metric.name}_sum`, labels),
    samplePrefix(`${metric.name}_count`, labels),
  ]
}

/** The last block takes the place of the removed one. */
function removeBlock(block: Block): void {
  block.members?.delete(block)
  if (block.at < 0) return
  const { family } = block
  const { blockLines, prefixes, exemplars, blocks, byLabels } = family
  const last = blocks.pop()
  const from = blocks.length * blockLines
  if (last !== undefined && last !== block) {
    const to = block.at * blockLines
    for (let line = 0; line < blockLines; line++) {
      prefixes[to + line] = prefixes[from + line] ?? ''
      if (exemplars.length > 0) exemplars[to + line] = exemplars[from + line]
    }
    family.values.copyWithin(to, from, from + blockLines)
    touch(family, to, blockLines)
    blocks[block.at] = last
    last.at = block.at
  }
  prefixes.length = from
  touch(family, from, blockLines)
  if (exemplars.length > from) exemplars.length = from
  byLabels.delete(block.labels)
  block.at = -1
}
