/** Set-ups that invite a false `private`: the names, addresses and routes that people get wrong. Truth is the packets'. */
import { describe, expect, it } from 'vitest'
import { check } from '../../agent/check.ts'
import { parseConfig } from '../../agent/config/load.ts'
import { targetsOf } from '../../agent/config/targets.ts'
import { type Lab, startLab } from '../../lab/lab.ts'
import { parseScenario } from '../../lab/scenario.ts'
import type { PathClass, PathState } from '../../model/path.ts'
import type { NameVerdict } from '../../model/verdict.ts'
import { systemHost } from '../../probes/host.ts'

interface Trap {
  title: string
  /** The scenario's `world`, as YAML. */
  world: string
  declared?: object
  /** Keys of each target; a short time-out where nothing is ever answered. */
  target?: object
  metadata?: 'answers' | 'silent' | 'hop_limit'
  expected: Expected[]
}

interface Expected {
  hostname: string
  state: PathState
  /** Every class that is left of some connection, in one list. */
  classes?: PathClass[]
  because?: RegExp
}

const s3 = 'artifacts-lab.s3.us-east-1.amazonaws.com'
const dual = 'artifacts-lab.s3.dualstack.us-east-1.amazonaws.com'
const express = 'artifacts--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com'
const mrap = 'mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com'
const accelerate = 'artifacts-lab.s3-accelerate.amazonaws.com'
const ssm = 'ssm.us-east-1.amazonaws.com'
const kms = 'kms.us-east-1.amazonaws.com'

/** The lab of a trap; whoever asks for it closes it. */
async function labOf(trap: Trap): Promise<Lab> {
  const yaml = [
    'name: trap',
    `title: ${JSON.stringify(trap.title)}`,
    `story: ${JSON.stringify(trap.title)}`,
    `metadata: ${trap.metadata ?? 'answers'}`,
    `names: ${JSON.stringify(trap.expected.map(({ hostname }, i) => ({ target: `t${i}`, hostname })))}`,
    `expect: ${JSON.stringify(trap.expected.map(({ hostname }) => ({ hostname, state: 'undetermined', because: '-' })))}`,
    `world:\n${trap.world}`,
  ].join('\n')
  const read = parseScenario(yaml, 'trap.yaml')
  if (!read.ok) throw new Error(read.problems.join('\n'))
  return startLab(read.scenario, { mode: 'mapped', clock: { wallMs: Date.now }, timed: false })
}

async function verdictsOf(trap: Trap, lab: Lab): Promise<Map<string, NameVerdict>> {
  const document = {
    version: 1,
    targets: trap.expected.map(({ hostname }, i) => ({
      name: `t${i}`,
      hostname,
      require: 'private',
      ...trap.target,
    })),
    topology: { source: 'directory', directory: lab.snapshotDirectory },
    partition_roots: [{ partition: 'aws', file: lab.caFile }],
    ...trap.declared,
  }
  const loaded = parseConfig(JSON.stringify(document), 'trap.json', Date.now())
  if (!loaded.ok) throw new Error(loaded.problems.map((p) => `${p.path} ${p.problem}`).join('\n'))
  const deps = {
    host: lab.hostAccess(systemHost(process.env)),
    version: 'test',
    readText: () => Promise.resolve(null),
    hostRoots: () => [],
    signal: AbortSignal.timeout(30_000),
    onSnapshot: () => undefined,
  }
  const verdicts = new Map<string, NameVerdict>()
  for await (const { verdict } of check(targetsOf(loaded.config).targets, loaded.config, null, deps)) {
    for (const name of verdict.names) verdicts.set(name.hostname, name)
  }
  return verdicts
}

function told(verdict: NameVerdict, lab: Lab): string {
  return [
    `${verdict.hostname} is ${verdict.state}: ${verdict.because.join('; ')}`,
    ...verdict.attempts.flatMap((a) => [
      `${a.address} from ${a.localAddress}: ${a.state} ${a.possible.join(',')} connected ${a.connected}`,
      ...a.evidence.map((e) => `  ${e.rank} ${e.rule}: ${e.because}`),
      ...a.conflicts.map((c) => `  conflict of ${c.of}: ${c.because}`),
    ]),
    ...verdict.wouldDecide,
    JSON.stringify(lab.truth(verdict.hostname)),
  ].join('\n')
}

const aws = (id: string, cidr: string, hostname: string, ...answers: string[]) =>
  `    - { id: ${id}, service: ${id}, kind: aws, certificate: aws, addresses: [${cidr}], hostnames: ['${hostname}'], answers: [${answers.join(', ')}] }`
const expressService = aws(
  's3express',
  '52.95.192.0/20',
  '*.s3express-use1-az4.us-east-1.amazonaws.com',
  '52.95.193.9',
)
const forwarder = '    - { id: forwarder, service: s3, kind: private, certificate: aws }'

const ens5 =
  "{ name: ens5, kind: physical, mac: '02:1a:00:00:00:50', addresses: [10.0.1.50], leads: { interface: eni-0a000050 } }"
const byRouter =
  '{ from: null, to: 0.0.0.0/0, device: ens5, gateway: 10.0.1.1, selector: false, applies: true }'

/** An interface endpoint in the host's subnet. */
const endpoint = (service: string, last: string, privateDns = true) => ({
  eni: `    - { id: eni-0a0000${last}, mac: '02:1a:00:00:01:${last}', type: vpc_endpoint, requesterManaged: true, ipv4: [{ address: 10.0.1.1${last}, primary: true, public: null }] }`,
  endpoint: `    - { id: vpce-0a0000${last}, service: com.amazonaws.us-east-1.${service}, subnets: [subnet-0a000001], interfaces: [eni-0a0000${last}], privateDns: ${privateDns}, dnsNames: [vpce-0a0000${last}-h3k9q2xd.${service}.us-east-1.vpce.amazonaws.com], reaches: ${service} }`,
})
const ssmEndpoint = endpoint('ssm', '01')

const ipv6Host = `
  host:
    ipv4Usable: false
    ipv6Usable: true
    devices:
      - { name: ens5, kind: physical, mac: '02:1a:00:00:00:50', addresses: ['2600:1f18:4a3:9c01::50'], leads: { interface: eni-0a000050 } }
    routes:
      - { from: null, to: '::/0', device: ens5, gateway: 'fe80::1', selector: false, applies: true }
  vpcs:
    - { id: vpc-0a000001, ipv6: ['2600:1f18:4a3:9c00::/56'] }
  subnets:
    - { id: subnet-0a000001, ipv6: ['2600:1f18:4a3:9c01::/64'] }
  interfaces:
    - { id: eni-0a000050, ipv6: ['2600:1f18:4a3:9c01::50'] }
  egressOnlyGateways:
    - { id: eigw-0a000001, vpcs: [vpc-0a000001] }
  lists:
    - { id: pl-0a000066, name: com.amazonaws.us-east-1.ipv6.s3, owner: AWS, family: 6, entries: ['2600:1fa0:8000::/39', '2600:1f68::/32'] }`

/** A second interface in a subnet of its own, whose table has no endpoint. */
const secondInterface = `
  subnets:
    - { id: subnet-0a000002, vpc: vpc-0a000001, ipv4: 10.0.2.0/24 }
  tables:
    - { id: rtb-0a000002, vpc: vpc-0a000001, subnets: [subnet-0a000002], addRoutes: ['0.0.0.0/0 -> nat-0b000009'] }
  interfaces:
    - { id: eni-0a000051, vpc: vpc-0a000001, subnet: subnet-0a000002, mac: '02:1a:00:00:00:51', instance: i-0a000050, ipv4: [{ address: 10.0.2.51, primary: true, public: null }] }`
const ens6 =
  "{ name: ens6, kind: physical, mac: '02:1a:00:00:00:51', addresses: [10.0.2.51], leads: { interface: eni-0a000051 } }"
const twoCards = (...routes: string[]) => `${secondInterface}
  host:
    interfaces: [eni-0a000050, eni-0a000051]
    devices:
      - ${ens5}
      - ${ens6}
    routes:
${[byRouter, ...routes].map((route) => `      - ${route}`).join('\n')}`

/** A peered VPC of the same account that has the endpoint; its hosted zone is associated with the host's VPC. */
const peered = (route: string) => `
  vpcs:
    - { id: vpc-0d000001, ipv4: [10.5.0.0/16] }
  subnets:
    - { id: subnet-0d000001, vpc: vpc-0d000001, ipv4: 10.5.1.0/24 }
  interfaces:
    - { id: eni-0d000007, mac: '02:1d:00:00:00:07', type: vpc_endpoint, requesterManaged: true, vpc: vpc-0d000001, subnet: subnet-0d000001, ipv4: [{ address: 10.5.1.7, primary: true, public: null }] }
  endpoints:
    - { id: vpce-0d000007, service: com.amazonaws.us-east-1.ssm, vpc: vpc-0d000001, subnets: [subnet-0d000001], interfaces: [eni-0d000007], privateDns: false, dnsNames: [vpce-0d000007-r5t9c3wl.ssm.us-east-1.vpce.amazonaws.com], reaches: ssm }
  peerings:
    - { id: pcx-0a000001, status: active, requester: vpc-0a000001, accepter: vpc-0d000001 }
  services:
${forwarder}
  transits:
    - { id: tgw-0a000001, leads: [{ to: 10.5.0.0/16, ends: { class: relay, service: forwarder } }] }
  tables:
    - { id: rtb-0a000001, addRoutes: [${route}] }
    - { id: rtb-0d000001, vpc: vpc-0d000001, main: true, addRoutes: ['10.0.0.0/16 -> pcx-0a000001'] }
  names:
    - { hostname: ${ssm}, ipv4: [10.5.1.7] }`

/** A second card in a VPC of another account with the same range, and there the same address; ssm has an endpoint in the first. */
const twins = (route: string) => `
  vpcs:
    - { id: vpc-0d000001, owner: '333344445555', ipv4: [10.0.0.0/16] }
  subnets:
    - { id: subnet-0d000001, vpc: vpc-0d000001, owner: '333344445555', ipv4: 10.0.1.0/24 }
  interfaces:
    - { id: eni-0d000050, vpc: vpc-0d000001, subnet: subnet-0d000001, mac: '02:1d:00:00:00:50', instance: i-0a000050, ipv4: [{ address: 10.0.1.50, primary: true, public: null }] }
    - { id: eni-0d000101, vpc: vpc-0d000001, subnet: subnet-0d000001, owner: '333344445555', mac: '02:1d:00:00:01:01', instance: i-0d000101, ipv4: [{ address: 10.0.1.101, primary: true, public: null }], forwards: relays, serves: forwarder }
${ssmEndpoint.eni}
  endpoints:
${ssmEndpoint.endpoint}
  services:
${forwarder}
  transits:
    - { id: tgw-0d000001, leads: [{ to: 0.0.0.0/0, ends: { class: internet } }] }
  tables:
    - { id: rtb-0d000001, vpc: vpc-0d000001, owner: '333344445555', main: true, addRoutes: ['0.0.0.0/0 -> tgw-0d000001'] }
  host:
    interfaces: [eni-0a000050, eni-0d000050]
    devices:
      - ${ens5}
      - { name: ens6, kind: physical, mac: '02:1d:00:00:00:50', addresses: [10.0.1.50], leads: { interface: eni-0d000050 } }
    routes:
      - ${byRouter}
      - ${route}`

/** An endpoint VPC of another account behind a transit gateway. Its table's routes are still open at the end. */
const centralName = 'vpce-0c0000c1-q8w2m4rt.ssm.us-east-1.vpce.amazonaws.com'
const central = `
  names:
    - { hostname: ${ssm}, ipv4: [10.9.1.7] }
  subnets:
    - { id: subnet-0c0000c1, vpc: vpc-0c0000c1, owner: '222233334444', ipv4: 10.9.1.0/24 }
  interfaces:
    - { id: eni-0c0000c1, vpc: vpc-0c0000c1, subnet: subnet-0c0000c1, owner: '222233334444', mac: '02:1c:00:00:00:c1', type: vpc_endpoint, requesterManaged: true, ipv4: [{ address: 10.9.1.7, primary: true, public: null }] }
  endpoints:
    - { id: vpce-0c0000c1, service: com.amazonaws.us-east-1.ssm, vpc: vpc-0c0000c1, owner: '222233334444', subnets: [subnet-0c0000c1], interfaces: [eni-0c0000c1], dnsNames: [${centralName}], reaches: ssm }
  transits:
    - { id: tgw-0a000001, leads: [{ to: 10.9.0.0/16, ends: { vpc: vpc-0c0000c1, table: rtb-0c0000c1 } }] }
  vpcs:
    - { id: vpc-0c0000c1, owner: '222233334444', ipv4: [10.9.0.0/16] }
  tables:
    - { id: rtb-0c0000c1, vpc: vpc-0c0000c1, owner: '222233334444', main: true }
    - { id: rtb-0a000001, addRoutes: ['10.0.0.0/8 -> tgw-0a000001'`

const traps: Trap[] = [
  {
    title: 'S3 Express has addresses outside the list of S3, whose gateway endpoint is there',
    world: `\n  services:\n${expressService}`,
    expected: [
      { hostname: express, state: 'public', classes: ['nat_gateway'] },
      { hostname: s3, state: 'private', classes: ['gateway_endpoint'] },
    ],
  },
  {
    title: 'S3 Express by its own gateway endpoint, and S3 by none',
    world: `
  services:
${expressService}
  lists:
    - { id: pl-0a0000e1, name: com.amazonaws.us-east-1.s3express, owner: AWS, entries: [52.95.192.0/20] }
  endpoints:
    - { id: vpce-0a0000e1, type: Gateway, service: com.amazonaws.us-east-1.s3express, vpc: vpc-0a000001, reaches: s3express }
  tables:
    - { id: rtb-0a000001, removeRoutes: [pl-63a5400a], addRoutes: ['pl-0a0000e1 -> vpce-0a0000e1'] }`,
    expected: [
      { hostname: express, state: 'private', classes: ['gateway_endpoint'] },
      { hostname: s3, state: 'public', classes: ['nat_gateway'] },
    ],
  },
  {
    title: 'a multi-region access point and transfer acceleration answer at the edge, not in S3’s list',
    world: `
  services:
${aws('mrap', '52.223.0.0/17', '*.mrap.accesspoint.s3-global.amazonaws.com', '52.223.1.9')}
${aws('edge', '18.64.0.0/14', '*.s3-accelerate.amazonaws.com', '18.64.3.1', '18.65.9.9')}`,
    expected: [
      { hostname: mrap, state: 'public', classes: ['nat_gateway'] },
      { hostname: accelerate, state: 'public', classes: ['nat_gateway'] },
    ],
  },
  {
    title: 'a name that leads by CNAME to buckets of two regions',
    world: `
  services:
${aws('files', '52.223.128.0/24', 'files.corp.example', '52.223.128.1')}
  names:
    - { hostname: files.corp.example, cnames: [artifacts-lab.s3.eu-west-1.amazonaws.com], ipv4: [52.218.36.99, 52.216.8.53] }`,
    expected: [
      { hostname: 'files.corp.example', state: 'mixed', classes: ['gateway_endpoint', 'nat_gateway'] },
    ],
  },
  {
    title: 'an IPv6-only subnet whose table has the IPv4 list and not the IPv6 list',
    world: `${ipv6Host}
  tables:
    - { id: rtb-0a000001, addRoutes: ['::/0 -> eigw-0a000001'] }`,
    expected: [{ hostname: dual, state: 'public', classes: ['internet_gateway'] }],
  },
  {
    title: 'an IPv6-only subnet with both lists, and DNS64 for a name without IPv6',
    world: `${ipv6Host}
  tables:
    - { id: rtb-0a000001, addRoutes: ['::/0 -> eigw-0a000001', 'pl-0a000066 -> vpce-0a000053', '64:ff9b::/96 -> nat-0b000009'] }
  names:
    - { hostname: ${s3}, ipv4: [52.216.8.53], ipv6: ['64:ff9b::34d8:835'] }`,
    expected: [
      { hostname: dual, state: 'private', classes: ['gateway_endpoint'] },
      { hostname: s3, state: 'public', classes: ['nat_gateway'] },
    ],
  },
  {
    title: 'a list of the customer’s own, named like AWS’s, leads to an inspection endpoint',
    world: `
  lists:
    - { id: pl-0a0000cc, name: com.amazonaws.us-east-1.s3, owner: '111122223333', entries: [52.216.0.0/15, 3.5.0.0/19, 54.231.0.0/16, 16.182.0.0/16] }
  interfaces:
    - { id: eni-0a0000aa, mac: '02:1a:00:00:00:aa', type: gateway_load_balancer_endpoint, requesterManaged: true, ipv4: [{ address: 10.0.1.170, primary: true, public: null }] }
  endpoints:
    - { id: vpce-0a0000aa, type: GatewayLoadBalancer, service: com.amazonaws.vpce.us-east-1.vpce-svc-0a0000aa, vpc: vpc-0a000001, subnets: [subnet-0a000001], interfaces: [eni-0a0000aa], appliances: relays }
  tables:
    - { id: rtb-0a000001, removeRoutes: [pl-63a5400a], addRoutes: ['pl-0a0000cc -> vpce-0a0000aa'] }`,
    expected: [{ hostname: s3, state: 'undetermined' }],
  },
  {
    title: 'a list of the customer’s own takes some addresses of S3 to the NAT gateway, beside the endpoint',
    world: `
  lists:
    - { id: pl-0a0000cc, name: exceptions, owner: '111122223333', entries: [52.216.8.0/24] }
  tables:
    - { id: rtb-0a000001, addRoutes: ['pl-0a0000cc -> nat-0b000009'] }`,
    expected: [{ hostname: s3, state: 'undetermined', because: /several routes|and 52\.216\.8|exceptions/ }],
  },
  {
    title: 'an endpoint in a peered VPC, and the peering leads there',
    world: peered("'10.5.0.0/16 -> pcx-0a000001'"),
    expected: [{ hostname: ssm, state: 'private', classes: ['interface_endpoint'] }],
  },
  {
    title: 'the same, but a transit gateway takes its range to somebody else',
    world: peered("'10.5.0.0/16 -> pcx-0a000001', '10.5.1.0/24 -> tgw-0a000001'"),
    expected: [{ hostname: ssm, state: 'undetermined' }],
  },
  {
    title: 'S3’s range over a peering to a VPC that has its own gateway endpoint',
    world: `${peered("'52.216.0.0/15 -> pcx-0a000001'").replace(
      "'10.0.0.0/16 -> pcx-0a000001'",
      "'10.0.0.0/16 -> pcx-0a000001', 'pl-63a5400a -> vpce-0d000053'",
    )}
    - { hostname: ${s3}, ipv4: [52.216.8.53] }
  remove: [vpce-0a000053]`.replace(
      '  endpoints:\n',
      '  endpoints:\n    - { id: vpce-0d000053, type: Gateway, service: com.amazonaws.us-east-1.s3, vpc: vpc-0d000001, reaches: s3 }\n',
    ),
    target: { timeout: '1s' },
    expected: [{ hostname: s3, state: 'undetermined' }],
  },
  {
    title: 'a forwarder on the host, by an entry in /etc/hosts',
    world: `
  services:
${forwarder}
  host:
    devices:
      - ${ens5}
      - { name: lo, kind: loopback, mac: '00:00:00:00:00:00', addresses: [127.0.0.1], leads: { legs: [{ to: 0.0.0.0/0, ends: { class: relay, service: forwarder } }] } }
    routes:
      - ${byRouter}
      - { from: null, to: 127.0.0.0/8, device: lo, gateway: null, selector: false, applies: true }
      - { from: null, to: 10.0.1.50/32, device: lo, gateway: null, selector: false, applies: true }
  names:
    - { hostname: ${s3}, ipv4: [127.0.0.1] }
    - { hostname: ${kms}, ipv4: [10.0.1.50] }`,
    expected: [
      { hostname: s3, state: 'undetermined' },
      { hostname: kms, state: 'undetermined' },
    ],
  },
  {
    title: 'a link-local answer, as VPC Lattice gives it',
    world: `
  services:
${forwarder}
  names:
    - { hostname: ${s3}, ipv4: [169.254.171.5] }`,
    expected: [{ hostname: s3, state: 'undetermined' }],
  },
  {
    title: 'IPv4 by an endpoint with private DNS, IPv6 answers by the egress-only gateway',
    world: `
  vpcs:
    - { id: vpc-0a000001, ipv6: ['2600:1f18:4a3:9c00::/56'] }
  subnets:
    - { id: subnet-0a000001, ipv6: ['2600:1f18:4a3:9c01::/64'] }
  interfaces:
    - { id: eni-0a000050, ipv6: ['2600:1f18:4a3:9c01::50'] }
${ssmEndpoint.eni}
  endpoints:
${ssmEndpoint.endpoint}
  egressOnlyGateways:
    - { id: eigw-0a000001, vpcs: [vpc-0a000001] }
  services:
${aws('ssm-six', "'2600:1fff:1000::/40'", 'x.ssm-six.us-east-1.amazonaws.com', "'2600:1fff:1000::9'")}
  tables:
    - { id: rtb-0a000001, addRoutes: ['::/0 -> eigw-0a000001'] }
  host:
    ipv6Usable: true
    devices:
      - { name: ens5, kind: physical, mac: '02:1a:00:00:00:50', addresses: [10.0.1.50, '2600:1f18:4a3:9c01::50'], leads: { interface: eni-0a000050 } }
    routes:
      - ${byRouter}
      - { from: null, to: '::/0', device: ens5, gateway: 'fe80::1', selector: false, applies: true }
  names:
    - { hostname: ${ssm}, ipv4: [10.0.1.101], ipv6: ['2600:1fff:1000::9'] }`,
    expected: [{ hostname: ssm, state: 'mixed', classes: ['interface_endpoint', 'internet_gateway'] }],
  },
  {
    title: 'a rule by mark or user sends connections into a tunnel',
    world: `
  host:
    devices:
      - ${ens5}
      - { name: tun0, kind: tun, mac: '00:00:00:00:00:00', addresses: [10.99.0.2], leads: { legs: [{ to: 0.0.0.0/0, ends: { class: internet } }] } }
    routes:
      - ${byRouter}
      - { from: null, to: 52.216.0.0/15, device: tun0, gateway: null, selector: true, applies: true }`,
    expected: [{ hostname: s3, state: 'undetermined', because: /policy-routing rule/ }],
  },
  {
    title: 'bound to a second card whose subnet has no endpoint, with a rule for its address',
    world: twoCards(
      '{ from: 10.0.2.51/32, to: 0.0.0.0/0, device: ens6, gateway: 10.0.2.1, selector: false, applies: true }',
    ),
    target: { source: '10.0.2.51' },
    expected: [{ hostname: s3, state: 'public', classes: ['nat_gateway'] }],
  },
  {
    title: 'bound to the second card’s address without such a rule: the first card would have to carry it',
    world: twoCards(),
    target: { source: '10.0.2.51', timeout: '1s' },
    expected: [{ hostname: s3, state: 'undetermined' }],
  },
  {
    title: 'the main table prefers the second card for half of S3',
    world: twoCards(
      '{ from: null, to: 52.216.0.0/15, device: ens6, gateway: 10.0.2.1, selector: false, applies: true }',
    ),
    expected: [{ hostname: s3, state: 'mixed', classes: ['gateway_endpoint', 'nat_gateway'] }],
  },
  {
    title:
      'a task with an interface of its own (a branch of the trunk, by VLAN) in a subnet without the endpoint',
    world: `${secondInterface}
  host:
    devices:
      - { name: eth1, kind: vlan, mac: '02:1a:00:00:00:51', addresses: [10.0.2.51], leads: { interface: eni-0a000051 } }
    routes:
      - { from: null, to: 0.0.0.0/0, device: eth1, gateway: 10.0.2.1, selector: false, applies: true }`,
    expected: [{ hostname: s3, state: 'public', classes: ['nat_gateway'] }],
  },
  {
    title: 'another machine of the subnet is the next hop for S3',
    world: `
  interfaces:
    - { id: eni-0a000077, vpc: vpc-0a000001, subnet: subnet-0a000001, mac: '02:1a:00:00:00:77', instance: i-0a000077, sourceCheck: false, forwards: relays, ipv4: [{ address: 10.0.1.77, primary: true, public: null }] }
  host:
    devices:
      - ${ens5}
    routes:
      - ${byRouter}
      - { from: null, to: 52.216.0.0/15, device: ens5, gateway: 10.0.1.77, selector: false, applies: true }`,
    expected: [{ hostname: s3, state: 'undetermined', because: /not the VPC's router/ }],
  },
  {
    title: 'a resolver that counts answers by the endpoint, another one publicly',
    world: `
  interfaces:
${ssmEndpoint.eni}
  endpoints:
${ssmEndpoint.endpoint}`,
    declared: { resolvers: [{ name: 'corp', address: '192.168.53.53:53' }] },
    target: { resolvers: ['system', 'corp'] },
    expected: [{ hostname: ssm, state: 'mixed', classes: ['interface_endpoint', 'nat_gateway'] }],
  },
  {
    title: 'a virtual private gateway has learned a longer route to a part of S3',
    world: `
  transits:
    - { id: vgw-0a000001, leads: [{ to: 0.0.0.0/0, ends: { class: internet } }] }
  tables:
    - { id: rtb-0a000001, addRoutes: ['52.216.8.0/24 -> vgw-0a000001 propagated'] }`,
    expected: [{ hostname: s3, state: 'undetermined' }],
  },
  {
    title: 'the list leads to a gateway endpoint that belongs to another VPC',
    world: `
  vpcs:
    - { id: vpc-0d000001, ipv4: [10.5.0.0/16] }
  endpoints:
    - { id: vpce-0a000053, vpc: vpc-0d000001 }`,
    target: { timeout: '1s' },
    expected: [{ hostname: s3, state: 'undetermined' }],
  },
  {
    title:
      'a firewall endpoint takes the default route; only what the list holds goes by the gateway endpoint',
    world: `
  interfaces:
    - { id: eni-0a0000aa, mac: '02:1a:00:00:00:aa', type: gateway_load_balancer_endpoint, requesterManaged: true, ipv4: [{ address: 10.0.1.170, primary: true, public: null }] }
  endpoints:
    - { id: vpce-0a0000aa, type: GatewayLoadBalancer, service: com.amazonaws.vpce.us-east-1.vpce-svc-0a0000aa, vpc: vpc-0a000001, subnets: [subnet-0a000001], interfaces: [eni-0a0000aa], appliances: returns }
  tables:
    - { id: rtb-0a000001, removeRoutes: [0.0.0.0/0], addRoutes: ['0.0.0.0/0 -> vpce-0a0000aa'] }`,
    target: { timeout: '1s' },
    expected: [
      { hostname: s3, state: 'private', classes: ['gateway_endpoint'] },
      { hostname: ssm, state: 'undetermined' },
    ],
  },
  {
    title: 'access points and the control plane of S3 take the endpoint that holds their addresses',
    world: '  {}',
    expected: [
      { hostname: 'reports-111122223333.s3-accesspoint.us-east-1.amazonaws.com', state: 'private' },
      { hostname: '111122223333.s3-control.us-east-1.amazonaws.com', state: 'private' },
      { hostname: 'artifacts-lab.s3-fips.us-east-1.amazonaws.com', state: 'private' },
    ],
  },
  {
    title: 'two cards in two VPCs of the same range, with the same address; half of S3 goes by the other VPC',
    world: twins(
      '{ from: null, to: 52.216.0.0/15, device: ens6, gateway: 10.0.1.1, selector: false, applies: true }',
    ),
    expected: [{ hostname: s3, state: 'undetermined' }],
  },
  {
    title:
      'the same, and the address of an endpoint of the one is a forwarder’s in the other, where the kernel sends it',
    world: twins(
      '{ from: null, to: 10.0.1.101/32, device: ens6, gateway: null, selector: false, applies: true }',
    ),
    expected: [
      { hostname: s3, state: 'private', classes: ['gateway_endpoint'] },
      { hostname: ssm, state: 'undetermined' },
    ],
  },
  {
    title: 'a declared endpoint behind a transit gateway, with a longer route elsewhere',
    world: `${central}, '10.9.1.0/28 -> pcx-0a000001'] }
  peerings:
    - { id: pcx-0a000001, status: active, requester: vpc-0a000001, accepter: vpc-0e000001 }
`.replace('  vpcs:\n', "  vpcs:\n    - { id: vpc-0e000001, owner: '333344445555', ipv4: [10.9.1.0/24] }\n"),
    declared: { trusted_endpoints: [{ dns_name: centralName, via: 'tgw-0a000001' }] },
    target: { timeout: '1s' },
    expected: [{ hostname: ssm, state: 'undetermined' }],
  },
  {
    title: 'the same endpoint, declared behind another gateway than the one that leads there',
    world: `${central}] }`,
    declared: { trusted_endpoints: [{ dns_name: centralName, via: 'tgw-0a0000ff' }] },
    expected: [{ hostname: ssm, state: 'undetermined', because: /no way that leads to it is shown/ }],
  },
  {
    title: 'the same endpoint, declared by a bare address, which anybody may have by now',
    world: `${central}] }`,
    declared: { trusted_endpoints: [{ address: '10.9.1.7', via: 'tgw-0a000001' }] },
    expected: [{ hostname: ssm, state: 'undetermined' }],
  },
  {
    title: 'the name of the declared endpoint answers another address than the service’s name',
    world: `${central.replace('ipv4: [10.9.1.7] }', 'ipv4: [10.9.1.8] }')}] }`,
    declared: { trusted_endpoints: [{ dns_name: centralName, via: 'tgw-0a000001' }] },
    target: { timeout: '1s' },
    expected: [{ hostname: ssm, state: 'undetermined' }],
  },
  {
    title: 'answers in the ranges that AWS keeps for itself on the link',
    world: `
  vpcs:
    - { id: vpc-0a000001, ipv6: ['2600:1f18:4a3:9c00::/56'] }
  subnets:
    - { id: subnet-0a000001, ipv6: ['2600:1f18:4a3:9c01::/64'] }
  interfaces:
    - { id: eni-0a000050, ipv6: ['2600:1f18:4a3:9c01::50'] }
  tables:
    - { id: rtb-0a000001, addRoutes: ['::/0 -> vpce-0a000053'] }
  host:
    ipv6Usable: true
    devices:
      - { name: ens5, kind: physical, mac: '02:1a:00:00:00:50', addresses: [10.0.1.50, '2600:1f18:4a3:9c01::50'], leads: { interface: eni-0a000050 } }
    routes:
      - ${byRouter}
      - { from: null, to: '::/0', device: ens5, gateway: 'fe80::1', selector: false, applies: true }
  names:
    - { hostname: ${s3}, ipv4: [], ipv6: ['fd00:ec2::23'] }`,
    target: { timeout: '1s' },
    expected: [{ hostname: s3, state: 'undetermined' }],
  },
  {
    title: 'an endpoint in a second range of the VPC, of shared address space',
    world: `
  vpcs:
    - { id: vpc-0a000001, ipv4: [10.0.0.0/16, 100.64.0.0/16] }
  subnets:
    - { id: subnet-0a000064, vpc: vpc-0a000001, ipv4: 100.64.1.0/24 }
  interfaces:
    - { id: eni-0a000064, vpc: vpc-0a000001, subnet: subnet-0a000064, mac: '02:1a:00:00:01:64', type: vpc_endpoint, requesterManaged: true, ipv4: [{ address: 100.64.1.7, primary: true, public: null }] }
  tables:
    - { id: rtb-0a000001, addRoutes: ['100.64.0.0/16 -> local'] }
  endpoints:
    - { id: vpce-0a000064, service: com.amazonaws.us-east-1.ssm, subnets: [subnet-0a000064], interfaces: [eni-0a000064], privateDns: true, dnsNames: [vpce-0a000064-h3k9q2xd.ssm.us-east-1.vpce.amazonaws.com], reaches: ssm }`,
    expected: [{ hostname: ssm, state: 'private', classes: ['interface_endpoint'] }],
  },
]

async function play(trap: Trap, lab: Lab): Promise<void> {
  const verdicts = await verdictsOf(trap, lab)
  for (const expected of trap.expected) {
    const verdict = verdicts.get(expected.hostname)
    if (verdict === undefined) throw new Error(`${expected.hostname} was not judged`)
    const all = told(verdict, lab)
    // The lab's truth is that of the host's usual address, by the host's own resolver.
    if (verdict.state === 'private' && !('source' in (trap.target ?? {})))
      expect(lab.truth(expected.hostname).state, all).toBe('private')
    expect(verdict.state, all).toBe(expected.state)
    if (expected.because !== undefined) expect(all).toMatch(expected.because)
    if (expected.classes === undefined) continue
    const left = verdict.attempts.filter((a) => a.connected).flatMap((a) => a.possible)
    expect([...new Set(left)].toSorted(), all).toEqual(expected.classes.toSorted())
  }
}

describe.concurrent('set-ups that invite a false private', () => {
  it.each(traps)(
    '$title',
    async (trap) => {
      const lab = await labOf(trap)
      try {
        await play(trap, lab)
      } finally {
        await lab.close()
      }
    },
    60_000,
  )
})
