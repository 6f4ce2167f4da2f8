import { isoOf } from './decode.ts'
import type { Report } from './model.ts'

/** Whatever is named `…Ms` holds Unix milliseconds; outside it is named without and holds RFC 3339 text. */
function outside(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(outside)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) =>
      name.endsWith('Ms') && (typeof item === 'number' || item === null)
        ? [name.slice(0, -2), item === null ? null : isoOf(item)]
        : [name, outside(item)],
    ),
  )
}

/** A report as one JSON document: schema `pathproof.report/1`, times in RFC 3339, seconds and shares as numbers. In pieces. */
export function* reportJson(report: Report): Generator<string> {
  const { targets, ...rest } = report
  // A target at a time: with hundreds of them the whole would be held twice.
  const head = JSON.stringify(outside(rest)).slice(0, -1)
  yield `${head},"targets":[`
  for (const [index, target] of targets.entries()) {
    const { evidence: _none, ...own } = { ...target, evidence: null }
    const episodes = target.episodes.map((episode) => ({
      ...episode,
      evidence: episode.evidence.map(({ at, ...line }) => ({
        ...line,
        observedAt: at === null ? null : isoOf(at),
      })),
    }))
    yield `${index === 0 ? '' : ','}\n${JSON.stringify(outside({ ...own, episodes }))}`
  }
  yield ']}\n'
}
