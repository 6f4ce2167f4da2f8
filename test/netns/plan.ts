/** What the test and the stage inside the namespaces agree on. */
import { type NamespaceName, outside } from './network.ts'
import { eight } from './world.ts'

/** One packet that opened a connection (or the first of another kind), where it came in. */
export interface SeenPacket {
  at: Station
  /** Unix milliseconds. */
  ms: number
  kind: string
  source: string
  sourcePort: number
  destination: string
  port: number
}

/**
 * Where packets are seen as they come in. `nat`, `igw`, `r1` and `r3`: out of the VPC to the internet; `gwe`: through the gateway
 * endpoint; `epa`, `epb`: at an interface endpoint; `dx`, `vpn`, `isp`: by the three lines of the data centre; `pvif`: from
 * Direct Connect to AWS's public addresses. `ec2`, `closed`, `onprem`: all that these hosts send.
 */
export type Station =
  | 'ec2'
  | 'closed'
  | 'corp'
  | 'nat'
  | 'igw'
  | 'r1'
  | 'r3'
  | 'gwe'
  | 'epa'
  | 'epb'
  | 'dx'
  | 'vpn'
  | 'isp'
  | 'pvif'

export interface CapturePoint {
  at: Station
  ns: NamespaceName
  device: string
  /** Other packets than those that open a connection of TCP, too. */
  all: boolean
}

const point = (at: Station, ns: NamespaceName, device: string, all = false): CapturePoint => ({
  at,
  ns,
  device,
  all,
})

export const captured: CapturePoint[] = [
  point('ec2', 'vpc', 'a-ec2', true),
  point('closed', 'vpc', 'a-closed', true),
  point('corp', 'corp', 'lan', true),
  point('nat', 'nat', 'eth0'),
  point('igw', 'igw', 'vpc'),
  point('r1', 'r1', 'igw'),
  point('r3', 'r3', 'r2'),
  point('gwe', 's3', 'gwe'),
  point('epa', 'epa', 'eth0'),
  point('epb', 'epb', 'eth0'),
  point('dx', 'vgw', 'dx', true),
  point('vpn', 'vgw', 'tun0', true),
  point('isp', 'r2', 'isp', true),
  point('pvif', 's3', 'pvif'),
]

/** The links that a program carries: the gateway endpoint's, whose delay can be set, and a tunnel over the internet. */
export const relayed = [
  {
    name: 'gwe',
    ends: [
      { ns: 'vpc', device: 'gwe' },
      { ns: 's3', device: 'gwe' },
    ],
  },
  {
    name: 'vpn',
    ends: [
      { ns: 'onprem', device: 'tun0', outer: ['198.51.100.2', 4500] },
      { ns: 'vgw', device: 'tun0', outer: ['192.0.2.18', 4500] },
    ],
  },
]

/** Addresses by what they are to the names that the agents watch. */
export const s3Addresses = [
  '52.216.8.53',
  '52.217.12.102',
  '3.5.2.17',
  '54.231.128.9',
  '16.182.33.40',
  '52.216.207.11',
]
export const ssmAddresses = ['10.0.1.101', '10.0.2.101']
export const s3Endpoint = ['10.0.1.103', '10.0.2.103']
export const stsAddresses = ['72.21.206.96']

/** What opens connections beside the agents, from ports that nothing else has. */
export const probed = {
  everySeconds: 1,
  ports: [20_000, 29_999],
  hosts: [
    {
      ns: 'ec2',
      addresses: [...new Set([...s3Addresses, ...eight, ...ssmAddresses, ...stsAddresses])],
      port: 443,
    },
    { ns: 'onprem', addresses: [...s3Endpoint, ...s3Addresses, ...stsAddresses], port: 443 },
  ],
} as const

/** Whether the agent sent it, and not what opens connections beside it. */
export const ofAgent = ({ sourcePort }: SeenPacket): boolean =>
  sourcePort < probed.ports[0] || sourcePort > probed.ports[1]

/** Where somebody listens. */
export const listening = [
  { ns: 'vpc', kind: 'tcp', address: '169.254.169.254', port: 80 },
  ...['epa', 'epb', 's3'].map((ns) => ({ ns, kind: 'tcp', address: '0.0.0.0', port: 443 })),
  { ns: 'r2', kind: 'tcp', address: outside, port: 443 },
  ...[
    ['vpc', '10.0.0.2'],
    ['corp', '192.168.53.53'],
    ['corp', '192.168.53.54'],
  ].flatMap(([ns, address]) => ['udp', 'tcp'].map((kind) => ({ ns, kind, address, port: 53 }))),
]

export type StageCommand =
  /** The account changes: its API, its name servers and the directory of its dump. */
  | { do: 'world'; change: object }
  /** The dump is written anew, with its date. */
  | { do: 'dump' }
  /** The network changes: a script of sh that runs outside of all of its namespaces. */
  | { do: 'network'; script: string }
  | { do: 'delay'; link: string; delayMs: number }
  | {
      do: 'agent'
      name: string
      ns: NamespaceName
      /** Directory with resolv.conf, nsswitch.conf, hosts, `ip` and an empty directory. */
      files: string
      config: string
      /** Of the stage: a listening socket for the agent's pages. */
      descriptor: number
      /** Put before the agent's command line. */
      arguments: string[]
      environment: Record<string, string>
    }
  | { do: 'requests' }

export type StageEvent =
  | { event: 'ready'; caFile: string; snapshotDirectory: string }
  | { event: 'done'; id: number; result: unknown }
  | { event: 'failed'; id: number; error: string }
  | { event: 'ended'; name: string; how: string }
  | { event: 'packet'; packet: SeenPacket }
