import { redact } from '../model/redact.ts'
import { safeText } from '../model/text.ts'

export const logLevels = ['debug', 'info', 'warn', 'error'] as const

export type LogLevel = (typeof logLevels)[number]

/** `console` is for a person at a terminal, `logfmt` for everything else unless `json` is asked for. */
export type LogFormat = 'console' | 'logfmt' | 'json'

export type LogValue =
  | string
  | number
  | boolean
  | bigint
  | null
  | undefined
  | Error
  | readonly (string | number)[]

type Fields = Readonly<Record<string, LogValue>>

/** `event` is a stable name in snake case, one per kind of message; what varies stands in the fields. */
export type LogWrite = (event: string, fields?: Fields) => void

export interface Log extends Record<LogLevel, LogWrite> {
  /** Writes the summaries of repeated errors that are still due; call it before the process ends. */
  flush(): void
}

export interface LogOptions {
  /** Takes one line with its line feed; never throws. */
  write: (line: string) => void
  level: LogLevel
  format: LogFormat
  /** Lines go to journald: `<N>` priority in front (sd-daemon(3)) and no time, which the journal adds itself. */
  journal: boolean
  wallMs: () => number
  monotonicMs: () => number
  /** The same warning or error again within this time is only counted; default 60. */
  repeatSeconds?: number
}

const priorities: Readonly<Record<LogLevel, number>> = { error: 3, warn: 4, info: 6, debug: 7 }

const maxValueLength = 1000
const maxRepeatsTracked = 256

/** Writes one line per event. Every value passes the redactor and loses what could disturb a terminal. */
export function createLog(options: LogOptions): Log {
  const { repeatSeconds = 60 } = options
  const repeats = new Map<string, { level: LogLevel; event: string; sinceMs: number; count: number }>()

  const emit = (level: LogLevel, event: string, fields: Fields): void => {
    const time = new Date(options.wallMs()).toISOString()
    const all: Record<string, LogValue> = {
      ...(options.journal ? {} : { ts: time }),
      level,
      event,
      ...fields,
    }
    options.write(`${options.journal ? `<${priorities[level]}>` : ''}${bodies[options.format](all, time)}\n`)
  }

  const summarize = (key: string): void => {
    const repeat = repeats.get(key)
    repeats.delete(key)
    if (repeat === undefined || repeat.count === 0) return
    const seconds = Math.round((options.monotonicMs() - repeat.sinceMs) / 1000)
    emit(repeat.level, repeat.event, { repeated: repeat.count, within_seconds: seconds })
  }

  /** True if the line is to be written now. */
  const first = (level: LogLevel, event: string, fields: Fields): boolean => {
    const now = options.monotonicMs()
    for (const [key, { sinceMs }] of repeats) {
      // In order of age: what follows is younger.
      if (now - sinceMs < repeatSeconds * 1000 && repeats.size <= maxRepeatsTracked) break
      summarize(key)
    }
    const key = logfmt({ level, event, ...fields })
    const repeat = repeats.get(key)
    if (repeat === undefined) repeats.set(key, { level, event, sinceMs: now, count: 0 })
    else repeat.count++
    return repeat === undefined
  }

  const writer =
    (level: LogLevel): LogWrite =>
    (event, fields = {}) => {
      if (logLevels.indexOf(level) < logLevels.indexOf(options.level)) return
      if ((level === 'error' || level === 'warn') && !first(level, event, fields)) return
      emit(level, event, fields)
    }

  return {
    debug: writer('debug'),
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
    flush() {
      for (const key of repeats.keys()) summarize(key)
    },
  }
}

/**
 * True if `descriptor` (dev and inode of stderr) is the stream that systemd connected to the journal:
 * JOURNAL_STREAM is inherited by children whose stderr goes elsewhere (systemd.exec(5)).
 */
export function goesToJournal(
  journalStream: string | undefined,
  descriptor: { dev: number; ino: number },
): boolean {
  return journalStream === `${descriptor.dev}:${descriptor.ino}`
}

const bodies: Readonly<Record<LogFormat, (fields: Fields, time: string) => string>> = {
  json,
  logfmt,
  console: ({ level, event, ...fields }, time) =>
    `${time.slice(11, 19)} ${String(level).padEnd(5)} ${keyText(String(event))} ${logfmt({ ...fields, ts: undefined })}`.trimEnd(),
}

function logfmt(fields: Fields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${keyText(key)}=${quoted(plain(value))}`)
    .join(' ')
}

function json(fields: Fields): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(fields).map(([key, value]) => [keyText(key), plain(value)])),
  )
}

function plain(value: LogValue): string | number | boolean | null | undefined {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined)
    return value
  if (value instanceof Error) return clean(`${value.name}: ${codeOf(value)}${value.message}`)
  if (Array.isArray(value)) return clean(value.join(','))
  return clean(String(value))
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? `${error.code} ` : ''
}

/** Redacted before and after: hidden characters could split a secret's name, a cut could hide its shape. */
function clean(text: string): string {
  return redact(safeText(redact(text), maxValueLength))
}

function quoted(value: string | number | boolean | null | undefined): string {
  const text = String(value)
  return /^[\w.:/@+,%*-]+$/.test(text) ? text : JSON.stringify(text)
}

/** Keys are written in the source; this only makes sure that a slip can't break a line. */
function keyText(key: string): string {
  return key.replace(/[^\w.]/g, '_')
}
