import { type RecordsFailure, emptyResult } from '../../aws/flow-query.ts'
import { type ReaderDeps, runProgram } from '../child.ts'
import { type RecordsAnswer, type RecordsRequest, parseRecordsAnswer } from './records-request.ts'
import { recordsArgument, recordsSchema } from './records-request.ts'

/** Most bytes of an answer: matched records only, and a census of bounded size. */
const mostAnswerBytes = 64 * 1024 * 1024

/**
 * All queries of a round, read in a process of its own that ends with them: this one never holds the SDK. Plain data in,
 * plain data out. Never rejects: a reader that crashes, hangs or is cut off leaves every query unanswered, and none of
 * their cursors moves.
 */
export async function readRecords(request: RecordsRequest, deps: ReaderDeps): Promise<RecordsAnswer> {
  const { graceSeconds = 15, mostBytes = mostAnswerBytes } = deps
  const limits = { deadlineSeconds: request.deadlineSeconds + graceSeconds, mostBytes }
  const ended = await runProgram(recordsArgument, JSON.stringify(request), limits, deps)
  if (!ended.ok) return unanswered(request, crash(ended.code, ended.because))
  const answer = parseRecordsAnswer(ended.text, request)
  return answer ?? unanswered(request, crash('garbled', `what it wrote is no answer of ${recordsSchema}`))
}

function crash(code: string, because: string): Omit<RecordsFailure, 'permission'> {
  return {
    reason: code === 'timeout' ? 'timeout' : 'failed',
    code,
    detail: `the process that reads flow records gave no answer: ${because}`,
    nextStep: 'see the log for what it said; on a small host it may have run out of memory',
  }
}

/** The answer where no call was made at all. */
export function unanswered(
  request: RecordsRequest,
  failure: Omit<RecordsFailure, 'permission'>,
): RecordsAnswer {
  const { queries, metrics } = request
  return {
    schema: recordsSchema,
    results: queries.map((query) => {
      const permission = query.source.kind === 'logs' ? 'logs:FilterLogEvents' : 's3:ListBucket'
      return emptyResult(query, { ...failure, permission })
    }),
    metrics: metrics && {
      series: [],
      fromMs: metrics.fromMs,
      toMs: metrics.toMs,
      truncated: false,
      metricsRequested: 0,
      failure: { ...failure, permission: 'cloudwatch:GetMetricData' },
    },
  }
}
