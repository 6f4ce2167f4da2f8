/**
 * Common set-ups with the default configuration, to what the network recorded: one flow log each, where somebody would
 * have put it, read by the program's own reader through the lab's APIs.
 */
import { describe, expect, it } from 'vitest'
import { type LabRound, labRounds } from '../../agent/lab-rounds.ts'
import { parseScenario } from '../../lab/scenario.ts'
import type { Confirmation, PathClass, PathState } from '../../model/path.ts'
import type { NameVerdict } from '../../model/verdict.ts'
import { systemHost } from '../../probes/host.ts'
import { readerWithin } from '../support/reader-within.ts'

const program = readerWithin()
const s3 = 'artifacts-lab.s3.us-east-1.amazonaws.com'
const ssm = 'ssm.us-east-1.amazonaws.com'
const sts = 'sts.us-east-1.amazonaws.com'

/** AWS's fields up to version 5, as someone has them who wants paths and no tags. */
const withPaths =
  '${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${pkt-srcaddr} ${pkt-dstaddr} ${flow-direction} ${traffic-path}'

interface Expected {
  hostname: string
  state: PathState
  class: PathClass
  proof: 'configured' | 'observed'
  confirmation: Confirmation
  /** A row that must be met, and one that must not. */
  row?: string
  not?: string
}

interface Setup {
  title: string
  flowLogs: string
  world?: string
  /** Further parts of the scenario. */
  more?: string
  expected: Expected[]
}

const confirmed = { proof: 'observed', confirmation: 'confirmed' } as const
const asWithout = { proof: 'configured', confirmation: 'unavailable' } as const
const byEndpoint = { hostname: s3, state: 'private', class: 'gateway_endpoint' } as const
const byNat = { hostname: sts, state: 'public', class: 'nat_gateway' } as const

const onVpc = `[{ id: fl-0a000001, resource: vpc-0a000001, format: '${withPaths}' }]`
const onHost = `[{ id: fl-0a000001, resource: eni-0a000050, format: '${withPaths}' }]`

const interfaceEndpoint = `
  interfaces:
    - { id: eni-0a0000a1, mac: '02:1a:00:00:01:01', type: vpc_endpoint, requesterManaged: true, ipv4: [{ address: 10.0.1.101, primary: true, public: null }] }
  endpoints:
    - id: vpce-0a0000a1
      service: com.amazonaws.us-east-1.ssm
      subnets: [subnet-0a000001]
      interfaces: [eni-0a0000a1]
      privateDns: true
      dnsNames: [vpce-0a0000a1-h3k9q2xd.ssm.us-east-1.vpce.amazonaws.com]
      reaches: ssm`
const viaSsm = { hostname: ssm, state: 'private', class: 'interface_endpoint' } as const

/** S3's list is routed in the NAT gateway's own subnet only. */
const natFirst = `
  tables:
    - { id: rtb-0a000001, removeRoutes: [pl-63a5400a] }
    - { id: rtb-0b000002, addRoutes: ['pl-63a5400a -> vpce-0a000053'] }`
const behindNat = { hostname: s3, state: 'private', class: 'nat_gateway_endpoint' } as const

const publicSubnet = `
  interfaces:
    - { id: eni-0a000050, ipv4: [{ address: 10.0.1.50, primary: true, public: 203.0.113.50 }] }
  tables:
    - { id: rtb-0a000001, removeRoutes: [0.0.0.0/0, pl-63a5400a], addRoutes: ['0.0.0.0/0 -> igw-0a000001'] }`

const serverRoom = `${interfaceEndpoint}
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

const natPorts = ['changed', 'kept'] as const

const setups: Setup[] = [
  {
    title: 'S3 gateway endpoint, no flow logs',
    flowLogs: '[]',
    expected: [{ ...byEndpoint, ...asWithout }],
  },
  {
    title: 'flow logs in the default format: as without',
    flowLogs: '[{ id: fl-0a000001, resource: vpc-0a000001, format: null }]',
    expected: [
      { ...byEndpoint, ...asWithout },
      { ...byNat, ...asWithout },
    ],
  },
  {
    title: 'flow logs with traffic-path, gateway endpoint',
    flowLogs: onVpc,
    expected: [{ ...byEndpoint, ...confirmed, row: 'flow.gateway_endpoint' }],
  },
  {
    title: 'the same, with records that do not come in time: as without',
    flowLogs: `[{ id: fl-0a000001, resource: vpc-0a000001, format: '${withPaths}', deliverySeconds: 3600 }]`,
    expected: [{ ...byEndpoint, proof: 'configured', confirmation: 'no_record' }],
  },
  {
    title: 'on an instance without Nitro the record says endpoint or internet gateway, and confirms neither',
    flowLogs: onVpc,
    more: 'records: { flows: { nitro: false } }',
    expected: [
      { ...byEndpoint, proof: 'configured', confirmation: 'no_record', row: 'flow.gateway_of_either_kind' },
    ],
  },
  {
    title: 'interface endpoint, by the next hop',
    flowLogs:
      "[{ id: fl-0a000001, resource: eni-0a000050, format: '${version} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${start} ${end} ${action} ${flow-direction} ${traffic-path} ${log-status} ${next-hop-interface-id} ${next-hop-interface-type}' }]",
    world: interfaceEndpoint,
    expected: [{ ...viaSsm, ...confirmed, row: 'flow.next_hop_endpoint', not: 'flow.at_endpoint' }],
  },
  {
    title: 'interface endpoint, by its own interface alone',
    flowLogs: `[{ id: fl-0a000001, resource: eni-0a0000a1, format: '${withPaths}' }]`,
    world: interfaceEndpoint,
    expected: [{ ...viaSsm, ...confirmed, row: 'flow.at_endpoint', not: 'flow.interface_endpoint' }],
  },
  {
    title: "interface endpoint, by the path inside the VPC to the endpoint's address",
    flowLogs: onHost,
    world: interfaceEndpoint,
    expected: [{ ...viaSsm, ...confirmed, row: 'flow.interface_endpoint', not: 'flow.at_endpoint' }],
  },
  {
    title: 'interface endpoint from on-prem, by its own interface',
    flowLogs: onVpc,
    world: serverRoom,
    more: `metadata: silent
agent:
  vantage: on-prem
  sites: [{ name: dc1, first_leg: direct_connect, prefixes: [192.168.0.0/16] }]
  trusted_endpoints: [{ dns_name: vpce-0a0000a1-h3k9q2xd.ssm.us-east-1.vpce.amazonaws.com, via: dc1 }]`,
    expected: [{ ...viaSsm, ...confirmed, row: 'flow.at_endpoint' }],
  },
  ...natPorts.flatMap((ports): Setup[] => [
    {
      title: `no endpoint, NAT gateway, ports ${ports}: public, and shown to be`,
      flowLogs: onVpc,
      more: `records: { flows: { natPorts: ${ports} } }`,
      expected: [{ ...byNat, ...confirmed, row: 'flow.nat_gateway' }],
    },
    {
      title: `the endpoint's route behind the NAT gateway, ports ${ports}`,
      flowLogs: onVpc,
      world: natFirst,
      more: `records: { flows: { natPorts: ${ports} } }`,
      expected: [
        { ...behindNat, ...confirmed, row: 'flow.nat_gateway_endpoint' },
        { ...byNat, ...confirmed, row: 'flow.nat_gateway' },
      ],
    },
  ]),
  {
    title:
      "the endpoint's route behind the NAT gateway, a flow log on the host alone: what lies behind stays unseen",
    flowLogs: onHost,
    world: natFirst,
    expected: [{ ...behindNat, proof: 'configured', confirmation: 'no_record', row: 'flow.beyond_public' }],
  },
  {
    title: 'an internet gateway: public, and shown to be',
    flowLogs: onHost,
    world: publicSubnet,
    expected: [
      {
        hostname: s3,
        state: 'public',
        class: 'internet_gateway',
        ...confirmed,
        row: 'flow.internet_gateway',
      },
    ],
  },
]

async function play({ title, flowLogs, world = '', more = '', expected }: Setup): Promise<LabRound> {
  const text = [
    'name: setup',
    `title: ${JSON.stringify(title)}`,
    `story: ${JSON.stringify(title)}`,
    `world:\n  flowLogs: ${flowLogs}${world}`,
    more,
    `names: ${JSON.stringify(expected.map(({ hostname }, i) => ({ target: `t${i}`, hostname })))}`,
    `expect: ${JSON.stringify(expected.map(({ hostname, state }) => ({ hostname, state })))}`,
  ].join('\n')
  const read = parseScenario(text, 'setup.yaml')
  if (!read.ok) throw new Error(read.problems.join('\n'))
  const rounds = labRounds(read.scenario, {
    program,
    records: { format: 'full', program },
    machine: systemHost(process.env),
    version: 'test',
  })
  for await (const round of rounds) return round
  throw new Error('no round')
}

function told({ because, attempts }: NameVerdict): string {
  const lines = attempts.flatMap((a) => [
    `${a.address}: ${a.state} ${a.confirmation} ${a.possible.join(',')}`,
    ...a.evidence.map((e) => `  ${e.rank} ${e.rule}: ${e.because}`),
  ])
  return [...because, ...lines].join('\n')
}

describe('common set-ups with flow logs end as stated', () => {
  it.each(setups)('$title', async (setup) => {
    const { lab, recorded, targets } = await play(setup)
    for (const expected of setup.expected) {
      const { hostname, state, row, not } = expected
      const name = recorded?.flatMap(({ names }) => names).find((one) => one.hostname === hostname)
      if (name === undefined) throw new Error(`${hostname} was not judged`)
      const all = told(name)
      expect(name.state, all).toBe(state)
      expect(name.proof, all).toBe(expected.proof)
      expect(name.confirmation, all).toBe(expected.confirmation)
      expect(name.tainted).toBe(false)
      const rules = name.attempts.flatMap((attempt) => attempt.evidence.map((e) => e.rule))
      if (row !== undefined) expect(rules, all).toContain(row)
      if (not !== undefined) expect(rules, all).not.toContain(not)
      const connected = name.attempts.filter((attempt) => attempt.connected)
      expect(connected.map(({ possible }) => possible)).toEqual(connected.map(() => [expected.class]))
      expect(connected.length).toBeGreaterThan(0)
      // what is confirmed is what the packets did
      const truth = lab.truth(hostname)
      expect(truth.state).toBe(state)
      expect(truth.addresses.map((one) => one.class)).toContain(expected.class)
      // and nobody knew before
      const before = targets.flatMap(({ names }) => names).find((one) => one.hostname === hostname)
      expect(before).toMatchObject({ state, proof: 'configured' })
      expect(before?.confirmation).not.toBe('confirmed')
    }
  })
})
