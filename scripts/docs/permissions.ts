import { type LoadResult, parseConfig } from '../../agent/config/load.ts'
import { type IamFeature, actionsOfRoles, iamFeatures } from '../../agent/iam/iam.ts'
import { code, table } from './markdown.ts'

const target = 'targets: [{ name: files, service: s3, region: us-east-1, bucket: my-bucket }]'
const canary =
  'canary: { every: 5m, bucket: canary-bucket, control: control, positive: positive, negative: negative, endpoint: vpce-0123456789abcdef0 }'

/** What switches a feature on: what the page shows of it, and the configuration by which its resources are worked out. */
const switchedOn: Readonly<Record<string, { key: string; config: string }>> = {
  PathproofReadAccount: { key: 'topology.source: aws', config: 'topology: { source: aws }' },
  PathproofReadPosture: { key: 'posture.enabled', config: 'posture: { enabled: true }' },
  PathproofReadSharedSnapshot: {
    key: 'topology.source: s3',
    config: 'topology: { source: s3, s3: { bucket: shared-bucket, key: shared-key } }',
  },
  PathproofAssumeRoles: {
    key: 'topology.also',
    config: 'topology: { also: [{ role_arn: "arn:aws:iam::444455556666:role/pathproof-read" }] }',
  },
  PathproofReadFlowLogs: {
    key: 'flow_logs.enabled',
    config: 'flow_logs: { enabled: true, log_group: /log/group }',
  },
  PathproofListFlowLogFiles: { key: 'flow_logs.enabled', config: 'flow_logs: { enabled: true }' },
  PathproofReadFlowLogFiles: { key: 'flow_logs.enabled', config: 'flow_logs: { enabled: true }' },
  PathproofAssumeFlowLogRole: {
    key: 'flow_logs.role_arn',
    config: 'flow_logs: { enabled: true, role_arn: "arn:aws:iam::444455556666:role/pathproof-flow" }',
  },
  PathproofReadMetrics: { key: 'cloudwatch', config: 'cloudwatch: { every: 5m }' },
  PathproofCanaryObjects: { key: 'canary', config: `${target}\n${canary}` },
  PathproofCanaryPolicy: { key: 'canary', config: `${target}\n${canary}` },
  PathproofDirectConnect: {
    key: 'direct_connect',
    config:
      'agent: { vantage: on-prem }\ndirect_connect: { every: 5m, region: us-east-1 }\nsites: [{ name: dc1, first_leg: direct_connect, next_hops: [169.254.100.0/30], prefixes: [192.168.0.0/16] }]',
  },
  PathproofCloudTrail: { key: 'cloudtrail', config: 'cloudtrail: { every: 15m }' },
  PathproofSignLedger: {
    key: 'ledger.kms_key',
    config:
      'ledger: { directory: /var/lib/pathproof/ledger, name: example.com/h, kms_key: "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab" }',
  },
  PathproofAnchorCheckpoints: {
    key: 'ledger.anchors.cloudwatch_logs',
    config:
      'ledger: { directory: /var/lib/pathproof/ledger, name: example.com/h, key_file: /k.pem, anchors: { cloudwatch_logs: { log_group: /log/group } } }',
  },
  PathproofAnchorSegments: {
    key: 'ledger.anchors.s3',
    config:
      'ledger: { directory: /var/lib/pathproof/ledger, key_file: /k.pem, anchors: { s3: { bucket: evidence-bucket, prefix: ledgers, object_lock: compliance } } }',
  },
  PathproofPutMetrics: {
    key: 'exporters.cloudwatch',
    config: 'exporters: { cloudwatch: { namespace: pathproof } }',
  },
}

/**
 * By an action's prefix: the service of the interface endpoint that carries it (AWS PrivateLink guide, "AWS services that
 * integrate"), and whose policy besides the role's has a say.
 */
const places: Readonly<Record<string, { endpoint: string; besides: string }>> = {
  ec2: { endpoint: '`ec2`', besides: '' },
  sts: { endpoint: '`sts`', besides: "the other role's trust policy" },
  logs: { endpoint: '`logs`', besides: '' },
  s3: { endpoint: '`s3`, a gateway endpoint serves', besides: "the bucket's policy; KMS, if it encrypts" },
  cloudwatch: { endpoint: '`monitoring`', besides: '' },
  cloudtrail: { endpoint: '`cloudtrail`', besides: '' },
  directconnect: { endpoint: '`directconnect`', besides: '' },
  kms: { endpoint: '`kms`', besides: "the key's policy" },
}

function loadedFor(sid: string): Extract<LoadResult, { ok: true }> {
  const entry = switchedOn[sid]
  if (entry === undefined) throw new Error(`scripts/docs/permissions.ts: ${sid} has no configuration there`)
  const loaded = parseConfig(`version: 1\n${entry.config}\n`, sid, 0)
  if (!loaded.ok) throw new Error(`${sid}: ${loaded.problems.map((p) => p.problem).join('; ')}`)
  return loaded
}

function actionsOf({ sid, actions }: IamFeature): string[] {
  return [...(typeof actions === 'function' ? actions(loadedFor(sid).config) : actions)].toSorted()
}

/** The service of the first action: what CloudTrail's witnesses ask of the targets goes by the targets' own endpoints. */
function placeOf(feature: IamFeature): { endpoint: string; besides: string } {
  const actions = actionsOf(feature)
  const own =
    feature.sid === 'PathproofCloudTrail'
      ? 'cloudtrail'
      : [...new Set(actions.map((action) => action.split(':')[0] ?? ''))].join(' ')
  const place = places[own]
  if (place === undefined)
    throw new Error(`scripts/docs/permissions.ts: ${feature.sid}: unknown place ${own}`)
  return place
}

/** Every feature that calls AWS: what switches it on, and where what it asks must be allowed. */
export function permissionsSection(): string {
  const rows = iamFeatures.map((feature) => {
    const { config } = loadedFor(feature.sid)
    if (!feature.enabled(config)) throw new Error(`${feature.sid} is not enabled by its configuration`)
    const { endpoint, besides } = placeOf(feature)
    const purpose = feature.purpose.replace(/ \([^()]*\)$/, '')
    return [
      code(feature.sid),
      purpose,
      code(switchedOn[feature.sid]?.key ?? ''),
      endpoint,
      besides === '' ? '–' : besides,
    ]
  })
  return table(['Statement', 'For', 'Switched on by', 'Endpoint, without internet', 'Besides the role'], rows)
}

/** The actions of each feature, and on what. */
export function actionsSection(): string {
  const rows = iamFeatures.map((feature) => {
    const { config } = loadedFor(feature.sid)
    const resources = feature.resources?.(config) ?? ['*']
    const condition = feature.condition?.(config) ?? null
    const where = [
      ...resources.map(code),
      ...(condition === null ? [] : [`if ${code(JSON.stringify(condition))}`]),
    ]
    return [code(feature.sid), actionsOf(feature).map(code).join(', '), where.join(', ')]
  })
  const also = actionsOfRoles(loadedFor('PathproofAssumeRoles').config)
  rows.push(['each role of `topology.also`, in its account', also.map(code).join(', '), code('*')])
  return table(['Statement', 'Actions', 'Resources'], rows)
}
