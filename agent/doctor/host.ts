import type { Attempt, HostRoute } from '../../model/observation.ts'
import type { MetadataInterface } from '../../model/topology.ts'
import { decodeSnapshot } from '../../aws/snapshot-decode.ts'
import { parseIp } from '../../net/ip.ts'
import { familyDestinations, familyUsable } from '../../probes/family.ts'
import { proxyVariables } from '../../probes/tls.ts'
import { ownInterface } from '../../verdict/own-interface.ts'
import { readingAt } from '../../verdict/reading.ts'
import { type Finding, type Patient, counted, ok, warn } from './finding.ts'

const hopLimit =
  'aws ec2 modify-instance-metadata-options --instance-id INSTANCE --http-put-response-hop-limit 2 (for a container), or run on the network of the host'
const switchOn =
  'aws ec2 modify-instance-metadata-options --instance-id INSTANCE --http-endpoint enabled --http-tokens required'

/** Where the host stands, and why. */
export function vantageFindings({ where }: Patient): Finding[] {
  const { vantage, macs, metadata } = where
  const because = vantage.because.join('; ')
  if (vantage.kind === 'unknown') {
    return [
      warn(
        'vantage',
        `unknown: ${because}`,
        'mend the instance metadata (below); off AWS, set agent.vantage to on-prem',
      ),
    ]
  }
  const inside = vantage.kind === 'ec2' && !vantage.interfaces.some(({ mac }) => macs?.includes(mac) === true)
  if (inside) {
    return [
      warn(
        'vantage',
        `ec2: ${because}`,
        "in a network of its own no route is evidence: run the agent on the host's network",
      ),
    ]
  }
  const region = vantage.region === null ? '' : ` (${vantage.accountId}, ${vantage.region})`
  const odd = metadata?.answered === true ? metadata.problems : []
  return [
    ok('vantage', `${vantage.kind}${region}: ${vantage.because[0] ?? ''}`),
    ...odd.map((problem) => warn('vantage', problem, 'look at it with: curl of the same path, by IMDSv2')),
  ]
}

function interfaceText(one: MetadataInterface & { publicIpv4?: string[] }): string {
  const prefixes = [...one.ipv4Prefixes, ...one.ipv6Prefixes]
  const parts = [
    `${one.id} (${one.mac})`,
    `in ${one.subnetId ?? 'an unknown subnet'}`,
    [...one.ipv4, ...one.ipv6].join(' ') || 'no address',
    ...(prefixes.length > 0 ? [`prefixes ${prefixes.join(' ')}`] : []),
    ...(one.publicIpv4?.length ? [`public ${one.publicIpv4.join(' ')}`] : []),
  ]
  return parts.join(', ')
}

/** What the metadata service says, or why it says nothing. */
export function metadataFindings({ where }: Patient): Finding[] {
  const { metadata, vantage } = where
  const area = 'instance metadata'
  if (metadata === null) return [ok(area, 'not asked: the configuration says where this host stands')]
  if (metadata.answered) {
    return [
      ok(area, `IMDSv2 answers; ${counted(metadata.interfaces.length, 'interface')}`),
      ...metadata.interfaces.map((one) => ok(area, interfaceText(one))),
    ]
  }
  const { because, silence } = metadata
  if (vantage.kind === 'on-prem') return [ok(area, `${because}: as it should be outside AWS`)]
  const next = {
    disabled: 'unset AWS_EC2_METADATA_DISABLED for the agent',
    no_connection: `on EC2: ${switchOn}; off AWS, set agent.vantage to on-prem`,
    no_token: hopLimit,
    refused: switchOn,
    failed: 'try again; the agent asks again each minute',
  }[silence]
  return [warn(area, because, next)]
}

/** What `connect` to the sample would be, were it made; nothing is sent. */
function imagined(patient: Patient, address: string, host: HostRoute): Attempt {
  const { clock, bootId } = patient.host
  const ip = parseIp(address)
  return {
    kind: 'attempt',
    stamp: {
      id: 'doctor',
      wallMs: clock.wallMs(),
      monotonicMs: clock.monotonicMs(),
      bootId,
      snapshot: null,
      configuration: null,
    },
    hostname: patient.sample,
    port: 443,
    address,
    family: ip.ok ? ip.value.family : 4,
    localAddress: null,
    localPort: null,
    resolvers: [],
    outcome: { reached: 'not_dialled' },
    http: null,
    timings: {
      dnsSeconds: null,
      tcpConnectSeconds: null,
      tlsHandshakeSeconds: null,
      firstByteSeconds: null,
      uncertaintySeconds: null,
    },
    host,
    proxyVariables: [],
  }
}

function ownInterfaceFinding(patient: Patient, address: string, route: HostRoute): Finding {
  const area = 'own interface'
  const { where, config, host } = patient
  if (where.vantage.kind === 'on-prem')
    return ok(area, 'on-prem: no ENI, so that what the sites and endpoints declare decides')
  const snapshot =
    patient.snapshot ?? decodeSnapshot(new Map(), { source: 'nothing', account: null, region: null })
  const reading = readingAt(snapshot, host.clock.wallMs(), {
    routeTablesMaxAgeSeconds: config.topology.maxAgeSeconds,
    otherMaxAgeSeconds: config.topology.otherMaxAgeSeconds,
  })
  const own = ownInterface(imagined(patient, address, route), where.vantage, reading)
  if (own.known) {
    return ok(
      area,
      `to ${address} by ${route.device ?? '?'} from ${own.localAddress}: ${own.id} in ${own.subnetId} of ${own.vpcId}`,
    )
  }
  return warn(
    area,
    `to ${address}: none, because ${own.because}`,
    "without it no route is evidence: run on the instance's own network, with its metadata or ec2:DescribeNetworkInterfaces",
  )
}

function routeFinding(address: string, { method, device, detail }: HostRoute): Finding {
  const area = 'kernel routes'
  const why = detail ?? 'no reason is given'
  if (method === 'ip_route_get') {
    return device === null
      ? warn(area, `${address}: ${why}`, 'see `ip route get` for it; without one device no route is evidence')
      : ok(area, `\`ip\` answers: ${address} by ${device}`)
  }
  const next =
    method === 'only_device'
      ? 'install iproute2: a second device would end all route evidence'
      : 'install iproute2; without it no route is evidence'
  return warn(area, why, next)
}

function rulesFinding({ selectorRules, method, device }: HostRoute): Finding {
  const area = 'policy rules'
  if (selectorRules === false) return ok(area, 'none could send a connection elsewhere')
  if (selectorRules === true) {
    return warn(
      area,
      'a rule by mark, port, protocol or user could send a connection by another device',
      'look at `ip rule`; where such a rule stands no route is evidence',
    )
  }
  return method === 'ip_route_get' && device === null
    ? warn(area, 'not asked, for there is no route', 'see the kernel routes')
    : warn(area, 'could not be read', 'install iproute2')
}

function redirectFinding(address: string, { redirect }: HostRoute): Finding {
  const area = 'redirects'
  if (redirect === 'none') return ok(area, 'none on this host matches')
  if (redirect === 'possible') {
    return warn(
      area,
      `a redirect on this host (nat OUTPUT, TPROXY or xfrm policy) may match ${address}`,
      'look at `nft list ruleset` and `ip xfrm policy`; what may be redirected has no route evidence',
    )
  }
  return warn(
    area,
    'the packet filters could not all be read: "no transparent redirect" is an assumption of each verdict',
    'install nft and give the agent CAP_NET_ADMIN, or accept the assumption',
  )
}

/** What the kernel shows of its routes, rules and redirects, asked for `address`; and whose interface that leaves by. */
export async function kernelFindings(patient: Patient, address: string): Promise<Finding[]> {
  const route = await patient.host.hostRoute(address, null)
  return [
    routeFinding(address, route),
    rulesFinding(route),
    redirectFinding(address, route),
    ownInterfaceFinding(patient, address, route),
  ]
}

/** Whether each family can be sent at all. */
export async function familyFindings({ host }: Patient): Promise<Finding[]> {
  const stamp = {
    id: 'doctor',
    wallMs: host.clock.wallMs(),
    monotonicMs: host.clock.monotonicMs(),
    bootId: host.bootId,
    snapshot: null,
    configuration: null,
  }
  let addresses: ReturnType<typeof host.addresses>
  try {
    addresses = host.addresses()
  } catch {
    return [
      {
        area: 'families',
        status: 'fail',
        text: "this host's addresses can't be listed",
        next: 'let the agent use AF_NETLINK sockets (RestrictAddressFamilies in its unit)',
      },
    ]
  }
  const seen = await Promise.all(
    ([4, 6] as const).map(async (family) => {
      const routes = await Promise.all(familyDestinations[family].map((to) => host.hostRoute(to, null)))
      return familyUsable(family, addresses, routes, stamp)
    }),
  )
  if (!seen.some(({ usable }) => usable)) {
    const text = seen.map(({ because }) => because).join('; ')
    return [{ area: 'families', status: 'fail', text, next: 'give this host an address and a route' }]
  }
  return seen.map(({ family, usable, because }) =>
    ok('families', `IPv${family} ${usable ? 'can' : 'can not'} be sent: ${because}`),
  )
}

/** Names of proxy variables; their values may hold passwords. */
export function proxyFindings({ host }: Patient): Finding[] {
  const names = proxyVariables(host.environment)
  if (names.length === 0) return [ok('proxy variables', 'none is set')]
  return [
    warn(
      'proxy variables',
      `${names.join(', ')} set: the probes connect directly, other software may not`,
      'a verdict speaks of direct connections; look at what the software on this host uses',
    ),
  ]
}
