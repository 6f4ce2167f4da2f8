/** AWS Signature Version 4 as a service checks it (IAM user guide, "Signature Version 4 signing process"). */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** What an `Authorization` header says. */
export interface Authorization {
  accessKeyId: string
  /** `YYYYMMDD` of the credential scope. */
  day: string
  region: string
  service: string
  signedHeaders: string[]
  signature: string
}

export interface SignedRequest {
  method: string
  /** Path and query as on the request line. */
  url: string
  /** Names in small letters. */
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: Uint8Array
}

const form =
  /^AWS4-HMAC-SHA256 +Credential=([A-Za-z0-9_]{1,128})\/(\d{8})\/([a-z0-9-]{1,64})\/([a-z0-9-]{1,64})\/aws4_request, *SignedHeaders=([a-z0-9;-]{1,2000}), *Signature=([0-9a-f]{64})$/u

/** Reads the header; null if it is not of the form. */
export function readAuthorization(header: string): Authorization | null {
  const [, accessKeyId, day, region, service, names, signature] = form.exec(header) ?? []
  if (accessKeyId === undefined || day === undefined || region === undefined) return null
  if (service === undefined || names === undefined || signature === undefined) return null
  return { accessKeyId, day, region, service, signedHeaders: names.split(';'), signature }
}

/** Unix milliseconds of an `X-Amz-Date`; null if it is not one. */
export function amzTimeMs(text: string | string[] | undefined): number | null {
  const parts = typeof text === 'string' ? /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/u.exec(text) : null
  if (parts === null) return null
  const [, year, month, day, hour, minute, second] = parts
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(time) ? null : time
}

/** What is wrong with the form, in AWS's words; null: nothing. */
export function complaintOf(authorization: Authorization, request: SignedRequest): string | null {
  const { signedHeaders, day } = authorization
  for (const name of ['host', 'x-amz-date']) {
    if (!signedHeaders.includes(name)) return `'${name}' must be a signed header in the AWS Authorization.`
  }
  const missing = signedHeaders.find((name) => !Object.hasOwn(request.headers, name))
  if (missing !== undefined) return `The signed header '${missing}' is not in the request.`
  const date = request.headers['x-amz-date']
  if (amzTimeMs(date) === null) return "Date must be in ISO-8601 'basic format' in 'X-Amz-Date'."
  if (!String(date).startsWith(day))
    return 'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.'
  return null
}

/** Whether the request was signed with this secret. */
export function isSignedWith(secret: string, authorization: Authorization, request: SignedRequest): boolean {
  const date = String(request.headers['x-amz-date'])
  return isSignatureOf(secret, authorization, date, canonical(authorization, request, sha256(request.body)))
}

/** Whether the signature is the one of this canonical request; `date` is that of `X-Amz-Date`. */
export function isSignatureOf(
  secret: string,
  { day, region, service, signature }: Authorization,
  date: string,
  canonicalRequest: string,
): boolean {
  const scope = `${day}/${region}/${service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonicalRequest)].join('\n')
  let key: Uint8Array = Buffer.from(`AWS4${secret}`)
  for (const part of [day, region, service, 'aws4_request']) key = hmac(key, part)
  return timingSafeEqual(hmac(key, toSign), Buffer.from(signature, 'hex'))
}

/** The canonical request; `payload` is the body's SHA-256 in hex, or the word that stands for one. */
export function canonical(
  { signedHeaders }: Authorization,
  { method, url, headers }: Omit<SignedRequest, 'body'>,
  payload: string,
): string {
  const [path = '/', query = ''] = url.split('?')
  const lines = signedHeaders.map((name) => {
    const value = headers[name] ?? ''
    const text = Array.isArray(value) ? value.join(',') : value
    return `${name}:${text.trim().replaceAll(/ +/gu, ' ')}\n`
  })
  return [method, path, canonicalQuery(query), lines.join(''), signedHeaders.join(';'), payload].join('\n')
}

function canonicalQuery(query: string): string {
  return [...new URLSearchParams(query)]
    .map(([name, value]) => [uriEncode(name), uriEncode(value)] as const)
    .toSorted(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function uriEncode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/gu,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex')
}

function hmac(key: Uint8Array, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest()
}
