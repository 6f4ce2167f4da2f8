import type { Timings } from '../../model/observation.ts'

/** The times of one attempt as the product gives them. */
export interface Sample {
  port: number
  /** Unix milliseconds of its start. */
  atMs: number
  timings: Timings
}

/** Value at a share (0 to 1) of numbers in any order, by nearest rank from below; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}

/** Median with the least and the largest of a few runs. */
export function middle(values: readonly number[]): { value: number; spread: [number, number] } {
  return { value: quantile(values, 0.5), spread: [Math.min(...values), Math.max(...values)] }
}

/** Ratios run by run: what a change of the machine's speed from run to run does to both falls out. */
export function ratios(a: readonly number[], b: readonly number[]): ReturnType<typeof middle> {
  return middle(a.map((x, i) => x / (b[i] ?? NaN)))
}
