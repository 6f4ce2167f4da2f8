import { setTimeout as sleep } from 'node:timers/promises'
import type { AttestApi } from '../../aws/attest-clients.ts'
import { readBucketPolicy } from '../../aws/bucket-policy-api.ts'
import { findCredentials } from '../../aws/credentials.ts'
import { type SignedRequest, signRequest } from '../../aws/request-signing.ts'
import { lookUpEvents } from '../../aws/trail-api.ts'
import { answerOnce } from '../child-job.ts'
import { type AttestAnswer, type AttestRequest, attestSchema, parseAttestRequest } from './attest-request.ts'

/** Where a host has no credentials at all, the chain ends at the metadata service, which may be silent. */
const credentialsSeconds = 8
const longestRequest = 4 * 1024 * 1024

/**
 * The whole life of the process that holds credentials: request on `input`, signatures and calls, answer on `output`, end.
 * Gives the exit code: 0 answered, 1 the request could not be understood.
 */
export async function runSigner(
  input: AsyncIterable<Buffer | string>,
  output: (text: string) => Promise<void>,
): Promise<number> {
  return await answerOnce(input, output, {
    longestRequest,
    parse: parseAttestRequest,
    answer: answerTo,
  })
}

async function answerTo(request: AttestRequest): Promise<AttestAnswer> {
  const { region, atMs, sign, policy, lookups, deadlineSeconds } = request
  const empty = { schema: attestSchema, failure: null, signed: {}, policy: null, lookups: [] } as const
  const timeoutSeconds = Math.min(credentialsSeconds, deadlineSeconds)
  const signal = AbortSignal.timeout(deadlineSeconds * 1000)
  const found = await findCredentials({ region, timeoutSeconds, signal: new AbortController().signal })
  if (!found.ok) return { ...empty, failure: found.failure, lookups: [] }
  const { identity } = found
  const signed: Record<string, SignedRequest> = {}
  for (const { id, region: signing, service, request: unsigned } of sign) {
    signed[id] = await signRequest(unsigned, { identity, region: signing, service, atMs })
  }
  if (policy === null && lookups.length === 0) return { ...empty, signed, lookups: [] }
  // the SDK's clients only where they are needed: most rounds take nothing but signatures
  const { attestApi } = await import('../../aws/attest-clients.ts')
  const api: AttestApi = attestApi(identity)
  try {
    const [standing, records] = await Promise.all([
      policy === null ? null : readBucketPolicy(policy, api, signal, deadlineSeconds),
      lookUpEvents(lookups, { api, signal, deadlineSeconds, sleep: (seconds) => sleep(seconds * 1000) }),
    ])
    return { ...empty, signed, policy: standing, lookups: records }
  } finally {
    api.close()
  }
}
