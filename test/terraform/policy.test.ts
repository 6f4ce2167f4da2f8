import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../../agent/config/load.ts'
import { iamPolicy } from '../../agent/iam/iam.ts'
import { titled } from '../support/needs.ts'
import { type Workbench, workbench } from './tool.ts'

const missing = spawnSync('terraform', ['version']).error === undefined ? null : 'no terraform here'

const target = '{ name: a, service: s3, region: eu-west-1, bucket: my-bucket, styles: [regional] }'
const key = 'arn:aws:kms:eu-west-1:111122223333:key/0b1c2d3e-0000-4000-8000-000000000000'

/** A configuration of the agent, and the module's variables for the same features. */
const cases: [string, string, Record<string, unknown>][] = [
  ['the defaults', '', {}],
  [
    'nothing but the account',
    'flow_logs: { enabled: false }\nposture: { enabled: false }',
    { flow_logs: null, posture: false },
  ],
  [
    'records of one log group',
    'flow_logs: { enabled: true, log_group: /vpc/flow }',
    { flow_logs: { log_group: '/vpc/flow' } },
  ],
  [
    'records of another account',
    'flow_logs: { enabled: true, role_arn: "arn:aws:iam::444455556666:role/reader" }',
    { flow_logs: { role_arn: 'arn:aws:iam::444455556666:role/reader' } },
  ],
  [
    'everything that attests and shows the first leg',
    [
      'cloudwatch: { every: 5m }',
      'cloudtrail: { every: 15m }',
      'direct_connect: { every: 5m, region: eu-west-1 }',
      'canary: { every: 5m, bucket: my-canary, control: c, positive: p, negative: n, endpoint: vpce-0123456789abcdef0 }',
    ].join('\n'),
    {
      cloudwatch_read: true,
      direct_connect: true,
      cloudtrail_actions: ['s3:GetBucketLocation', 's3:ListAllMyBuckets'],
      canary: { bucket: 'my-canary', control: 'c', positive: 'p', negative: 'n' },
    },
  ],
  [
    'evidence outside the host',
    `ledger:
  directory: /var/lib/pathproof/ledger
  name: example.com/pathproof/host-1
  kms_key: "${key}"
  anchors:
    cloudwatch_logs: { log_group: /pathproof/ledger }
    s3: { bucket: my-evidence, prefix: ledgers, object_lock: compliance }`,
    {
      kms_key_arn: key,
      anchor_log_group: '/pathproof/ledger',
      anchor_bucket: { bucket: 'my-evidence', keys: 'ledgers/example.com/pathproof/host-1/' },
    },
  ],
  [
    'a shared snapshot',
    'topology: { source: s3, s3: { bucket: my-snapshots, key: eu-west-1/snapshot.json } }',
    { account: false, shared_snapshot_objects: ['arn:aws:s3:::my-snapshots/eu-west-1/snapshot.json'] },
  ],
  [
    'metrics put to CloudWatch',
    'exporters: { cloudwatch: { namespace: pathproof, every: 60s } }',
    { cloudwatch_namespace: 'pathproof' },
  ],
  ['another partition', 'flow_logs: { enabled: true }', { partition: 'aws-cn', flow_logs: {} }],
]

const list = (value: unknown): unknown => (Array.isArray(value) ? value : [value])

/** IAM takes one text where it takes a list of one. */
const comparable = (policy: { Statement: object[] }) =>
  policy.Statement.map((statement) => {
    const { Action, Resource, ...rest } = statement as { Action: unknown; Resource: unknown }
    return { ...rest, Action: list(Action), Resource: list(Resource) }
  })

let bench: Workbench
beforeAll(() => {
  if (missing !== null) return
  // What is asked for here needs no provider.
  bench = workbench(null)
  expect(bench.terraform('modules/agent-policy', 'init', '-no-color', '-input=false').status).toBe(0)
})
afterAll(() => bench?.remove())

describe.skipIf(missing !== null)(titled("the Terraform module's policy", missing), () => {
  it.each(cases)('is that of pathproof config iam: %s', (_title, further, variables) => {
    const region = variables['partition'] === 'aws-cn' ? 'cn-north-1' : 'eu-west-1'
    const account = further.startsWith('topology') ? '' : 'topology: { source: aws }'
    const text = `version: 1\ntargets: [${target.replace('eu-west-1', region)}]\n${account}\n${further}\n`
    const read = parseConfig(text, 'case.yml', Date.UTC(2026, 10, 20))
    if (!read.ok) throw new Error(JSON.stringify(read))
    writeFileSync(join(bench.directory, 'case.tfvars.json'), JSON.stringify(variables))
    const applied = bench.terraform(
      'modules/agent-policy',
      'apply',
      '-auto-approve',
      '-no-color',
      '-var-file=../../case.tfvars.json',
    )
    expect(applied.output).toContain('Apply complete!')
    const output = bench.terraform('modules/agent-policy', 'output', '-raw', 'json')
    const policy = iamPolicy(read.config)
    if (policy === null) throw new Error('the configuration calls nothing')
    expect(comparable(JSON.parse(output.stdout))).toEqual(comparable(policy))
  })
})
