import type { Piece } from '../../ledger/timeline.ts'
import type { LedgerRecord } from '../../ledger/types.ts'
import type { Assurance, Report, TargetReport } from '../../ledger/report/model.ts'
import {
  type AttemptParts,
  type VerdictParts,
  attemptBody,
  recordWriter,
  targetBody,
  verdictBody,
} from './ledger-records.ts'
import { reportOf } from './ledger-report.ts'

export const start = Date.UTC(2026, 10, 20)
export const host = 'web.s3.eu-west-1.amazonaws.com'

/** A ledger of one target that is looked at every 30 s; times in seconds after the start. */
export function ledger(endSeconds = 600) {
  const write = recordWriter()
  const records: LedgerRecord[] = []
  const put = (kind: string, seconds: number, body: object): void =>
    void records.push(write(kind, start + seconds * 1000, body))
  const own = {
    write,
    put,
    start(seconds = 0) {
      put('lifecycle', seconds, { event: 'started', version: '0.1.0', configuration: 'c1' })
      put('target', seconds, targetBody('web', 30))
      put('lifecycle', seconds, { event: 'configured', version: '0.1.0', configuration: 'c1' })
    },
    verdict: (seconds: number, parts: Partial<VerdictParts> & Pick<VerdictParts, 'state'>) =>
      put(
        'target_verdict',
        seconds,
        verdictBody({
          target: 'web',
          id: `v${seconds}`,
          atMs: start + seconds * 1000,
          hostname: host,
          ...parts,
        }),
      ),
    repeat: (seconds: number, of: string) =>
      put('verdict_repeat', seconds, {
        looks: [
          {
            target: 'web',
            of,
            atMs: start + seconds * 1000,
            lifeSeconds: 95,
            made: [[`r${seconds}`, '52.218.0.1', 40_000]],
          },
        ],
      }),
    repeats(from: number, to: number, of: string) {
      for (let at = from; at < to; at += 30) own.repeat(at, of)
    },
    attempt: (
      toldSeconds: number,
      atSeconds: number,
      parts: Partial<AttemptParts> & Pick<AttemptParts, 'state'>,
    ) =>
      put(
        'attempt_verdict',
        toldSeconds,
        attemptBody({ id: `a${atSeconds}`, hostname: host, atMs: start + atSeconds * 1000, ...parts }),
      ),
    report: (more: Parameters<typeof reportOf>[1] = {}, assurance?: Assurance): Report =>
      reportOf(records, { fromMs: start, toMs: start + endSeconds * 1000, ...more }, assurance),
    target: (more: Parameters<typeof reportOf>[1] = {}): TargetReport =>
      own.report(more).targets[0] as TargetReport,
    records,
  }
  return own
}

export const told = (pieces: readonly Piece[]): [number, number, string, string][] =>
  pieces.map(({ fromMs, toMs, mark, duty }) => [(fromMs - start) / 1000, (toMs - start) / 1000, mark, duty])
