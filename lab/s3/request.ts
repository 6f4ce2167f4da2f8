/** What a request asks of S3: bucket, key and action. Source: S3 API reference; S3 user guide, "Virtual hosting". */

export interface S3Request {
  /** Null: none is named. */
  bucket: string | null
  /** Decoded; empty: the bucket itself. */
  key: string
  query: URLSearchParams
  head: boolean
  operation: S3Operation | null
}

export type S3Operation =
  | 'GetObject'
  | 'PutObject'
  | 'GetBucketPolicy'
  | 'GetBucketLocation'
  | 'ListObjectsV2'
  | 'HeadBucket'
  | 'ListBuckets'

/** IAM's action for an operation, and CloudTrail's name for it; null: it is a data event, which LookupEvents has not. */
export const operations: Readonly<Record<S3Operation, { action: string; event: string | null }>> = {
  GetObject: { action: 's3:GetObject', event: null },
  PutObject: { action: 's3:PutObject', event: null },
  GetBucketPolicy: { action: 's3:GetBucketPolicy', event: 'GetBucketPolicy' },
  GetBucketLocation: { action: 's3:GetBucketLocation', event: 'GetBucketLocation' },
  ListObjectsV2: { action: 's3:ListBucket', event: null },
  HeadBucket: { action: 's3:ListBucket', event: 'HeadBucket' },
  ListBuckets: { action: 's3:ListAllMyBuckets', event: 'ListBuckets' },
}

/** S3's bucket of a virtual-hosted name, as an endpoint has it too; null without one. */
export function bucketOfHost(host: string): string | null {
  const name = host.toLowerCase().replace(/:\d+$/u, '')
  return /^(.+)\.(?:bucket\.vpce-[0-9a-z-]+\.)?s3[.-]/u.exec(name)?.[1] ?? null
}

/** Null: the request line can't be read. */
export function readS3Request(method: string, url: string, host: string): S3Request | null {
  const [path = '/', queryText = ''] = url.split('?')
  const query = new URLSearchParams(queryText)
  let segments: string
  try {
    segments = decodeURIComponent(path.replace(/^\//u, ''))
  } catch {
    return null
  }
  const hosted = bucketOfHost(host)
  const slash = segments.indexOf('/')
  const first = slash < 0 ? segments : segments.slice(0, slash)
  const rest = slash < 0 ? '' : segments.slice(slash + 1)
  const bucket = hosted ?? (first === '' ? null : first)
  const key = hosted === null ? rest : segments
  const head = method === 'HEAD'
  return { bucket, key, query, head, operation: operationOf(method, bucket, key, query) }
}

function operationOf(
  method: string,
  bucket: string | null,
  key: string,
  query: URLSearchParams,
): S3Operation | null {
  if (method === 'PUT')
    return bucket !== null && key !== '' && query.keys().every((name) => name === 'x-id') ? 'PutObject' : null
  if (method !== 'GET' && method !== 'HEAD') return null
  if (bucket === null) return method === 'GET' ? 'ListBuckets' : null
  if (key !== '') return 'GetObject'
  if (method === 'HEAD') return 'HeadBucket'
  if (query.has('policy')) return 'GetBucketPolicy'
  if (query.has('location')) return 'GetBucketLocation'
  return query.get('list-type') === '2' ? 'ListObjectsV2' : null
}
