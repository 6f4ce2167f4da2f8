/**
 * A network of real packets, as a shell script: one network namespace for each host and router, veth pairs, bridges and TUN
 * devices between them, nftables where AWS translates or filters. Laid inside a user and mount namespace of its own.
 *
 * The EC2 side: `ec2` and `closed` in zone a, `epa` and `epb` the ENIs of interface endpoints in two zones, `vpc` the VPC's
 * router (and its resolver and metadata service), `nat`, `igw`. The internet: `r1`, `r2`, `r3`. Behind them `s3` with every
 * public address of AWS, to which `gwe` leads from the VPC as well (a gateway endpoint) and `pvif` from Direct Connect. The
 * data centre: `onprem` with a Direct Connect line (`dx0`), an internet provider's (`isp0`) and a tunnel over that (`tun0`),
 * whose far ends `vgw` has; `corp` with its name servers.
 */

export const namespaces = [
  'ec2',
  'closed',
  'epa',
  'epb',
  'vpc',
  'nat',
  'igw',
  'r1',
  'r2',
  'r3',
  's3',
  'vgw',
  'onprem',
  'corp',
] as const
export type NamespaceName = (typeof namespaces)[number]

/** Both ends of each veth pair, the address of each end (null: a port of a bridge), and its MAC where that matters. */
const wires: [NamespaceName, string, string | null, NamespaceName, string, string | null][] = [
  ['ec2', 'ens5', '10.0.1.50/24', 'vpc', 'a-ec2', null],
  ['closed', 'ens5', '10.0.1.60/24', 'vpc', 'a-closed', null],
  ['epa', 'eth0', '10.0.1.101/24', 'vpc', 'a-ep', null],
  ['epb', 'eth0', '10.0.2.101/24', 'vpc', 'b-ep', null],
  ['nat', 'eth0', '10.0.0.9/24', 'vpc', 'p-nat', null],
  ['vpc', 'igw', '10.255.0.1/30', 'igw', 'vpc', '10.255.0.2/30'],
  ['vpc', 'vgw', '10.255.0.5/30', 'vgw', 'vpc', '10.255.0.6/30'],
  ['vgw', 'pvif', '10.255.0.9/30', 's3', 'pvif', '10.255.0.10/30'],
  ['igw', 'r1', '192.0.2.1/30', 'r1', 'igw', '192.0.2.2/30'],
  ['r1', 'r2', '192.0.2.5/30', 'r2', 'r1', '192.0.2.6/30'],
  ['r2', 'r3', '192.0.2.9/30', 'r3', 'r2', '192.0.2.10/30'],
  ['r3', 's3', '192.0.2.13/30', 's3', 'r3', '192.0.2.14/30'],
  ['r1', 'vgw', '192.0.2.17/30', 'vgw', 'r1', '192.0.2.18/30'],
  ['r2', 'isp', '198.51.100.1/30', 'onprem', 'isp0', '198.51.100.2/30'],
  ['vgw', 'dx', '169.254.100.1/30', 'onprem', 'dx0', '169.254.100.2/30'],
  ['corp', 'lan', '192.168.10.1/24', 'onprem', 'lan', '192.168.10.5/24'],
]

/** The VPC's three subnets as bridges of its router: private in zones a and b, and the public one. */
const bridges = { 'br-a': ['a-ec2', 'a-closed', 'a-ep'], 'br-b': ['b-ep'], 'br-p': ['p-nat'] } as const

const forwarding: readonly NamespaceName[] = ['vpc', 'nat', 'igw', 'r1', 'r2', 'r3', 'vgw']

/** Tables of the VPC's router: 101 of the private subnets, 102 of the public one. */
export const privateTable = 101
export const publicTable = 102

/** An address on the internet with nothing of AWS: for ways out that must be closed. */
export const outside = '192.0.2.129'

export const egressClosed = 'add rule ip filter egress ip daddr 192.0.2.129 counter drop'

export interface NetworkOptions {
  /** CIDRs at which AWS's services answer publicly. */
  publicRanges: readonly string[]
  /** Those of them that the gateway endpoint's list holds. */
  endpointRanges: readonly string[]
  /** MAC of the instance's interface. */
  mac: string
}

/** The script: POSIX sh with `set -e`, to be run where /run/netns may be made. */
export function networkScript(options: NetworkOptions): string {
  const { publicRanges, endpointRanges, mac } = options
  const lines = ['set -e', 'mount -t tmpfs none /run', 'mkdir -p /run/netns']
  const sysctl = (ns: NamespaceName) => [
    'for f in all default; do echo 1 >/proc/sys/net/ipv6/conf/$f/disable_ipv6; echo 0 >/proc/sys/net/ipv4/conf/$f/rp_filter; echo 0 >/proc/sys/net/ipv4/conf/$f/send_redirects; done',
    ...(forwarding.includes(ns) ? ['echo 1 >/proc/sys/net/ipv4/ip_forward'] : []),
  ]
  for (const ns of namespaces) {
    lines.push(`ip netns add ${ns}`, `nsenter --net=/run/netns/${ns} sh -ec '${sysctl(ns).join('; ')}'`)
  }
  const batches = new Map<NamespaceName, string[]>(namespaces.map((ns) => [ns, ['link set lo up']]))
  const say = (ns: NamespaceName, ...words: string[]) => batches.get(ns)?.push(...words)
  // made in their own namespaces from the start, so that no name meets another one
  for (const [ns, device, , far, farDevice] of wires) {
    lines.push(`ip -n ${ns} link add ${device} type veth peer name ${farDevice} netns ${far}`)
  }
  for (const [bridge, ports] of Object.entries(bridges)) {
    say('vpc', `link add ${bridge} type bridge`, ...ports.map((port) => `link set ${port} master ${bridge}`))
    say('vpc', `link set ${bridge} up`)
  }
  say('ec2', `link set ens5 address ${mac}`)
  for (const [ns, device, address, far, farDevice, farAddress] of wires) {
    for (const [at, name, own] of [
      [ns, device, address],
      [far, farDevice, farAddress],
    ] as const) {
      if (own !== null) say(at, `addr add ${own} dev ${name}`)
      say(at, `link set ${name} up`)
    }
  }
  const tun = (ns: NamespaceName, device: string, address: string) =>
    say(ns, `tuntap add dev ${device} mode tun`, `addr add ${address} dev ${device}`, `link set ${device} up`)
  tun('vpc', 'gwe', '10.255.0.13/30')
  tun('s3', 'gwe', '10.255.0.14/30')
  tun('onprem', 'tun0', '169.254.101.2/30')
  tun('vgw', 'tun0', '169.254.101.1/30')

  say('ec2', 'route add default via 10.0.1.1', 'route add 169.254.169.254/32 dev ens5')
  say('closed', 'route add 10.0.0.2/32 via 10.0.1.1')
  say(
    'epa',
    'addr add 10.0.1.102/24 dev eth0',
    'addr add 10.0.1.103/24 dev eth0',
    'route add default via 10.0.1.1',
  )
  say('epb', 'addr add 10.0.2.103/24 dev eth0', 'route add default via 10.0.2.1')
  say('nat', 'route add default via 10.0.0.1')
  say('igw', 'route add 10.0.0.0/16 via 10.255.0.1', 'route add default via 192.0.2.2')

  say(
    'vpc',
    'addr add 10.0.1.1/24 dev br-a',
    'addr add 10.0.2.1/24 dev br-b',
    'addr add 10.0.0.1/24 dev br-p',
  )
  say(
    'vpc',
    'addr add 10.0.0.2/32 dev br-p',
    'addr add 10.0.0.20/32 dev br-p',
    'addr add 169.254.169.254/32 dev br-a',
  )
  for (const table of [privateTable, publicTable]) {
    say(
      'vpc',
      ...['0 dev br-p', '1 dev br-a', '2 dev br-b'].map(
        (rest) => `route add 10.0.${rest.replace(' ', '.0/24 ')} table ${table}`,
      ),
    )
    say('vpc', `route add 192.168.0.0/16 via 10.255.0.6 table ${table}`)
  }
  say(
    'vpc',
    `route add default via 10.0.0.9 table ${privateTable}`,
    `route add default via 10.255.0.2 table ${publicTable}`,
  )
  say('vpc', ...endpointRanges.map((range) => `route add ${range} dev gwe table ${privateTable}`))
  say('vpc', 'route add 192.168.0.0/16 via 10.255.0.6')
  say('vpc', ...['br-a', 'br-b'].map((bridge) => `rule add pref 10 iif ${bridge} lookup ${privateTable}`))
  say('vpc', `rule add pref 10 iif br-p lookup ${publicTable}`)

  say('r1', 'route add 203.0.113.0/24 via 192.0.2.1', 'route add default via 192.0.2.6')
  say(
    'r2',
    'route add 203.0.113.0/24 via 192.0.2.5',
    'route add 192.0.2.16/30 via 192.0.2.5',
    'route add default via 192.0.2.10',
  )
  say('r2', `addr add ${outside}/32 dev lo`)
  say(
    'r3',
    'route add 192.0.2.0/24 via 192.0.2.9',
    'route add 203.0.113.0/24 via 192.0.2.9',
    'route add 198.51.100.0/30 via 192.0.2.9',
  )
  say('r3', ...publicRanges.map((range) => `route add ${range} via 192.0.2.14`))
  say('s3', ...publicRanges.map((range) => `route add local ${range} dev lo`))
  say(
    's3',
    'route add 10.0.0.0/16 dev gwe',
    'route add 198.51.100.64/28 via 10.255.0.9',
    'route add default via 192.0.2.13',
  )

  say(
    'vgw',
    'route add 10.0.0.0/16 via 10.255.0.5',
    'route add 192.0.2.0/24 via 192.0.2.17',
    'route add 198.51.100.0/30 via 192.0.2.17',
  )
  say('vgw', ...endpointRanges.map((range) => `route add ${range} via 10.255.0.10`))
  say('vgw', 'route add 192.168.10.0/24 dev tun0 metric 100')
  say('onprem', 'addr add 198.51.100.66/32 dev lo', 'route add 192.168.53.0/24 via 192.168.10.1')
  say(
    'onprem',
    'route add default via 198.51.100.1',
    'route add 10.0.0.0/16 dev tun0 src 192.168.10.5 metric 100',
  )
  say(
    'corp',
    'addr add 192.168.53.53/32 dev lo',
    'addr add 192.168.53.54/32 dev lo',
    'route add default via 192.168.10.5',
  )

  for (const [ns, words] of batches) lines.push(`ip -n ${ns} -batch - <<'END'\n${words.join('\n')}\nEND`)
  for (const [ns, rules] of Object.entries(packetFilters))
    lines.push(`nsenter --net=/run/netns/${ns} nft -f - <<'END'\n${rules}\nEND`)
  return `${lines.join('\n')}\n`
}

/** What translates and filters. The NAT gateway translates to its private address, the internet gateway one to one. */
const packetFilters: Partial<Record<NamespaceName, string>> = {
  nat: `table ip nat {
  chain post {
    type nat hook postrouting priority srcnat
    ip saddr 10.0.0.0/16 ip saddr != 10.0.0.9 snat to 10.0.0.9
  }
}`,
  igw: `table ip nat {
  chain post {
    type nat hook postrouting priority srcnat
    oifname "r1" ip saddr 10.0.0.9 snat to 203.0.113.9
  }
}
table ip filter {
  chain egress {
  }
  chain forward {
    type filter hook forward priority filter
    oifname "r1" jump egress
    oifname "r1" ip saddr != 10.0.0.9 drop
  }
}
${egressClosed}`,
  vpc: `table ip filter {
  chain loss {
  }
  chain forward {
    type filter hook forward priority filter
    oifname "gwe" jump loss
    iifname "gwe" jump loss
  }
}`,
  vgw: `table ip filter {
  chain line {
  }
  chain input {
    type filter hook input priority filter
    iifname "dx" jump line
  }
  chain forward {
    type filter hook forward priority filter
    iifname "dx" jump line
    oifname "dx" jump line
  }
  chain output {
    type filter hook output priority filter
    oifname "dx" jump line
  }
}`,
}
