import type { CloudwatchDatum } from '../../exporters/cloudwatch.ts'
import type { Delivered } from '../../exporters/delivery.ts'
import { type ReaderDeps, runProgram } from '../child.ts'
import { parsePutMetricsAnswer, putMetricsArgument } from './put-metrics-request.ts'

const graceSeconds = 10

/** Reasons that repeating changes nothing about: permissions, credentials and what CloudWatch does not take. */
const forGood: ReadonlySet<string> = new Set(['denied', 'invalid', 'missing'])

/**
 * Puts at most 1,000 values in a process of its own that ends with the call: this one never holds the SDK. A process that
 * crashes, hangs or answers nonsense counts as a call that failed. Never rejects.
 */
export async function putMetricsInChild(
  data: readonly CloudwatchDatum[],
  where: { region: string; namespace: string; deadlineSeconds: number },
  deps: ReaderDeps,
): Promise<Delivered> {
  const { deadlineSeconds } = where
  const request = {
    ...where,
    data: data.map(({ metric, target, value, atMs }) => ({
      name: metric,
      dimensions: target === null ? [] : [{ name: 'Target', value: target }],
      value,
      atMs,
    })),
  }
  const limits = { deadlineSeconds: deadlineSeconds + graceSeconds, mostBytes: 64 * 1024 }
  const ended = await runProgram(putMetricsArgument, JSON.stringify(request), limits, deps)
  if (!ended.ok)
    return { kind: 'again', because: `the process that puts metrics gave no answer: ${ended.because}` }
  const answer = parsePutMetricsAnswer(ended.text)
  if (answer === null)
    return { kind: 'again', because: 'what the process that puts metrics wrote is no answer' }
  const { failure } = answer
  if (failure === null) return { kind: 'delivered' }
  const because = `${failure.detail}; ${failure.nextStep}`
  return forGood.has(failure.reason)
    ? { kind: 'never', reason: 'rejected', because }
    : { kind: 'again', because }
}
