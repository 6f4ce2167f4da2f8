import { count, duration, html } from './html.ts'

/** One duration with what it may have waited unread in this process; seconds. */
export interface Sample {
  /** Unix milliseconds. */
  atMs: number
  seconds: number
  uncertaintySeconds: number
}

const width = 300
const height = 64
const bottom = height - 4

/**
 * A small plot of the last samples, oldest left. The band below the line is their uncertainty: the event happened somewhere
 * in it.
 */
export function plot(title: string, samples: readonly Sample[]): string {
  const shown = samples.filter(({ seconds }) => Number.isFinite(seconds) && seconds >= 0)
  const last = shown.at(-1)
  if (last === undefined) return `<p class="dim">${html(title)}: nothing measured yet.</p>`
  const most = Math.max(...shown.map(({ seconds }) => seconds), 1e-6)
  const x = (index: number) =>
    shown.length === 1 ? width / 2 : Math.round((index * (width - 8)) / (shown.length - 1)) + 4
  const y = (seconds: number) =>
    Math.round((bottom - (Math.max(0, seconds) / most) * (height - 10)) * 10) / 10
  const line = shown.map(({ seconds }, index) => `${x(index)},${y(seconds)}`)
  const lower = shown.map(
    ({ seconds, uncertaintySeconds }, index) =>
      `${x(index)},${y(seconds - (Number.isFinite(uncertaintySeconds) ? uncertaintySeconds : seconds))}`,
  )
  const sorted = shown.map(({ seconds }) => seconds).toSorted((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0
  const unsure =
    last.uncertaintySeconds < last.seconds ? `up to ${duration(last.uncertaintySeconds)}` : 'perhaps all'
  const words = `last ${duration(last.seconds)} (${unsure} of it this program’s own waiting), median ${duration(median)}, highest ${duration(most)}, ${count(shown.length, 'connection')}`
  const dot = `<circle class="p-dot" cx="${x(shown.length - 1)}" cy="${y(last.seconds)}" r="3"/>`
  return `<figure class="plot"><figcaption><b>${html(title)}</b>: ${words}</figcaption><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${html(`${title}: ${words}`)}" preserveAspectRatio="none"><line class="p-axis" x1="0" y1="${bottom}" x2="${width}" y2="${bottom}"/><polygon class="p-band" points="${[...line, ...lower.toReversed()].join(' ')}"/><polyline class="p-line" points="${line.join(' ')}"/>${dot}</svg></figure>`
}
