import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Identity } from './credentials.ts'
import { partitionOfRegion } from './partitions.ts'
import { signRequest } from './request-signing.ts'
import { type ApiFailure, failureOf, notAnAnswer } from './snapshot-api-errors.ts'

/** The two actions that signing checkpoints takes. */
export const kmsActions = ['kms:GetPublicKey', 'kms:Sign'] as const

export type KmsAction = 'GetPublicKey' | 'Sign'

export type KmsAnswer = { ok: true; output: Record<string, unknown> } | { ok: false; failure: ApiFailure }

export interface KmsCall {
  identity: Identity
  region: string
  /** Unix milliseconds, for the signature. */
  atMs: number
  environment: Readonly<Record<string, string | undefined>>
  signal: AbortSignal
  deadlineSeconds: number
}

const mostAnswerBytes = 64 * 1024

/** The region of a key that is named by its ARN; null: it is named otherwise. */
export function regionOfKey(key: string): string | null {
  return /^arn:[a-z-]+:kms:([a-z0-9-]+):\d{12}:/.exec(key)?.[1] ?? null
}

/** Where KMS is asked: as the SDKs find it by the environment, else by AWS's own name. Null: unknown region. */
function endpointOf(region: string, environment: KmsCall['environment']): URL | null {
  const given = environment['AWS_ENDPOINT_URL_KMS'] ?? environment['AWS_ENDPOINT_URL'] ?? ''
  if (given !== '' && environment['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] !== 'true') {
    try {
      const url = new URL(given)
      return url.protocol === 'https:' || url.protocol === 'http:' ? url : null
    } catch {
      return null
    }
  }
  const partition = partitionOfRegion(region)
  return partition === null ? null : new URL(`https://kms.${region}.${partition.dnsSuffix}/`)
}

/**
 * One call of KMS in AWS's JSON 1.1 protocol (KMS API reference; Smithy, "AWS JSON 1.1 protocol"). Not tried again: the next
 * checkpoint asks anew. Never rejects; what AWS says in words gets nowhere.
 */
export async function callKms(
  action: KmsAction,
  input: Record<string, unknown>,
  call: KmsCall,
): Promise<KmsAnswer> {
  const { identity, region, atMs, signal, deadlineSeconds } = call
  const permission = `kms:${action}`
  const url = endpointOf(region, call.environment)
  const hostname = url?.hostname ?? `kms.${region}`
  const refused = (error: unknown): KmsAnswer => {
    const endedAfterSeconds = signal.aborted ? deadlineSeconds : null
    return {
      ok: false,
      failure: failureOf(error, { permission, hostname, region, endedAfterSeconds, lastAnswer: null }),
    }
  }
  if (url === null)
    return { ok: false, failure: notAnAnswer(permission, hostname, 'its endpoint is not known') }
  try {
    const port = url.port === '' ? (url.protocol === 'http:' ? 80 : 443) : Number(url.port)
    const unsigned = {
      method: 'POST' as const,
      hostname: url.hostname,
      port,
      path: '/',
      query: {},
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `TrentService.${action}`,
      },
      body: JSON.stringify(input),
    }
    const signed = await signRequest(unsigned, { identity, region, service: 'kms', atMs })
    const { status, text } = await send(url, port, signed, signal)
    let output: unknown = null
    try {
      output = JSON.parse(text)
    } catch {
      return { ok: false, failure: notAnAnswer(permission, hostname, `status ${status}, no JSON`) }
    }
    const fields = (typeof output === 'object' && output !== null ? output : {}) as Record<string, unknown>
    if (status === 200) return { ok: true, output: fields }
    const type = typeof fields['__type'] === 'string' ? fields['__type'] : 'Unknown'
    return refused({ name: type.slice(type.lastIndexOf('#') + 1), $metadata: { httpStatusCode: status } })
  } catch (error) {
    return refused(error)
  }
}

function send(
  url: URL,
  port: number,
  signed: { headers: Record<string, string>; body: string },
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'http:' ? httpRequest : httpsRequest)(
      { host: url.hostname, port, method: 'POST', path: '/', headers: signed.headers, signal },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
          if (text.length > mostAnswerBytes) response.destroy(new Error('the answer is too long'))
        })
        response.on('error', reject)
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      },
    )
    request.on('error', reject)
    request.end(signed.body)
  })
}
