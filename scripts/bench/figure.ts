/** One measured thing. `floor` and `ceiling`: the least and the most that are wanted. `spread`: least and largest of the runs. */
export interface Figure {
  name: string
  value: number
  unit: string
  floor?: number
  ceiling?: number
  spread?: [number, number]
}

/** What was not measured, and why. */
export interface Skipped {
  skipped: string
  because: string
}

export type Line = Figure | Skipped

export const isFigure = (line: Line): line is Figure => 'value' in line

/** A figure that misses what is wanted; one that is no number misses it too. */
export function missed({ value, floor, ceiling }: Figure): boolean {
  if (floor === undefined && ceiling === undefined) return false
  return !(value >= (floor ?? -Infinity) && value <= (ceiling ?? Infinity))
}

/** One line for people. */
export function shown(line: Line): string {
  if (!isFigure(line)) return `  ${line.skipped.padEnd(60)} skipped: ${line.because}`
  const { name, value, unit, spread, floor, ceiling } = line
  const range = spread === undefined ? '' : `  (${spread.map((s) => s.toPrecision(3)).join(' to ')})`
  const least = floor === undefined ? '' : `  (wanted: at least ${floor.toPrecision(3)})`
  const most = ceiling === undefined ? '' : `  (wanted: at most ${ceiling.toPrecision(3)})`
  const word = missed(line) ? '  MISSED' : ''
  return `  ${name.padEnd(60)} ${value.toPrecision(3).padStart(8)} ${unit}${range}${least}${most}${word}`
}
