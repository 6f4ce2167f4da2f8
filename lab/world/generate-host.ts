/** Hosts of random worlds: instances with one or two interfaces, containers, VPN clients, machines on-prem. */
import { ids, macOf, type Theme } from './generate-parts.ts'
import type { Choices } from './random.ts'
import type { LegEnd, WorldDevice, WorldHost, WorldHostRoute, WorldLeg } from './types.ts'

export type HostKind =
  | 'instance'
  | 'two interfaces'
  | 'container'
  | 'nested'
  | 'tunnel'
  | 'bridge'
  | 'on-prem'

const route = (to: string, device: string, more: Partial<WorldHostRoute> = {}): WorldHostRoute => ({
  from: null,
  to,
  device,
  gateway: null,
  selector: false,
  applies: true,
  ...more,
})

const macs = { first: macOf(ids.hostEni), second: macOf(ids.secondEni) }

function device(
  name: string,
  kind: WorldDevice['kind'],
  addresses: string[],
  leads: WorldDevice['leads'],
  mac = '06:00:00:00:00:99',
): WorldDevice {
  return { name, kind, mac, addresses, leads }
}

/** The VPC's router over IPv6, and a machine beside the host. */
const router6 = 'fe80::1'
export const neighbours = { 4: '10.0.1.92', 6: '2600:1f16:a00:1::92' } as const

function lineLegs(choices: Choices): WorldLeg[] {
  const end = choices.pick<LegEnd>([
    { class: 'internet' },
    { class: 'internet' },
    { class: 'public_vif' },
    { class: 'relay' },
  ])
  const into: LegEnd = { vpc: ids.vpc, table: ids.hostTable }
  const legs: WorldLeg[] = [
    { to: '0.0.0.0/0', ends: end },
    { to: '::/0', ends: { class: 'internet' } },
    { to: '192.168.0.0/16', ends: { class: 'relay', service: 'proxy' } },
    { to: '10.0.0.0/16', ends: choices.chance(0.8) ? into : { class: 'relay', service: 'proxy' } },
    {
      to: '10.2.0.0/16',
      ends: choices.weighted<LegEnd>([
        [5, { vpc: ids.centralVpc, table: 'rtb-0f000001' }],
        [3, { class: 'relay', service: 'proxy' }],
        [1, 'dropped'],
      ]),
    },
  ]
  // An appliance in the VPC that puts its own address on what comes from on-prem.
  if (choices.chance(0.15)) legs.push({ to: '52.216.0.0/15', ends: { interface: ids.appliance } })
  return legs
}

export function someHost(choices: Choices, plain: boolean, six: boolean, theme: Theme): WorldHost {
  const v6 = six ? ['2600:1f16:a00:1::50'] : []
  const ens5 = device(
    'ens5',
    choices.chance(0.9) ? 'physical' : 'vlan',
    ['10.0.1.50', '10.0.1.60', ...v6],
    { interface: ids.hostEni },
    macs.first,
  )
  const ens6 = device('ens6', 'physical', ['10.0.2.51'], { interface: ids.secondEni }, macs.second)
  const host: WorldHost = {
    kind: 'ec2',
    instance: ids.instance,
    hostname: 'ip-10-0-1-50',
    interfaces: [ids.hostEni],
    devices: [ens5],
    routes: [
      route('0.0.0.0/0', 'ens5', { gateway: '10.0.1.1' }),
      route('::/0', 'ens5', { gateway: router6 }),
    ],
    redirects: [],
    ipv4Usable: plain || choices.chance(0.97),
    ipv6Usable: six && choices.chance(0.85),
    proxyVariables: choices.chance(0.1) ? ['HTTPS_PROXY'] : [],
  }
  const kind: HostKind = plain
    ? choices.weighted<HostKind>([
        [8, 'instance'],
        [2, 'two interfaces'],
      ])
    : choices.weighted<HostKind>([
        [theme === 'anything' ? 6 : 16, 'instance'],
        [3, 'two interfaces'],
        [1.5, 'container'],
        [1.4, 'nested'],
        [1.5, 'tunnel'],
        [1.6, 'bridge'],
        [theme === 'site' ? 100 : 1.5, 'on-prem'],
      ])
  if (kind === 'two interfaces') {
    host.interfaces.push(ids.secondEni)
    host.devices.push(ens6)
    // Without a rule for its address the second interface's packets leave by the first one's device.
    if (plain || choices.chance(0.7))
      host.routes.push(route('0.0.0.0/0', 'ens6', { from: '10.0.2.51/32', gateway: '10.0.2.1' }))
  } else if (kind === 'container') {
    const leads = choices.pick<WorldDevice['leads']>([
      { interface: ids.hostEni, translatedTo: '10.0.1.50' },
      { interface: ids.secondEni, translatedTo: '10.0.2.51' },
      { legs: [{ to: '0.0.0.0/0', ends: { class: 'relay' } }] },
    ])
    // Some container networks give the pod an address of the interface itself.
    const address = choices.pick(['172.17.0.2', '10.0.1.60', '10.0.1.100'])
    host.devices = [device('eth0', 'veth', [address, ...v6], leads)]
    host.routes = [route('0.0.0.0/0', 'eth0', { gateway: '172.17.0.1' }), route('::/0', 'eth0')]
  } else if (kind === 'nested') {
    // A virtual machine on the instance: its card looks physical, its MAC is nobody's.
    host.devices = [
      device('enp1s0', 'physical', ['192.168.122.5', '10.0.1.50', ...v6], {
        interface: ids.secondEni,
        translatedTo: '10.0.2.51',
      }),
    ]
    host.routes = [route('0.0.0.0/0', 'enp1s0'), route('::/0', 'enp1s0')]
  } else if (kind === 'tunnel') {
    const tunnel = choices.pick(['tun', 'wireguard'] as const)
    host.devices.push(device('tun0', tunnel, ['10.8.0.2', ...v6], { legs: lineLegs(choices) }, ''))
    host.routes.push(
      route(choices.pick(['0.0.0.0/1', '10.0.0.0/8', '10.0.1.0/24', '52.216.0.0/15', '48.0.0.0/5']), 'tun0', {
        selector: choices.chance(0.4),
        applies: choices.chance(0.8),
      }),
    )
    if (six && choices.chance(0.4)) host.routes.push(route('2600::/12', 'tun0'))
  } else if (kind === 'bridge') {
    // A bridge takes the MAC of the card that it holds.
    host.devices = [
      device(
        'br0',
        choices.pick(['bridge', 'other'] as const),
        ['10.0.1.50', ...v6],
        choices.chance(0.5) ? { interface: ids.hostEni } : { legs: lineLegs(choices) },
        macs.first,
      ),
    ]
    host.routes = [
      route('0.0.0.0/0', 'br0', { gateway: '10.0.1.1' }),
      route('::/0', 'br0', { gateway: router6 }),
    ]
  } else if (kind === 'on-prem') {
    host.kind = 'on-prem'
    host.instance = null
    host.interfaces = []
    host.devices = [
      device('eno1', 'physical', ['172.20.0.5', ...(six ? ['2a00:db8::5'] : [])], {
        legs: lineLegs(choices),
      }),
    ]
    host.routes = [route('0.0.0.0/0', 'eno1'), route('::/0', 'eno1')]
    if (choices.chance(0.55)) {
      host.devices.push(device('tun0', 'tun', ['10.8.0.2'], { legs: lineLegs(choices) }, ''))
      const selector = choices.chance(0.5)
      host.routes.push(
        route(choices.pick(['10.0.0.0/8', '0.0.0.0/1']), 'tun0', {
          selector,
          applies: !selector || choices.chance(0.8),
        }),
      )
    }
  }
  if (!plain && (kind === 'instance' || kind === 'two interfaces') && choices.chance(0.12)) {
    // Another machine of the subnet as the next hop: no table of the VPC sees what it does with the packets.
    const to = choices.pick(['0.0.0.0/1', '52.216.0.0/15', '10.0.0.0/8', '48.0.0.0/5'])
    host.routes.push(route(to, 'ens5', { gateway: neighbours[4] }))
    if (choices.chance(0.5)) host.routes.push(route('2600::/12', 'ens5', { gateway: neighbours[6] }))
  }
  if (!plain && choices.chance(0.06)) {
    host.redirects.push({
      to: choices.pick(['0.0.0.0/0', '52.216.0.0/15', '10.0.0.0/8']),
      ends: choices.pick<LegEnd>([{ class: 'relay' }, { class: 'relay', service: 'proxy' }, 'dropped']),
    })
  }
  return host
}
