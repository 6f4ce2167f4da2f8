/** How a scenario writes what AWS records: flow logs, and `records` with flows, CloudTrail, CloudWatch, logs and S3. */
import * as z from 'zod'
import { fieldsOf } from './flow/fields.ts'
import { readPolicy } from './policy/document.ts'
import type { RecordsChange } from './records.ts'

const text = z.string().min(1)
const seconds = z.number().min(0)
const share = z.number().min(0).max(1)

/** `${version} ${interface-id} …`; null: the default one. */
const format = z.string().refine(
  (value) => {
    try {
      return fieldsOf(value).length > 0
    } catch {
      return false
    }
  },
  { error: 'expected ${field-name} tokens of fields that AWS has, with blanks between' },
)

/** Members of a flow log beside its id. */
export const flowLogShape = {
  resource: text,
  trafficType: z.enum(['ALL', 'ACCEPT', 'REJECT']),
  destination: z.union([
    z.strictObject({ type: z.literal('cloud-watch-logs'), group: text }),
    z.strictObject({
      type: z.literal('s3'),
      bucket: text,
      prefix: z.string().default(''),
      hive: z.boolean().default(false),
      hourly: z.boolean().default(false),
    }),
  ]),
  format: format.nullable(),
  aggregationSeconds: z.union([z.literal(60), z.literal(600)]),
  deliverySeconds: seconds,
  jitterSeconds: seconds,
  createdMs: z.int().min(0),
  status: z.enum(['SUCCESS', 'FAILED']),
  error: text.nullable(),
  lost: share,
  doubled: share,
  skipped: share,
  skippedHides: share,
  noData: z.boolean(),
  wrong: z.array(
    z.strictObject({
      remote: text,
      interface: text.nullable().default(null),
      direction: z.enum(['egress', 'ingress']).nullable().default(null),
      fields: z.record(text, text),
    }),
  ),
}

const policy = (place: 'identity' | 'resource') =>
  z.unknown().refine((value) => readPolicy(value, place).ok, { error: 'expected an IAM policy' })

const workload = z.strictObject({
  interface: text,
  source: text.nullable().default(null),
  destination: text,
  port: z.int().min(0).max(65_535).default(443),
  protocol: z.int().min(0).max(255).default(6),
  everySeconds: z.number().min(0.01),
  bytes: z.int().min(0).default(1000),
})

const bucket = z.strictObject({
  name: text,
  region: text.default('us-east-1'),
  owner: text.default('111122223333'),
  policy: z.union([z.null(), policy('resource')]).default(null),
  objectLock: z.boolean().default(false),
  objects: z
    .array(
      z.strictObject({
        key: text,
        body: z.string().default('pathproof'),
        encryption: z.enum(['AES256', 'kms', 'kms_denied']).default('AES256'),
      }),
    )
    .default([]),
})

/** Of each part what is given; what is left out stays as it was. */
export const recordsSpec = z
  .strictObject({
    flows: z
      .strictObject({
        seed: z.int(),
        nitro: z.boolean(),
        natPorts: z.enum(['changed', 'kept']),
        transitPath: z.enum(['1', '-']),
        typeSpelling: z.enum(['underscore', 'hyphen']),
        workload: z.array(workload),
      })
      .partial(),
    trail: z
      .strictObject({
        latenessSeconds: seconds,
        withoutEndpoint: z.array(text),
        lost: share,
        requestsPerSecond: z.int().min(0),
      })
      .partial(),
    metrics: z.strictObject({ latenessSeconds: seconds }).partial(),
    logs: z.strictObject({ missing: z.array(text), groups: z.array(text) }).partial(),
    s3: z
      .strictObject({
        buckets: z.array(bucket),
        identity: z.union([z.literal('allow_all'), policy('identity')]),
        endpoints: z.record(text, policy('resource')),
        closeAfterDenied: z.boolean(),
        latency: seconds,
        slowDown: z.boolean(),
      })
      .partial(),
    directConnect: z
      .strictObject({
        virtualInterfaces: z.array(
          z.strictObject({
            id: z.string().regex(/^dxvif-[a-z0-9]+$/u, 'expected an id like dxvif-fg0a0b0c'),
            type: z.enum(['private', 'transit', 'public']),
            state: z.enum(['available', 'down', 'deleted', 'pending', 'testing']).default('available'),
            bgp: z.enum(['up', 'down']).default('up'),
            amazon: text,
            customer: text,
            advertised: z.array(text).default([]),
            accepted: z.array(text).default([]),
          }),
        ),
      })
      .partial(),
  })
  .partial()
  // zod's optional keys may be undefined, which YAML has no word for
  .transform((change) => change as RecordsChange)
