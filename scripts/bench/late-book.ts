// Joining 100,000 flow records to 10,000 attempts that wait for theirs: CPU seconds of this process, and what is kept.
import { type LoadKind, loadAttempts, loadBook, loadRecords } from '../../test/support/late-load.ts'
import type { Figure } from './figure.ts'

const attempts = 10_000
const records = 100_000
const rounds = 3

function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

function once(kind: LoadKind): { first: number; again: number; kept: number } {
  const { book } = loadBook()
  const dialled = loadAttempts(attempts, kind)
  const captured = { records: loadRecords(dialled, records, kind), skipped: [] }
  for (const one of dialled) book.dialled(one)
  const first = cpuSeconds(() => void book.captured(captured))
  // each round of the daemon reads most of it again
  const again = cpuSeconds(() => void book.captured(captured))
  return { first, again, kept: book.size().records }
}

function figure(name: string, values: number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b)
  return {
    name,
    value: sorted[Math.floor(sorted.length / 2)] ?? NaN,
    unit: 's',
    spread: [sorted[0] ?? NaN, sorted.at(-1) ?? NaN],
  }
}

/** Seconds of CPU for one round of records, and for the same records once more. */
export function benchLateBook(): Figure[] {
  const of = (kind: LoadKind, way: string): Figure[] => {
    const runs = Array.from({ length: rounds }, () => once(kind))
    return [
      figure(
        `by ${way}`,
        runs.map(({ first }) => first),
      ),
      figure(
        'the same records again',
        runs.map(({ again }) => again),
      ),
      { name: 'records kept with an attempt', value: (runs[0]?.kept ?? NaN) / attempts, unit: '' },
    ]
  }
  return [...of('endpoint', 'a gateway endpoint'), ...of('nat', 'a busy NAT gateway')]
}
