/** `critical`: somebody is woken; `warning`: somebody looks at it today; `info`: shown, and used to inhibit. */
export type Severity = 'critical' | 'warning' | 'info'

/** One alert. `summary` and `description` are Go templates of Prometheus (`$labels`, `$value`). */
export interface Alert {
  alert: string
  severity: Severity
  /** How long the expression must hold; 0: at once. */
  forSeconds: number
  expr: string
  /** Names cause and fix. */
  summary: string
  /** Where to look next. */
  description: string
}

/** A recording rule, named `level:metric:operation` (Prometheus documentation, "Recording rules", Naming). */
export interface RecordingRule {
  record: string
  expr: string
}

/** A duration as Prometheus writes it, in the largest unit that fits. */
export function promDuration(seconds: number): string {
  const whole = Math.max(1, Math.ceil(seconds))
  if (whole % 86_400 === 0) return `${whole / 86_400}d`
  if (whole % 3600 === 0) return `${whole / 3600}h`
  return whole % 60 === 0 ? `${whole / 60}m` : `${whole}s`
}
