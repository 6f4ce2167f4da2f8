import { describe, expect, it } from 'vitest'
import { vantageOf } from '../../agent/account/vantage.ts'
import type { Attempt, HostRoute } from '../../model/observation.ts'
import type { MetadataInterface, Snapshot, Vantage } from '../../model/topology.ts'
import { judgeAttempt, judgeWithParts } from '../../verdict/judge.ts'
import { attempt, eni, hostMac, kernelRoute, lacking, snapshot, topology } from '../verdict/fixture.ts'

const first: MetadataInterface = {
  id: 'eni-host',
  mac: hostMac,
  subnetId: 'subnet-1',
  vpcId: 'vpc-1',
  subnetIpv4Cidr: '10.0.1.0/24',
  ipv4: ['10.0.1.50'],
  ipv6: ['2600:1f18::50'],
  ipv4Prefixes: [],
  ipv6Prefixes: [],
  vpcIpv4Cidrs: ['10.0.0.0/16'],
  vpcIpv6Cidrs: [],
}
const second: MetadataInterface = {
  ...first,
  id: 'eni-second',
  mac: '0e:00:00:00:00:02',
  subnetId: 'subnet-2',
  subnetIpv4Cidr: '10.0.2.0/24',
  ipv4: ['10.0.2.50'],
  ipv6: [],
}

/** The vantage that a host with these MACs and this hardware finds. */
function found(interfaces: MetadataInterface[], macs: string[], vendor: string | null): Vantage {
  const document = { instanceId: 'i-0123456789abcdef0', accountId: '111122223333', region: 'us-east-1' }
  const shown = interfaces.map((i) => ({ ...i, subnetIpv4Cidr: i.subnetIpv4Cidr ?? null, publicIpv4: [] }))
  return vantageOf({ answered: true, document, interfaces: shown, problems: [] }, macs, vendor, 'auto')
}

const onHost = found([first, second], [hostMac, second.mac], 'Amazon EC2')
/** Only the metadata knows the ENIs. */
const withoutApi = lacking(snapshot(), 'networkInterfaces')

interface Case {
  vantage?: Vantage
  reading?: Snapshot
  host?: Partial<HostRoute>
  local?: string
}

const made = ({ host, local = '10.0.1.50' }: Case): Attempt =>
  attempt({ localAddress: local, host: { ...kernelRoute, source: local, ...host } })

/** The one ENI, or why there is none; and what the judge makes of it. */
function judged(one: Case) {
  const under = topology([one.reading ?? withoutApi], { vantage: one.vantage ?? onHost })
  const { own } = judgeWithParts(made(one), under)
  const verdict = judgeAttempt(made(one), under)
  const route = verdict.evidence.some((e) => e.rule.startsWith('route.'))
  return { own, state: verdict.state, route }
}

describe('the ENI of a connection', () => {
  it('is the one whose MAC the device has and which owns the local address: metadata alone shows it', () => {
    expect(judged({})).toMatchObject({
      own: { known: true, id: 'eni-host', subnetId: 'subnet-1' },
      state: 'private',
      route: true,
    })
  })

  it('is shown by the API alone where the metadata service is silent', () => {
    const vantage = vantageOf(
      { answered: false, silence: 'no_connection', because: 'silent' },
      [hostMac],
      null,
      'auto',
    )
    expect(vantage.kind).toBe('unknown')
    expect(judged({ vantage, reading: snapshot() })).toMatchObject({ own: { known: true }, state: 'private' })
    expect(judged({ vantage })).toMatchObject({ own: { known: false }, state: 'undetermined', route: false })
  })

  it('of several is the one of the device that the kernel takes, with the subnet that is its own', () => {
    const other = judged({
      host: { mac: second.mac, device: 'ens6', gateway: '10.0.2.1' },
      local: '10.0.2.50',
    })
    // subnet-2 has no table in this reading, and no main table either
    expect(other).toMatchObject({ own: { known: true, id: 'eni-second', subnetId: 'subnet-2' } })
    expect(other.state).toBe('undetermined')
  })

  it('owns its secondary addresses and its delegated prefixes', () => {
    const vantage = found(
      [{ ...first, ipv4: ['10.0.1.50', '10.0.1.51'], ipv4Prefixes: ['10.0.1.64/28'] }],
      [hostMac],
      'Amazon EC2',
    )
    for (const local of ['10.0.1.51', '10.0.1.64', '10.0.1.79'])
      expect(judged({ vantage, local }), local).toMatchObject({ own: { known: true }, state: 'private' })
    expect(judged({ vantage, local: '10.0.1.80' })).toMatchObject({
      own: { known: false },
      state: 'undetermined',
    })
  })

  it('attached later is known once the metadata has been read again', () => {
    const late: Case = {
      host: { mac: second.mac, device: 'ens6', gateway: '10.0.2.1' },
      local: '10.0.2.50',
    }
    const before = found([first], [hostMac], 'Amazon EC2')
    expect(judged({ ...late, vantage: before }).own).toMatchObject({
      known: false,
      because: expect.stringContaining(second.mac) as string,
    })
    expect(judged(late).own).toMatchObject({ known: true, id: 'eni-second' })
  })
})

/** What each of these set-ups shows of itself; none of them may lean on a subnet's routes. */
const nowhere: [string, Case, string][] = [
  [
    'a container with a network of its own (veth), hardware Amazon',
    {
      vantage: found([first], ['02:42:ac:11:00:02'], 'Amazon EC2'),
      host: { device: 'eth0', deviceKind: 'veth', mac: '02:42:ac:11:00:02', gateway: '172.17.0.1' },
      local: '172.17.0.2',
    },
    'veth',
  ],
  [
    'a container whose device pretends to be hardware: its MAC is no ENI of the instance',
    {
      vantage: found([first], ['02:42:ac:11:00:02'], null),
      host: { device: 'eth0', mac: '02:42:ac:11:00:02', gateway: '172.17.0.1' },
      local: '172.17.0.2',
    },
    'no ENI with the MAC',
  ],
  [
    "a host of another vendor that an instance's metadata is relayed to",
    { vantage: found([first], ['02:42:ac:11:00:02'], 'QEMU'), host: { mac: '02:42:ac:11:00:02' } },
    'no ENI with the MAC',
  ],
  [
    'a docker address equal to an address of the VPC',
    { host: { device: 'docker0', deviceKind: 'bridge', mac: '02:42:00:00:00:01', gateway: null } },
    'bridge',
  ],
  ['a bridge that took over the MAC of the ENI', { host: { device: 'br0', deviceKind: 'bridge' } }, 'bridge'],
  [
    'a VPN client (tun)',
    { host: { device: 'tun0', deviceKind: 'tun', mac: null }, local: '10.8.0.2' },
    'tun',
  ],
  ['a VPN client (WireGuard)', { host: { device: 'wg0', deviceKind: 'wireguard', mac: null } }, 'wireguard'],
  ['a bond of devices', { host: { device: 'bond0', deviceKind: 'bond' } }, 'bond'],
  ['an address that the ENI does not own (CNI with SNAT)', { local: '10.0.1.77' }, 'does not own'],
  [
    'the address of one ENI by the device of another',
    { host: { mac: second.mac, device: 'ens6' }, local: '10.0.1.50' },
    'does not own',
  ],
  ['a rule that could send it by another device', { host: { selectorRules: true } }, 'policy-routing'],
  ['rules that can not be read', { host: { selectorRules: null } }, 'policy-routing'],
  ['a redirect on the host', { host: { redirect: 'possible' } }, 'redirect'],
  ['a next hop that is a neighbour, not the router', { host: { gateway: '10.0.1.99' } }, 'router'],
  ['no answer of the kernel', { host: { method: 'none', device: null, detail: 'not asked' } }, 'not asked'],
  [
    'two ENIs of one MAC and one address',
    { vantage: found([first, { ...first, id: 'eni-twin' }], [hostMac], 'Amazon EC2') },
    'several ENIs',
  ],
  [
    'metadata and API that differ on its subnet',
    {
      reading: snapshot({
        networkInterfaces: [eni('eni-host', ['10.0.1.50'], { macAddress: hostMac, subnetId: 'subnet-9' })],
      }),
    },
    'do not agree',
  ],
  [
    'a host on-prem',
    { vantage: vantageOf({ answered: false, silence: 'disabled', because: '' }, null, null, 'on-prem') },
    'on-prem',
  ],
]

describe('no ENI, with the reason, and no route evidence', () => {
  it.each(nowhere)('%s', (_what, one, reason) => {
    const { own, route, state } = judged(one)
    expect(own).toMatchObject({ known: false, because: expect.stringContaining(reason) as string })
    expect(route).toBe(false)
    expect(state).toBe('undetermined')
  })
})
