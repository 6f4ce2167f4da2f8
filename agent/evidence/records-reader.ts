import { assumeRole } from '../../aws/assumed-role.ts'
import { type Credentials, findCredentials } from '../../aws/credentials.ts'
import { readMetrics } from '../../aws/cloudwatch-api.ts'
import { readFiles } from '../../aws/flow-files-api.ts'
import { readFlowFormat } from '../../aws/flow-format.ts'
import { type ReadingDeps, type ReadingLimits, readLogs } from '../../aws/flow-logs-api.ts'
import { type RecordsQuery, type RecordsResult, emptyResult } from '../../aws/flow-query.ts'
import { recordsApi } from '../../aws/records-clients.ts'
import { answerOnce } from '../child-job.ts'
import { unanswered } from './records-child.ts'
import {
  type RecordsAnswer,
  type RecordsRequest,
  parseRecordsRequest,
  recordsSchema,
} from './records-request.ts'

/** Where a host has no credentials at all, the chain ends at the metadata service, which may be silent. */
const credentialsSeconds = 8
const callSeconds = 20
const requestTimeoutSeconds = 15
const connectTimeoutSeconds = 3
const maxAttempts = 4
/** Queries at once: each holds a page or a piece of a file in memory. */
const concurrency = 3
const longestRequest = 64 * 1024 * 1024

const mebibyte = 1024 * 1024
const limits = {
  callSeconds,
  mostPages: 500,
  mostEvents: 2_000_000,
  mostBytes: 1024 * mebibyte,
  mostFileBytes: 512 * mebibyte,
}

/**
 * The whole life of the process that reads flow records: request on `input`, calls, answer on `output`, end. It lives apart
 * from the daemon because the SDK takes up more memory than all the rest. Gives the exit code: 0 answered, 1 the request
 * could not be understood.
 */
export async function runRecordsReader(
  input: AsyncIterable<Buffer | string>,
  output: (text: string) => Promise<void>,
  wallMs: () => number = Date.now,
): Promise<number> {
  return await answerOnce(input, output, {
    longestRequest,
    parse: parseRecordsRequest,
    answer: (request) => answerTo(request, wallMs),
  })
}

async function answerTo(request: RecordsRequest, wallMs: () => number): Promise<RecordsAnswer> {
  const { region, queries, metrics, deadlineSeconds } = request
  const deadline = AbortSignal.timeout(deadlineSeconds * 1000)
  const credentials = await credentialsFor(request)
  if (!credentials.ok) return unanswered(request, credentials.failure)
  const { identity } = credentials
  const api = recordsApi({ region, identity, requestTimeoutSeconds, connectTimeoutSeconds, maxAttempts })
  const deps: ReadingDeps = { api, region, wallMs }
  const bounds: ReadingLimits = { ...limits, deadline, deadlineSeconds }
  try {
    const results = new Array<RecordsResult>(queries.length)
    let next = 0
    const work = async (): Promise<void> => {
      for (let index = next++; index < queries.length; index = next++) {
        results[index] = await readQuery(queries[index]!, bounds, deps)
      }
    }
    const [points] = await Promise.all([
      metrics === null ? null : readMetrics(metrics, bounds, deps),
      ...Array.from({ length: concurrency }, work),
    ])
    return { schema: recordsSchema, results, metrics: points }
  } finally {
    api.close()
  }
}

async function readQuery(
  query: RecordsQuery,
  bounds: ReadingLimits,
  deps: ReadingDeps,
): Promise<RecordsResult> {
  const { source } = query
  const format = readFlowFormat(query.format)
  if (!format.ok) {
    return emptyResult(query, {
      reason: 'invalid',
      code: 'format',
      permission: 'ec2:DescribeFlowLogs',
      detail: `the format of the flow log can't be read: ${format.problem}`,
      nextStep: 'see aws ec2 describe-flow-logs, and flow_logs.format in the configuration',
    })
  }
  return source.kind === 'logs'
    ? readLogs({ ...query, source }, format.format, bounds, deps)
    : readFiles({ ...query, source }, format.format, bounds, deps)
}

/** Those of this process, or those of the role that it takes on with them. */
async function credentialsFor({ region, roleArn, deadlineSeconds }: RecordsRequest): Promise<Credentials> {
  const timeoutSeconds = Math.min(credentialsSeconds, deadlineSeconds)
  const { signal } = new AbortController()
  const own = await findCredentials({ region, timeoutSeconds, signal })
  if (!own.ok || roleArn === null) return own
  const role = { arn: roleArn, externalId: null }
  return await assumeRole({ role, identity: own.identity, region, timeoutSeconds, signal })
}
