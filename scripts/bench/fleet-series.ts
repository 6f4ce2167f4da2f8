/** What many agents tell Prometheus, made from the exposition of one. */
import type { Series } from './remote-write.ts'

interface Line {
  name: string
  labels: Record<string, string>
  value: number
}

/** Sample lines of the text format; labels without escapes only, as the agent has them here. */
export function readExposition(text: string): Line[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line)
    if (match === null) return []
    const labels = Object.fromEntries(
      [...(match[2] ?? '').matchAll(/([a-z_]+)="([^"]*)"/g)].map((m) => [m[1] ?? '', m[2] ?? '']),
    )
    return [{ name: match[1] ?? '', labels, value: Number(match[3]) }]
  })
}

/** One name in a hundred is public since half of the time, two are undetermined, the others private. */
function stateOf(agent: number, target: string, late: boolean): 'public' | 'undetermined' | 'private' {
  const place = (agent * 7 + Number(target.slice(1)) * 31) % 100
  if (place === 0) return late ? 'public' : 'private'
  return place < 3 ? 'undetermined' : 'private'
}

const fresh = /^pathproof_(?:last_verdict|topology_part_last_success)_timestamp_seconds$/

/**
 * The series of `agents` agents, scraped as the job `pathproof`, and their `up`: those of `one` whose metric `wanted` knows. From `lateMs` on
 * some names are public.
 */
export function fleetSeries(
  one: readonly Line[],
  agents: number,
  wanted: ReadonlySet<string>,
  lateMs: number,
): Series[] {
  const series: Series[] = []
  for (let agent = 0; agent < agents; agent++) {
    const own = { job: 'pathproof', instance: `host-${agent}.example.net:10097` }
    series.push({ labels: { __name__: 'up', ...own }, value: () => 1 })
    for (const { name, labels, value } of one) {
      if (!wanted.has(name)) continue
      const target = labels['target'] ?? ''
      const state = (atMs: number) => stateOf(agent, target, atMs >= lateMs)
      const known: Record<string, string> =
        name === 'pathproof_path_info' && stateOf(agent, target, true) === 'private'
          ? { class: 'gateway_endpoint', proof: 'configured' }
          : {}
      const valueAt = (atMs: number): number => {
        if (name === 'pathproof_path_state') return state(atMs) === labels['state'] ? 1 : 0
        if (name === 'pathproof_path_private' || name === 'pathproof_requirement_met')
          return state(atMs) === 'private' ? 1 : 0
        return fresh.test(name) ? atMs / 1000 : value
      }
      series.push({ labels: { __name__: name, ...own, ...labels, ...known }, value: valueAt })
    }
  }
  return series
}
