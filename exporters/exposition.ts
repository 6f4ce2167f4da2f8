import type { Metric } from './metric.ts'

/** `text`: Prometheus' text format 0.0.4; `openmetrics`: OpenMetrics 1.0.0. */
export type ExpositionFormat = 'text' | 'openmetrics'

export const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/**
 * The format for an `Accept` header: OpenMetrics only where the client names it, in a version that is
 * written here (1.0.0 or 0.0.1), and does not rank it below the text format (RFC 9110 12.5.1).
 */
export function negotiate(accept: string | undefined): ExpositionFormat {
  let open = 0
  let text = 0
  for (const range of (accept ?? '').slice(0, 1000).split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const given = new Map(parameters.map((parameter) => splitOnce(parameter)))
    const quality = Number(given.get('q') ?? 1)
    if (!(quality > 0)) continue
    const version = given.get('version')
    if (type === 'application/openmetrics-text') {
      if (version === undefined || version === '1.0.0' || version === '0.0.1') open = Math.max(open, quality)
    } else if (type === 'text/plain' && (version === undefined || version === '0.0.4')) {
      text = Math.max(text, quality)
    }
  }
  return open > 0 && open >= text ? 'openmetrics' : 'text'
}

function splitOnce(parameter: string): [string, string] {
  const at = parameter.indexOf('=')
  return at === -1 ? [parameter, ''] : [parameter.slice(0, at), parameter.slice(at + 1)]
}

/** HELP and TYPE. OpenMetrics names a counter's family without `_total` and also escapes quotes in the help. */
export function familyHeader(
  metric: { name: string; type: Metric['type']; help: string },
  format: ExpositionFormat,
): string {
  const open = format === 'openmetrics'
  const name = open && metric.type === 'counter' ? metric.name.replace(/_total$/, '') : metric.name
  const help = metric.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return `# HELP ${name} ${open ? help.replaceAll('"', '\\"') : help}\n# TYPE ${name} ${metric.type}\n`
}

/** What stands before the value of a sample: name, labels in the given order, one space. */
export function samplePrefix(name: string, labels: readonly (readonly [string, string])[]): string {
  if (labels.length === 0) return `${name} `
  return `${name}{${labels.map(([label, value]) => `${label}="${escapeLabel(value)}"`).join(',')}} `
}

/** Backslash, quote and line feed are escaped (both formats); a lone surrogate, which UTF-8 can't carry, becomes U+FFFD. */
export function escapeLabel(value: string): string {
  return value.toWellFormed().replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

export function sampleValue(value: number): string {
  if (value === 0) return '0'
  if (value === 1) return '1'
  if (value === Infinity) return '+Inf'
  if (value === -Infinity) return '-Inf'
  return String(value)
}

/** Upper bound of a bucket, the same in both formats: OpenMetrics wants `1.0`, and another text would be another series. */
export function bucketBound(bound: number): string {
  if (bound === Infinity) return '+Inf'
  return Number.isInteger(bound) ? `${bound}.0` : String(bound)
}

/** The attempt that a sample is of, for OpenMetrics: its bucket links to `/attempts/<id>`. */
export interface Exemplar {
  attemptId: string
  /** Unix milliseconds. */
  atMs: number
}

/** What stands behind a bucket's value. OpenMetrics 1.0, "Exemplars": at most 128 characters of labels; more gives none. */
export function exemplarText(value: number, { attemptId, atMs }: Exemplar): string | undefined {
  if (attemptId.length > 100) return undefined
  return ` # {attempt_id="${escapeLabel(attemptId)}"} ${sampleValue(value)} ${atMs / 1000}`
}
