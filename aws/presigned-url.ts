import { isRegion } from './partitions.ts'

export type SignatureVersion = 'v2' | 'v4' | 'v4a'

/** What a presigned URL tells without its secrets. */
export interface PresignedUrl {
  presigned: boolean
  signatureVersion: SignatureVersion | null
  /** From X-Amz-Credential; `*` for SigV4A, whose signature holds in a set of regions; null for SigV2 and nonsense. */
  signingRegion: string | null
  /** ISO 8601 in UTC; null where it is not told or nonsense (then `problems` says so). */
  expiresAt: string | null
  /** What is wrong with the parameters, one sentence each; holds none of their values. */
  problems: string[]
}

const longestExpiry = 604_800 // seven days, the most that SigV4 allows

/**
 * Reads the query of a URL (SigV4 query authentication, SigV4A, SigV2). Names compare without case, values and names
 * may be encoded several times over, what follows `#` is never sent and does not count. A parameter given twice with
 * different values is a problem, not a choice. The result holds no signature, key id or token. Never throws.
 */
export function parsePresignedUrl(url: URL | string): PresignedUrl {
  const parameters = readQuery(typeof url === 'string' ? url : url.href)
  const problems: string[] = []
  const one = (name: string): string | null => {
    const values = new Set(parameters.get(name))
    if (values.size > 1) problems.push(`${name} is given more than once, with different values`)
    return values.size === 1 ? ([...values][0] ?? null) : null
  }
  const has = (name: string): boolean => parameters.has(name)
  const algorithm = one('x-amz-algorithm')?.toUpperCase() ?? null
  if (has('x-amz-signature') || (algorithm?.startsWith('AWS4-') && has('x-amz-credential'))) {
    const asymmetric = has('x-amz-region-set') || (algorithm?.startsWith('AWS4-ECDSA') ?? false)
    if (algorithm === null) problems.push('x-amz-algorithm is missing')
    if (!has('x-amz-signature')) problems.push('x-amz-signature is missing')
    const credentialRegion = regionOf(one('x-amz-credential'), asymmetric, problems)
    return {
      presigned: true,
      signatureVersion: asymmetric ? 'v4a' : 'v4',
      signingRegion: asymmetric ? '*' : credentialRegion,
      expiresAt: expiryV4(one('x-amz-date'), one('x-amz-expires'), problems),
      problems,
    }
  }
  if (has('signature') && has('awsaccesskeyid')) {
    const expiresAt = expiryV2(one('expires'), problems)
    return { presigned: true, signatureVersion: 'v2', signingRegion: null, expiresAt, problems }
  }
  return { presigned: false, signatureVersion: null, signingRegion: null, expiresAt: null, problems: [] }
}

function readQuery(url: string): Map<string, string[]> {
  const sent = url.slice(0, 65_536).split('#', 1)[0] ?? ''
  const start = sent.indexOf('?')
  const parameters = new Map<string, string[]>()
  if (start < 0) return parameters
  for (const pair of sent.slice(start + 1).split('&')) {
    const equals = pair.indexOf('=')
    const rawName = equals < 0 ? pair : pair.slice(0, equals)
    // `&amp;` is what is left of a URL that was copied out of HTML.
    const name = decode(rawName).replace(/^amp;/, '').toLowerCase()
    if (!/^(?:x-amz-|awsaccesskeyid$|signature$|expires$)/.test(name)) continue
    const values = parameters.get(name) ?? []
    values.push(equals < 0 ? '' : decode(pair.slice(equals + 1)))
    parameters.set(name, values)
  }
  return parameters
}

/** Undoes percent-encoding until nothing changes, at most five times. */
function decode(text: string): string {
  let current = text
  for (let round = 0; round < 5; round++) {
    let next: string
    try {
      next = decodeURIComponent(current)
    } catch {
      return current
    }
    if (next === current) break
    current = next
  }
  return current
}

/** `<key id>/<date>/<region>/<service>/aws4_request`; SigV4A leaves the region out. */
function regionOf(credential: string | null, asymmetric: boolean, problems: string[]): string | null {
  if (credential === null) {
    problems.push('x-amz-credential is missing')
    return null
  }
  const parts = credential.split('/')
  const region = parts.at(-3) ?? ''
  const well = parts.at(-1) === 'aws4_request' && parts.length >= (asymmetric ? 4 : 5)
  if (!well || (!asymmetric && !isRegion(region) && region !== 'aws-global')) {
    problems.push('x-amz-credential does not have the form key/date/region/service/aws4_request')
    return null
  }
  return asymmetric ? null : region
}

function expiryV4(date: string | null, expires: string | null, problems: string[]): string | null {
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(date ?? '')
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = (match ?? []).slice(1).map(Number)
  const signedMs = Date.UTC(year, month - 1, day, hour, minute, second)
  const real = match !== null && new Date(signedMs).toISOString().replace(/[-:]|\.\d+/g, '') === date
  if (!real) problems.push('x-amz-date is no time of the form 20260131T235959Z')
  const seconds = /^\d{1,9}$/.test(expires ?? '') ? Number(expires) : 0
  const sane = seconds >= 1 && seconds <= longestExpiry
  if (!sane) problems.push(`x-amz-expires is no number of seconds from 1 to ${longestExpiry}`)
  return real && sane ? new Date(signedMs + seconds * 1000).toISOString() : null
}

function expiryV2(expires: string | null, problems: string[]): string | null {
  // Up to the year 9999, the last one that has a plain ISO form.
  const seconds = /^\d{1,12}$/.test(expires ?? '') ? Number(expires) : -1
  if (seconds >= 0 && seconds <= 253_402_300_799) return new Date(seconds * 1000).toISOString()
  problems.push('expires is no Unix time in seconds')
  return null
}
