/** Buckets as a scenario has them. Plain data that survives JSON. */

export interface S3Bucket {
  name: string
  region: string
  /** Account, 12 digits. */
  owner: string
  /** As `PutBucketPolicy` took it; null: none. */
  policy: unknown
  /** Whether it was made with Object Lock, and so with versioning; left out: it was not. */
  objectLock?: boolean
  objects: S3Object[]
}

export interface S3Object {
  key: string
  body: string
  /** `kms_denied`: whoever reads it may not use its key. */
  encryption: 'AES256' | 'kms' | 'kms_denied'
}

export interface S3Options {
  buckets: S3Bucket[]
  /** What the host's role may do; `allow_all`, or a policy. */
  identity: unknown
  /** Endpoint's id → its policy; those not named have the default one, which allows all. */
  endpoints: Record<string, unknown>
  /** S3 ends the connection after an answer of 403. */
  closeAfterDenied: boolean
  /** Seconds before an answer. */
  latency: number
  /** Every request is answered 503 SlowDown. */
  slowDown: boolean
}

export const usualS3: S3Options = {
  buckets: [],
  identity: 'allow_all',
  endpoints: {},
  closeAfterDenied: false,
  latency: 0,
  slowDown: false,
}
