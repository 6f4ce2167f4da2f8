/** How a scenario writes the faults of the APIs. */
import * as z from 'zod'
import { ec2Actions } from './ec2-actions.ts'
import { type ApiFaults, breakings, noFaults } from './faults.ts'
import { jsonActions } from './json-service.ts'
import { stsActions } from './sts.ts'

const actions = [...ec2Actions, ...stsActions, ...jsonActions]

/** A table with an entry per action. */
function byAction<Value extends z.ZodType>(value: Value) {
  const action = z.string().refine((text) => text === 'all' || actions.includes(text))
  return z.record(action, value, {
    error: ({ code }) =>
      code === 'invalid_key'
        ? 'expected an action of EC2 or STS that the lab has, such as DescribeRouteTables, or all'
        : undefined,
  })
}

const denied = z.string().refine((text) => text === 'all' || actions.includes(text.split('/')[0] ?? ''), {
  error:
    'expected an action such as DescribeNatGateways, an action and an id (GetManagedPrefixListEntries/pl-…), or all',
})

/** Text such as `250ms`, `2s` or `1m`, as seconds. */
const duration = z
  .string()
  .regex(/^\d+(ms|s|m)$/u, 'expected a duration such as 250ms, 2s or 1m')
  .transform((text) => {
    const amount = Number.parseInt(text, 10)
    if (text.endsWith('ms')) return amount / 1000
    return text.endsWith('m') ? amount * 60 : amount
  })

const count = z.int().min(1)

const breaking = z
  .union(
    [
      z.enum(breakings),
      z.strictObject({
        how: z.enum(breakings),
        skip: z.int().min(0).default(0),
        times: count.nullable().default(null),
      }),
    ],
    { error: `expected one of ${breakings.join(', ')}, or {how, skip?, times?}` },
  )
  .transform((value) => (typeof value === 'string' ? { how: value, skip: 0, times: null } : value))

/**
 * `deny: [DescribeNatGateways]`, `throttle: {DescribeRouteTables: 3}`, `latency: {all: 2s}`,
 * `breaks: {DescribeVpcs: half, DescribeSubnets: {how: error, skip: 1, times: 2}}`, `pageSize: 2`,
 * `roles: [{arn: …, externalId: …}]`. What is left out stays as it was.
 */
export const apiFaults = z
  .strictObject({
    deny: z.array(denied),
    throttle: byAction(z.union([count, z.literal('always')])),
    latency: byAction(duration),
    breaks: byAction(breaking),
    pageSize: count.nullable(),
    roles: z.array(
      z.strictObject({
        arn: z.string().regex(/^arn:[a-z-]+:iam::\d{12}:role\/.+$/u, 'expected the ARN of a role'),
        externalId: z.string().exactOptional(),
      }),
    ),
  })
  .partial()
  // zod's optional keys may be undefined, which YAML has no word for
  .transform((faults) => faults as Partial<ApiFaults>)

/** Present faults with a change to them, key by key. */
export function withFaults(faults: ApiFaults, change: Partial<ApiFaults>): ApiFaults {
  return { ...faults, ...change }
}

export const firstFaults = (change: Partial<ApiFaults>): ApiFaults => withFaults(noFaults, change)
