/** Common set-ups, each with the default configuration and read permissions only, and what is said of it. */
import { resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { check } from '../../agent/check.ts'
import type { ProgramCommand } from '../../agent/child.ts'
import { parseConfig } from '../../agent/config/load.ts'
import { targetsOf } from '../../agent/config/targets.ts'
import { type Lab, startLab } from '../../lab/lab.ts'
import { parseScenario } from '../../lab/scenario.ts'
import type { PathClass, PathState } from '../../model/path.ts'
import type { NameVerdict } from '../../model/verdict.ts'
import { systemHost } from '../../probes/host.ts'
import { readerWithin } from '../support/reader-within.ts'

let open: Lab | null = null
afterEach(async () => {
  await open?.close()
  open = null
})

interface Setup {
  title: string
  /** The scenario's `world`, as YAML. */
  world: string
  /** What has to be declared, as sections of the configuration. */
  declared?: object
  /** Age of the dump that is read, in seconds. */
  dumpAgeSeconds?: number
  metadata?: 'answers' | 'silent' | 'hop_limit'
  /** The credentials are not those of the instance, for example a pod's own. */
  ownCredentials?: boolean
  /** What the firmware calls the maker of this machine. */
  vendor?: string
  expected: Expected[]
}

interface Expected {
  hostname: string
  state: PathState
  /** The only class left; absent where several are. */
  class?: PathClass
  /** Part of a reason why it is not settled, or of what would settle it. */
  because?: RegExp
}

const regional = 'artifacts-lab.s3.us-east-1.amazonaws.com'
const ssm = 'ssm.us-east-1.amazonaws.com'

/** `program` null: by the directory of AWS CLI output; else by the EC2 API over HTTP. */
async function verdictsOf(setup: Setup, program: ProgramCommand | null): Promise<Map<string, NameVerdict>> {
  const yaml = [
    'name: setup',
    `title: ${JSON.stringify(setup.title)}`,
    `story: ${JSON.stringify(setup.title)}`,
    `metadata: ${setup.metadata ?? 'answers'}`,
    `credentials: ${setup.ownCredentials === true ? 'environment' : 'metadata'}`,
    `names: ${JSON.stringify(setup.expected.map(({ hostname }, i) => ({ target: `t${i}`, hostname })))}`,
    `expect: ${JSON.stringify(setup.expected.map(({ hostname }) => ({ hostname, state: 'undetermined', because: '-' })))}`,
    `world:\n${setup.world || '  {}'}`,
  ].join('\n')
  const read = parseScenario(yaml, 'setup.yaml')
  if (!read.ok) throw new Error(read.problems.join('\n'))
  const laterMs = program === null ? (setup.dumpAgeSeconds ?? 0) * 1000 : 0
  const clock = { wallMs: () => Date.now() - laterMs }
  const lab = await startLab(read.scenario, { mode: 'mapped', clock, timed: false })
  open = lab
  const document = {
    version: 1,
    targets: setup.expected.map(({ hostname }, i) => ({ name: `t${i}`, hostname, require: 'private' })),
    ...(program === null && { topology: { source: 'directory', directory: lab.snapshotDirectory } }),
    partition_roots: [{ partition: 'aws', file: lab.caFile }],
    ...setup.declared,
  }
  const loaded = parseConfig(JSON.stringify(document), 'setup.json', Date.now())
  if (!loaded.ok) throw new Error(loaded.problems.map((p) => p.problem).join('\n'))
  const deps = {
    host: lab.hostAccess(systemHost(process.env)),
    version: 'test',
    readText: () => Promise.resolve(setup.vendor ?? null),
    hostRoots: () => [],
    signal: AbortSignal.timeout(30_000),
    onSnapshot: () => undefined,
    ...(program === null ? {} : { program }),
  }
  const verdicts = new Map<string, NameVerdict>()
  for await (const { verdict } of check(targetsOf(loaded.config).targets, loaded.config, null, deps)) {
    for (const name of verdict.names) verdicts.set(name.hostname, name)
  }
  const calls = lab.apiRequests().filter(({ outcome }) => outcome === 'ok')
  expect(calls.length > 10, `${calls.length} calls`).toBe(program !== null)
  return verdicts
}

function told(verdict: NameVerdict): string {
  return [
    ...verdict.because,
    ...verdict.attempts.flatMap((a) => [
      `${a.address}: ${a.state} ${a.possible.join(',')}`,
      ...a.evidence.map((e) => `  ${e.rank} ${e.rule}: ${e.because}`),
      ...a.conflicts.map((c) => `  conflict of ${c.of}: ${c.because}`),
    ]),
    ...verdict.wouldDecide,
  ].join('\n')
}

const noNat = `
  tables:
    - { id: rtb-0a000001, removeRoutes: [0.0.0.0/0] }`

/** ssm and s3 by interface endpoints in the host's VPC; s3's private DNS is for inbound resolvers only. */
const interfaceEndpoints = `
  interfaces:
    - { id: eni-0a0000a1, mac: '02:1a:00:00:01:01', type: vpc_endpoint, requesterManaged: true, ipv4: [{ address: 10.0.1.101, primary: true, public: null }] }
    - { id: eni-0a0000a3, mac: '02:1a:00:00:01:03', type: vpc_endpoint, requesterManaged: true, ipv4: [{ address: 10.0.1.103, primary: true, public: null }] }
  endpoints:
    - id: vpce-0a0000a1
      service: com.amazonaws.us-east-1.ssm
      subnets: [subnet-0a000001]
      interfaces: [eni-0a0000a1]
      privateDns: true
      dnsNames: [vpce-0a0000a1-h3k9q2xd.ssm.us-east-1.vpce.amazonaws.com]
      reaches: ssm
    - id: vpce-0a0000a3
      service: com.amazonaws.us-east-1.s3
      subnets: [subnet-0a000001]
      interfaces: [eni-0a0000a3]
      privateDns: true
      inboundOnly: true
      dnsNames: ['*.vpce-0a0000a3-t5n2v6yb.s3.us-east-1.vpce.amazonaws.com']
      reaches: s3`

/** A server room: its line into the VPC, and an internet provider's for all else. It asks the VPC's inbound resolver. */
const onPrem = `${interfaceEndpoints}
  resolvers:
    - { name: system, view: inbound, address: 10.0.0.20 }
  host:
    kind: on-prem
    instance: null
    hostname: db1.corp.example
    interfaces: []
    devices:
      - name: eth0
        kind: physical
        mac: '52:54:00:12:34:56'
        addresses: [192.168.10.5]
        leads:
          legs:
            - { to: 10.0.0.0/16, ends: { vpc: vpc-0a000001, table: rtb-0c000003 } }
            - { to: 0.0.0.0/0, ends: { class: internet } }
    routes:
      - { from: null, to: 0.0.0.0/0, device: eth0, gateway: 192.168.10.1, selector: false, applies: true }`

const dc1 = { name: 'dc1', first_leg: 'direct_connect', prefixes: ['192.168.0.0/16'] }
const s3ByName = 'bucket.vpce-0a0000a3-t5n2v6yb.s3.us-east-1.vpce.amazonaws.com'
const ssmByName = 'vpce-0a0000a1-h3k9q2xd.ssm.us-east-1.vpce.amazonaws.com'
const onPremDeclared = {
  sites: [dc1],
  trusted_endpoints: [
    { dns_name: s3ByName, via: 'dc1' },
    { dns_name: ssmByName, via: 'dc1' },
  ],
}
const aDay = 20 * 3600

/** An endpoint VPC of another account behind a transit gateway; its private zone is shared with the host's VPC. */
const centralName = 'vpce-0c0000c1-q8w2m4rt.ssm.us-east-1.vpce.amazonaws.com'
const central = `
  vpcs:
    - { id: vpc-0c0000c1, owner: '222233334444', ipv4: [10.9.0.0/16] }
  subnets:
    - { id: subnet-0c0000c1, vpc: vpc-0c0000c1, owner: '222233334444', ipv4: 10.9.1.0/24 }
  interfaces:
    - { id: eni-0c0000c1, vpc: vpc-0c0000c1, subnet: subnet-0c0000c1, owner: '222233334444', mac: '02:1c:00:00:00:c1', type: vpc_endpoint, requesterManaged: true, ipv4: [{ address: 10.9.1.7, primary: true, public: null }] }
  endpoints:
    - id: vpce-0c0000c1
      service: com.amazonaws.us-east-1.ssm
      vpc: vpc-0c0000c1
      owner: '222233334444'
      subnets: [subnet-0c0000c1]
      interfaces: [eni-0c0000c1]
      dnsNames: [${centralName}]
      reaches: ssm
  tables:
    - { id: rtb-0a000001, addRoutes: ['10.0.0.0/8 -> tgw-0a000001'] }
    - { id: rtb-0c0000c1, vpc: vpc-0c0000c1, owner: '222233334444', main: true }
  transits:
    - { id: tgw-0a000001, leads: [{ to: 10.9.0.0/16, ends: { vpc: vpc-0c0000c1, table: rtb-0c0000c1 } }] }
  names:
    - { hostname: ${ssm}, ipv4: [10.9.1.7] }`

const setups: Setup[] = [
  {
    title: 'instance in a private subnet, S3 gateway endpoint',
    world: noNat,
    expected: [{ hostname: regional, state: 'private', class: 'gateway_endpoint' }],
  },
  {
    title: 'the same, default route to NAT as well: names that answer outside the region’s list are public',
    world: '',
    expected: [
      { hostname: regional, state: 'private', class: 'gateway_endpoint' },
      { hostname: 'artifacts-lab.s3.eu-west-1.amazonaws.com', state: 'public', class: 'nat_gateway' },
      { hostname: 'sts.us-east-1.amazonaws.com', state: 'public', class: 'nat_gateway' },
    ],
  },
  {
    title: 'interface endpoint with private DNS, in-VPC host',
    world: interfaceEndpoints,
    expected: [{ hostname: ssm, state: 'private', class: 'interface_endpoint' }],
  },
  {
    title: 'S3 interface endpoint, private DNS for the inbound resolver only, in-VPC host',
    world: interfaceEndpoints,
    expected: [{ hostname: regional, state: 'private', class: 'gateway_endpoint' }],
  },
  {
    title: 'no endpoint, NAT',
    world: `
  remove: [vpce-0a000053]
  tables:
    - { id: rtb-0a000001, removeRoutes: [pl-63a5400a] }`,
    expected: [
      { hostname: regional, state: 'public', class: 'nat_gateway' },
      { hostname: ssm, state: 'public', class: 'nat_gateway' },
    ],
  },
  {
    title: 'default route propagated from VGW, gateway endpoint',
    world: `
  tables:
    - { id: rtb-0a000001, removeRoutes: [0.0.0.0/0], addRoutes: ['0.0.0.0/0 -> vgw-0a000001 propagated'] }
  transits:
    - { id: vgw-0a000001, leads: [{ to: 0.0.0.0/0, ends: { class: internet } }] }`,
    expected: [
      { hostname: regional, state: 'private', class: 'gateway_endpoint' },
      { hostname: ssm, state: 'undetermined', because: /possible is still/ },
    ],
  },
  {
    title: 'on-prem, Direct Connect, inbound resolver, daily dump, site and via declared',
    world: onPrem,
    declared: onPremDeclared,
    dumpAgeSeconds: aDay,
    metadata: 'silent',
    vendor: 'Dell Inc.\n',
    expected: [
      { hostname: regional, state: 'private', class: 'interface_endpoint' },
      { hostname: ssm, state: 'private', class: 'interface_endpoint' },
    ],
  },
  {
    title: 'the same with a dump of this minute',
    world: onPrem,
    declared: onPremDeclared,
    metadata: 'silent',
    vendor: 'Dell Inc.\n',
    expected: [
      { hostname: regional, state: 'private', class: 'interface_endpoint' },
      { hostname: ssm, state: 'private', class: 'interface_endpoint' },
    ],
  },
  {
    title: 'the same, nothing declared',
    world: onPrem,
    dumpAgeSeconds: aDay,
    metadata: 'silent',
    vendor: 'Dell Inc.\n',
    expected: [{ hostname: regional, state: 'undetermined', because: /trusted_endpoints/ }],
  },
  {
    title: 'central endpoint VPC behind a transit gateway, declared',
    world: central,
    declared: { trusted_endpoints: [{ dns_name: centralName, via: 'tgw-0a000001' }] },
    expected: [{ hostname: ssm, state: 'private', class: 'interface_endpoint' }],
  },
  {
    title: 'the same where one account owns both, and one dump shows both',
    world: central.replaceAll("owner: '222233334444', ", '').replaceAll("      owner: '222233334444'\n", ''),
    declared: { trusted_endpoints: [{ dns_name: centralName, via: 'tgw-0a000001' }] },
    expected: [{ hostname: ssm, state: 'private', class: 'interface_endpoint' }],
  },
  {
    title: 'central endpoint VPC behind a transit gateway, undeclared',
    world: central,
    expected: [{ hostname: ssm, state: 'undetermined', because: /possible is still/ }],
  },
  {
    title: 'IPv4-only host, dualstack name',
    world: '',
    expected: [
      {
        hostname: 'artifacts-lab.s3.dualstack.us-east-1.amazonaws.com',
        state: 'private',
        class: 'gateway_endpoint',
      },
    ],
  },
  {
    title: 'pod on the host’s network',
    world: `
  host:
    devices:
      - { name: ens5, kind: physical, mac: '02:1a:00:00:00:50', addresses: [10.0.1.50], leads: { interface: eni-0a000050 } }
      - { name: cni0, kind: bridge, mac: '0a:58:0a:f4:00:01', addresses: [10.244.0.1], leads: { legs: [] } }
    routes:
      - { from: null, to: 0.0.0.0/0, device: ens5, gateway: 10.0.1.1, selector: false, applies: true }
      - { from: null, to: 10.244.0.0/24, device: cni0, gateway: null, selector: false, applies: true }`,
    expected: [{ hostname: regional, state: 'private', class: 'gateway_endpoint' }],
  },
  ...(['hop_limit', 'answers'] as const).map(
    (metadata): Setup => ({
      title: `pod behind CNI SNAT, instance metadata: ${metadata}`,
      metadata,
      ownCredentials: metadata === 'hop_limit',
      vendor: 'Amazon EC2\n',
      world: `
  host:
    devices:
      - { name: eth0, kind: veth, mac: '0a:58:0a:f4:00:07', addresses: [10.244.0.7], leads: { interface: eni-0a000050, translatedTo: 10.0.1.50 } }
    routes:
      - { from: null, to: 0.0.0.0/0, device: eth0, gateway: 10.244.0.1, selector: false, applies: true }`,
      expected: [{ hostname: regional, state: 'undetermined', because: /device eth0 is veth/ }],
    }),
  ),
]

const sources: { source: string; program: ProgramCommand | null; only?: RegExp }[] = [
  { source: 'by AWS CLI output', program: null },
  { source: 'by the EC2 API', program: readerWithin() },
  {
    source: 'by the EC2 API, read by a process of its own',
    program: { file: process.execPath, args: [resolve(import.meta.dirname, '../../agent/main.ts')] },
    only: /^instance in a private subnet|^interface endpoint|^no endpoint|^on-prem|declared$/,
  },
]

describe.each(sources)('common set-ups end as stated, $source', ({ program, only = /^/ }) => {
  it.each(setups.filter(({ title }) => only.test(title)))(
    '$title',
    async (setup) => {
      const verdicts = await verdictsOf(setup, program)
      for (const expected of setup.expected) {
        const verdict = verdicts.get(expected.hostname)
        if (verdict === undefined) throw new Error(`${expected.hostname} was not judged`)
        const all = told(verdict)
        expect(verdict.state, all).toBe(expected.state)
        expect(verdict.confirmation).toBe('unavailable')
        expect(verdict.attempts.length).toBeGreaterThan(0)
        if (expected.because !== undefined) expect(all).toMatch(expected.because)
        if (expected.state === 'undetermined') {
          expect(verdict.proof).toBeNull()
          continue
        }
        expect(verdict.proof, all).toBe('configured')
        expect(verdict.conflictOfSide).toBe(false)
        const connected = verdict.attempts.filter((a) => a.connected)
        expect(connected.length).toBeGreaterThan(0)
        for (const a of connected) expect(a.possible, all).toEqual([expected.class])
        // The set-up is what it is called only if the packets say so too.
        const truth = open?.truth(expected.hostname)
        expect(truth?.state).toBe(expected.state)
        const classes = new Set(truth?.addresses.map((a) => a.class))
        expect(classes).toContain(expected.class)
      }
    },
    30_000,
  )
})
