import { createHash, createHmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Identity } from './credentials.ts'
import { percentEncode } from './percent-encode.ts'

/** A request before it is signed. */
export interface UnsignedRequest {
  method: 'GET' | 'POST'
  hostname: string
  port: number
  /** Percent-encoded once, from `/` on, without a query. */
  path: string
  query: Readonly<Record<string, string>>
  /** Lower-case names; `host` and what the signature needs are added. */
  headers: Readonly<Record<string, string>>
  body: string
}

/** A request that may be sent once, to this host name alone: plain data, but a secret while it is valid. */
export interface SignedRequest {
  method: 'GET' | 'POST'
  /** Value of the `host` header, which is signed. */
  host: string
  /** Path and query, as they stand in the request line. */
  target: string
  headers: Record<string, string>
  body: string
}

export interface SigningOptions {
  identity: Identity
  region: string
  /** Name in the credential scope: `s3`, `kms`, `ecr`. */
  service: string
  /** Unix milliseconds. AWS takes signatures in headers up to 15 minutes off its own clock. */
  atMs: number
}

/** SHA-256 and HMAC-SHA-256 in the form that the signer asks for. */
class Sha256 {
  readonly #hash
  constructor(secret?: string | Uint8Array) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret)
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data)
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.#hash.digest()))
  }
  reset(): void {
    throw new Error('a hash is made anew for each use')
  }
}

const payloadHash = 'x-amz-content-sha256'

function hostOf({ hostname, port }: Pick<UnsignedRequest, 'hostname' | 'port'>): string {
  return port === 443 ? hostname : `${hostname}:${port}`
}

function signerFor({ identity, region, service }: SigningOptions): SignatureV4 {
  return new SignatureV4({
    credentials: identity,
    region,
    service,
    sha256: Sha256 as unknown as ConstructorParameters<typeof SignatureV4>[0]['sha256'],
    // S3 signs the path as it is sent; everything else encodes it once more (SigV4, "canonical URI")
    uriEscapePath: service !== 's3',
    applyChecksum: true,
  })
}

function requestOf(request: UnsignedRequest) {
  const { method, hostname, port, path, query, headers, body } = request
  return {
    method,
    protocol: 'https:',
    hostname,
    port,
    path,
    query: { ...query },
    headers: { ...headers, host: hostOf(request) },
    body,
  }
}

function targetOf(path: string, query: Readonly<Record<string, unknown>>): string {
  const pairs = Object.keys(query)
    .toSorted()
    .map((key) => `${percentEncode(key)}=${percentEncode(String(query[key]))}`)
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
}

/**
 * Signs a request in its headers (AWS Signature Version 4, "Authorization header"). The signature holds for this host name,
 * path, query and body alone, and for 15 minutes around `atMs`.
 */
export async function signRequest(request: UnsignedRequest, options: SigningOptions): Promise<SignedRequest> {
  const signed = await signerFor(options).sign(requestOf(request), { signingDate: new Date(options.atMs) })
  return {
    method: request.method,
    host: hostOf(request),
    target: targetOf(request.path, request.query),
    headers: { ...signed.headers },
    body: request.body,
  }
}

/**
 * Signs a request in its query (presigned), for at most `expiresSeconds` (1 to 604800) from `atMs` on. Headers of the
 * request are signed as they are and have to be sent along.
 */
export async function presignRequest(
  request: UnsignedRequest,
  options: SigningOptions & { expiresSeconds: number },
): Promise<SignedRequest> {
  const { atMs, expiresSeconds } = options
  const own = requestOf(request)
  // S3 signs these words in place of a hash (S3 API, "Authenticating requests: using query parameters"); they are not sent
  if (options.service === 's3') Object.assign(own.headers, { [payloadHash]: 'UNSIGNED-PAYLOAD' })
  const signed = await signerFor(options).presign(own, {
    signingDate: new Date(atMs),
    expiresIn: expiresSeconds,
    unhoistableHeaders: new Set([...Object.keys(request.headers), payloadHash]),
    unsignableHeaders: new Set([payloadHash]),
  })
  return {
    method: request.method,
    host: hostOf(request),
    target: targetOf(request.path, signed.query ?? {}),
    headers: { ...request.headers, host: hostOf(request) },
    body: request.body,
  }
}
