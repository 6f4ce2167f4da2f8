import { redact } from '../model/redact.ts'
import type { AwsName } from './hostname-name.ts'
import { parseHostname } from './hostname.ts'
import { parsePresignedUrl, type PresignedUrl } from './presigned-url.ts'

/** A host name or URL as somebody typed or pasted it, read without any network. */
export interface NameInput {
  name: AwsName
  presigned: PresignedUrl
  /** Lower case, null where none was given. */
  scheme: string | null
  port: number | null
  /** The bucket stands in the path (path-style) and not in the host name. */
  pathStyle: boolean
  /** The input held user information; it is dropped. */
  userInformation: boolean
}

export type NameInputParse = { ok: true; input: NameInput } | { ok: false; error: string }

/**
 * Reads a host name (`host`, `host:port`), or a URL with or without scheme. The authority is cut out of the text as it
 * stands and not by a URL library, which would turn look-alikes into other names. Path and query are only looked at
 * for the bucket and the signature. Errors never quote the query. Never throws.
 */
export function readNameInput(text: string): NameInputParse {
  if (/[\u0000-\u001F\u007F-\u009F]/.test(text))
    return no('control characters: neither a host name nor a URL has any')
  const trimmed = text.trim()
  if (trimmed === '') return no('empty: expected a host name or a URL')
  const split = /^(?:([a-z][a-z0-9+.-]*):)?\/\/(.*)$/i.exec(trimmed)
  const scheme = split?.[1]?.toLowerCase() ?? null
  if (scheme === 's3') return no('an s3:// URI holds no host name: expected a host name or an https URL')
  if (scheme !== null && scheme !== 'http' && scheme !== 'https')
    return no('the scheme is neither https nor http')
  const rest = split?.[2] ?? trimmed
  const end = rest.search(/[/?#\\]/)
  const authority = end < 0 ? rest : rest.slice(0, end)
  const path = end < 0 ? '' : rest.slice(end)
  if (path.startsWith('\\'))
    return no('a backslash behind the host name: software disagrees on what that means')
  const at = authority.lastIndexOf('@')
  const place = readPlace(authority.slice(at + 1))
  if (!place.ok) return place
  const parsed = parseHostname(place.host)
  if (!parsed.ok) return parsed
  const name = parsed.name
  const bucket = bucketInPath(name, path)
  return {
    ok: true,
    input: {
      name: bucket === null ? name : { ...name, bucket },
      presigned: parsePresignedUrl(path),
      scheme,
      port: place.port,
      pathStyle: bucket !== null,
      userInformation: at >= 0,
    },
  }
}

function readPlace(
  place: string,
): { ok: true; host: string; port: number | null } | { ok: false; error: string } {
  const bracketed = /^(\[[^\]]*\])(?::(.*))?$/.exec(place)
  const bare = /^([^:]*):([^:]*)$/.exec(place)
  const host = bracketed?.[1] ?? bare?.[1] ?? place
  const portText = bracketed?.[2] ?? bare?.[2]
  if (portText === undefined || portText === '') return { ok: true, host, port: null }
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0
  if (port < 1 || port > 65_535) return no('the port is no number from 1 to 65535')
  return { ok: true, host, port }
}

const pathStyleNames = ['global', 'regional', 'dash', 'dualstack', 'fips', 'vpce']

/** `/bucket/key` where the host name is S3's own and holds no bucket. */
function bucketInPath(name: AwsName, path: string): string | null {
  if (name.service !== 's3' || name.bucket !== null || !pathStyleNames.includes(name.style)) return null
  if (name.style === 'vpce' && !name.hostname.startsWith('bucket.')) return null
  const first = /^\/([^/?#]*)/.exec(path)?.[1] ?? ''
  // What S3 has ever allowed (old buckets: up to 255 characters, upper case, underscores).
  const possible = /^[A-Za-z0-9][A-Za-z0-9._-]{2,254}$/.test(first)
  // A path can begin with anything, a secret too.
  return possible && redact(first) === first ? first : null
}

function no(error: string): { ok: false; error: string } {
  return { ok: false, error }
}
