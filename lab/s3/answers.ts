/** S3's answers to what was let through. Source: S3 API reference, each operation's page. */
import { element, xmlDocument, xmlText } from '../api/xml.ts'
import { denied, type S3Problem, s3Problem } from './problem.ts'
import type { S3Operation, S3Request } from './request.ts'
import { etagOf, type S3Store } from './store.ts'
import type { S3Bucket } from './types.ts'

export interface S3Answer {
  headers: Record<string, string>
  body: Buffer
}

export interface S3Question {
  request: S3Request
  operation: S3Operation
  bucket: S3Bucket | null
  store: S3Store
  account: string
  signed: boolean
  /** Whether the caller may list this bucket, which makes a missing key a 404. */
  mayList(): boolean
}

const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'

export function answerS3(question: S3Question): S3Answer | S3Problem {
  const { operation, bucket, store, account } = question
  if (operation === 'ListBuckets') return xml(listBuckets(store.buckets(account), account))
  if (bucket === null) return noSuchBucket(question.request.bucket ?? '')
  switch (operation) {
    case 'GetObject':
      return object(question, bucket)
    case 'GetBucketPolicy':
      return bucket.policy === null
        ? s3Problem(404, 'NoSuchBucketPolicy', 'The bucket policy does not exist', {
            BucketName: bucket.name,
          })
        : { headers: { 'Content-Type': 'application/json' }, body: policyText(bucket.policy) }
    case 'GetBucketLocation':
      return xml(
        xmlDocument(
          'LocationConstraint',
          namespace,
          bucket.region === 'us-east-1' ? '' : xmlText(bucket.region),
        ),
      )
    case 'ListObjectsV2':
      return list(question, bucket)
    // Its body comes first: see `put.ts`.
    case 'PutObject':
    case 'HeadBucket':
      return { headers: { 'Content-Type': 'application/xml' }, body: Buffer.alloc(0) }
  }
}

export function noSuchBucket(name: string): S3Problem {
  return s3Problem(404, 'NoSuchBucket', 'The specified bucket does not exist', { BucketName: name })
}

function xml(text: string): S3Answer {
  return { headers: { 'Content-Type': 'application/xml' }, body: Buffer.from(text) }
}

function policyText(policy: unknown): Buffer {
  return Buffer.from(typeof policy === 'string' ? policy : JSON.stringify(policy))
}

function object({ request, store, signed, mayList }: S3Question, bucket: S3Bucket): S3Answer | S3Problem {
  const found = store.objects(bucket.name).find(({ key }) => key === request.key)
  if (found === undefined) {
    return mayList()
      ? s3Problem(404, 'NoSuchKey', 'The specified key does not exist.', { Key: request.key })
      : denied()
  }
  if (found.encryption !== 'AES256' && !signed) {
    return s3Problem(
      400,
      'InvalidArgument',
      'Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.',
    )
  }
  if (found.encryption === 'kms_denied') {
    return s3Problem(
      403,
      'AccessDenied',
      'User is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because no identity-based policy allows the kms:Decrypt action',
    )
  }
  const body = found.body()
  const overrides = signed ? overridesOf(request.query) : {}
  return {
    headers: {
      'Content-Type': 'binary/octet-stream',
      ETag: etagOf(body),
      'Last-Modified': new Date(found.modifiedMs).toUTCString(),
      'Accept-Ranges': 'bytes',
      'x-amz-server-side-encryption': found.encryption === 'AES256' ? 'AES256' : 'aws:kms',
      ...overrides,
    },
    body,
  }
}

const overridable: Readonly<Record<string, string>> = {
  'response-content-type': 'Content-Type',
  'response-content-language': 'Content-Language',
  'response-expires': 'Expires',
  'response-cache-control': 'Cache-Control',
  'response-content-disposition': 'Content-Disposition',
  'response-content-encoding': 'Content-Encoding',
}

/** Headers that a signed request may ask for. */
function overridesOf(query: URLSearchParams): Record<string, string> {
  return Object.fromEntries(
    Object.entries(overridable).flatMap(([parameter, header]) => {
      const value = query.get(parameter)
      return value === null || /[^\x20-\x7e]/u.test(value) ? [] : [[header, value]]
    }),
  )
}

function listBuckets(buckets: readonly S3Bucket[], account: string): string {
  const items = buckets.map(({ name, region }) =>
    element(
      'Bucket',
      element('Name', xmlText(name)) +
        element('CreationDate', '2026-01-05T08:00:00.000Z') +
        element('BucketRegion', xmlText(region)),
    ),
  )
  const owner = element('Owner', element('ID', account.padStart(64, '0')))
  return xmlDocument('ListAllMyBucketsResult', namespace, owner + element('Buckets', items.join('')))
}

function list({ request: { query }, store }: S3Question, bucket: S3Bucket): S3Answer | S3Problem {
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const size = Number(query.get('max-keys') ?? 1000)
  if (!Number.isInteger(size) || size < 0)
    return s3Problem(400, 'InvalidArgument', 'Argument maxKeys must be an integer between 0 and 2147483647')
  const token = query.get('continuation-token')
  const after = token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString()
  const found = store.objects(bucket.name).filter(({ key }) => key.startsWith(prefix))
  const contents: string[] = []
  const folders = new Set<string>()
  let last = ''
  let truncated = false
  for (const item of found) {
    const end = delimiter === '' ? -1 : item.key.indexOf(delimiter, prefix.length)
    const folder = end < 0 ? null : item.key.slice(0, end + delimiter.length)
    const mark = folder ?? item.key
    if (after !== '' && mark <= after) continue
    if (folder !== null && folders.has(folder)) continue
    if (contents.length + folders.size >= Math.min(size, 1000)) {
      truncated = size > 0
      break
    }
    last = mark
    if (folder !== null) folders.add(folder)
    else contents.push(contentXml(item.key, item.modifiedMs, item.body()))
  }
  const texts = {
    Name: bucket.name,
    Prefix: prefix,
    ...(delimiter !== '' && { Delimiter: delimiter }),
    MaxKeys: String(size),
    KeyCount: String(contents.length + folders.size),
    IsTruncated: String(truncated),
    ...(token !== null && { ContinuationToken: token }),
    ...(truncated && { NextContinuationToken: Buffer.from(last).toString('base64url') }),
  }
  const head = Object.entries(texts).map(([name, text]) => element(name, xmlText(text)))
  const common = [...folders].map((folder) => element('CommonPrefixes', element('Prefix', xmlText(folder))))
  return xml(xmlDocument('ListBucketResult', namespace, [...head, ...contents, ...common].join('')))
}

function contentXml(key: string, modifiedMs: number, body: Buffer): string {
  const texts = {
    Key: key,
    LastModified: new Date(modifiedMs).toISOString(),
    ETag: etagOf(body),
    Size: String(body.length),
    StorageClass: 'STANDARD',
  }
  const content = Object.entries(texts).map(([name, text]) => element(name, xmlText(text)))
  return element('Contents', content.join(''))
}
