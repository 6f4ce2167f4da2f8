import { setTimeout as wait } from 'node:timers/promises'
import { findCredentials } from '../../aws/credentials.ts'
import { readDirectConnect } from '../../aws/direct-connect-api.ts'
import { answerOnce } from '../child-job.ts'
import {
  type DirectConnectAnswer,
  type DirectConnectRequest,
  directConnectSchema,
  parseDirectConnectRequest,
} from './direct-connect-request.ts'

/** Where a host has no credentials at all, the chain ends at the metadata service, which may be silent. */
const credentialsSeconds = 8
const longestRequest = 64 * 1024

/** Where the SDK would ask (its name of the service is "Direct Connect"), unless it is told to look away. */
function endpointHere(environment: NodeJS.ProcessEnv): string | null {
  if (environment['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] === 'true') return null
  const said = environment['AWS_ENDPOINT_URL_DIRECT_CONNECT'] ?? environment['AWS_ENDPOINT_URL'] ?? ''
  return /^https?:\/\//.test(said) && URL.canParse(said) ? said : null
}

/**
 * The whole life of the process that reads Direct Connect: request on `input`, calls, answer on `output`, end. Credentials
 * never leave it. Gives the exit code: 0 answered, 1 the request could not be understood.
 */
export async function runDirectConnectReader(
  input: AsyncIterable<Buffer | string>,
  output: (text: string) => Promise<void>,
  wallMs: () => number = Date.now,
): Promise<number> {
  return await answerOnce(input, output, {
    longestRequest,
    parse: parseDirectConnectRequest,
    answer: (request) => answerTo(request, wallMs),
  })
}

async function answerTo(
  { region, deadlineSeconds }: DirectConnectRequest,
  wallMs: () => number,
): Promise<DirectConnectAnswer> {
  const signal = AbortSignal.timeout(deadlineSeconds * 1000)
  const timeoutSeconds = Math.min(credentialsSeconds, deadlineSeconds)
  const found = await findCredentials({ region, timeoutSeconds, signal: new AbortController().signal })
  if (!found.ok) {
    const failure = { ...found.failure, permission: 'directconnect:DescribeVirtualInterfaces' }
    return { schema: directConnectSchema, reading: null, failures: [failure] }
  }
  const result = await readDirectConnect({
    region,
    identity: found.identity,
    endpoint: endpointHere(process.env),
    wallMs,
    sleep: (seconds) => wait(seconds * 1000),
    random: Math.random,
    signal,
    deadlineSeconds,
  })
  return { schema: directConnectSchema, ...result }
}
