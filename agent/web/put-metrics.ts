import { findCredentials } from '../../aws/credentials.ts'
import { putMetrics } from '../../aws/put-metrics-api.ts'
import { answerOnce } from '../child-job.ts'
import {
  type PutMetricsAnswer,
  type PutMetricsRequest,
  parsePutMetricsRequest,
  putMetricsSchema,
} from './put-metrics-request.ts'

/** Where a host has no credentials at all, the chain ends at the metadata service, which may be silent. */
const credentialsSeconds = 8
const longestRequest = 2 * 1024 * 1024

/**
 * The whole life of the process that puts metrics: request on `input`, one call, answer on `output`, end. Gives the exit code:
 * 0 answered, 1 the request could not be understood.
 */
export async function runPutMetrics(
  input: AsyncIterable<Buffer | string>,
  output: (text: string) => Promise<void>,
): Promise<number> {
  return await answerOnce(input, output, {
    longestRequest,
    parse: parsePutMetricsRequest,
    answer: answerTo,
  })
}

async function answerTo({
  region,
  namespace,
  data,
  deadlineSeconds,
}: PutMetricsRequest): Promise<PutMetricsAnswer> {
  const signal = AbortSignal.timeout(deadlineSeconds * 1000)
  const timeoutSeconds = Math.min(credentialsSeconds, deadlineSeconds)
  const found = await findCredentials({ region, timeoutSeconds, signal: new AbortController().signal })
  const failure = found.ok
    ? await putMetrics(data, { region, identity: found.identity, namespace, signal, deadlineSeconds })
    : { ...found.failure, permission: 'cloudwatch:PutMetricData' }
  return { schema: putMetricsSchema, failure }
}
