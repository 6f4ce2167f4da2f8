import type { Attempt } from '../model/observation.ts'
import { sideOf } from '../model/path.ts'
import type { Topology, VpcEndpoint } from '../model/topology.ts'
import type { AttemptVerdict, Fix, NameVerdict } from '../model/verdict.ts'
import { endpointServiceOf } from '../aws/hostname.ts'
import { parseIp } from '../net/ip.ts'
import { onPremFixes } from './advice-on-prem.ts'
import { publicWayDecider } from './direct-connect.ts'
import { readKnownHostname } from './hostnames.ts'
import type { Judged } from './judge.ts'
import { partSources } from './reading.ts'

const gatewayServices = new Set(['s3', 'dynamodb', 's3express'])

interface Place {
  service: string
  style: string
  region: string | null
  endpointService: string | null
  endpoints: VpcEndpoint[]
  vpcId: string | null
  subnetId: string | null
  routeTable: string | null
}

function placeOf(attempt: Attempt, judged: Judged, topology: Topology): Place | null {
  const parsed = readKnownHostname(attempt.hostname)
  if (!parsed.ok || parsed.name.service === null) return null
  const { name } = parsed
  const service = parsed.name.service
  const snapshot = judged.readings.at(-1)?.snapshot ?? topology.readings.at(-1) ?? null
  const region = name.region ?? snapshot?.region ?? topology.vantage.region
  const vpcId = judged.own.known ? judged.own.vpcId : null
  const suffix = name.style === 'mrap' ? 's3-global.accesspoint' : endpointServiceOf(service)
  // That of multi-region access points is global, and has no region in its name (S3 guide, "Multi-Region Access Points").
  const prefix = name.style === 'mrap' ? 'com.amazonaws' : region === null ? null : `com.amazonaws.${region}`
  return {
    service,
    style: name.style,
    region,
    endpointService: prefix === null ? null : `${prefix}.${suffix}`,
    endpoints: (snapshot?.endpoints ?? []).filter(
      (e) => e.serviceName.endsWith(`.${suffix}`) && (vpcId === null || e.vpcId === vpcId),
    ),
    vpcId,
    subnetId: judged.own.known ? judged.own.subnetId : null,
    routeTable: judged.routes.at(-1)?.basis.routeTable ?? null,
  }
}

function fixGateway(verdict: AttemptVerdict, place: Place): Fix[] {
  const gateway = place.endpoints.find((e) => e.type === 'Gateway')
  const table = place.routeTable
  if (verdict.flags.includes('answer_outside_list')) {
    return [
      {
        text: `${verdict.address} is not in this region's list, so it belongs to another region or another service: a gateway endpoint serves its own region only. Use a bucket or table of this region, or an interface endpoint`,
        command: null,
      },
    ]
  }
  if (gateway !== undefined && table !== null && !gateway.routeTableIds.includes(table)) {
    return [
      {
        text: `Associate the gateway endpoint ${gateway.id} with the route table of this host's subnet`,
        command: `aws ec2 modify-vpc-endpoint --vpc-endpoint-id ${gateway.id} --add-route-table-ids ${table}`,
      },
    ]
  }
  if (gateway !== undefined && verdict.evidence.some((e) => e.rule === 'address.nat64')) {
    return [
      {
        text: `A NAT64 address never takes the gateway endpoint itself: give the route table of the NAT gateway the endpoint's route, or let this host use IPv4`,
        command: null,
      },
    ]
  }
  if (gateway !== undefined && verdict.family === 6 && gateway.ipAddressType !== 'dualstack') {
    return [
      {
        text: `The gateway endpoint ${gateway.id} takes IPv4 only, and this name also answers IPv6. Make the endpoint dual-stack, or use the name without "dualstack"`,
        command: `aws ec2 modify-vpc-endpoint --vpc-endpoint-id ${gateway.id} --ip-address-type dualstack`,
      },
    ]
  }
  if (gateway !== undefined) {
    return [
      {
        text: `The gateway endpoint ${gateway.id} is associated with ${table ?? 'the table'}, yet another route wins for ${verdict.address}: look for a more specific or equal route`,
        command: table === null ? null : `aws ec2 describe-route-tables --route-table-ids ${table}`,
      },
    ]
  }
  if (place.vpcId === null || place.endpointService === null) return []
  const tables = table === null ? '' : ` --route-table-ids ${table}`
  return [
    {
      text: `Create a gateway endpoint for ${place.service} in ${place.vpcId} (free of charge) and associate this host's route table`,
      command: `aws ec2 create-vpc-endpoint --vpc-id ${place.vpcId} --vpc-endpoint-type Gateway --service-name ${place.endpointService}${tables}`,
    },
  ]
}

function coveredByPrivateDns(place: Place): boolean {
  return place.style === 'regional' || place.style === 'mrap'
}

function fixInterface(place: Place): Fix[] {
  const endpoint = place.endpoints.find((e) => e.type === 'Interface')
  if (endpoint === undefined) {
    if (place.vpcId === null || place.endpointService === null) return []
    const subnet = place.subnetId === null ? '' : ` --subnet-ids ${place.subnetId}`
    const covered = coveredByPrivateDns(place)
      ? ''
      : `, and make the software use the regional name, for private DNS does not cover this ${place.style} one`
    return [
      {
        text: `Create an interface endpoint for ${place.service} in ${place.vpcId} with private DNS${covered}`,
        command: `aws ec2 create-vpc-endpoint --vpc-id ${place.vpcId} --vpc-endpoint-type Interface --service-name ${place.endpointService}${subnet} --private-dns-enabled`,
      },
    ]
  }
  if (!coveredByPrivateDns(place)) {
    return [
      {
        text: `The private DNS of ${endpoint.id} covers the regional name only, not this ${place.style} one: make the software use ${place.service}.${place.region ?? '<region>'}.amazonaws.com`,
        command: null,
      },
    ]
  }
  if (!endpoint.privateDnsEnabled) {
    return [
      {
        text: `The interface endpoint ${endpoint.id} has no private DNS, so the public name answers public addresses`,
        command: `aws ec2 modify-vpc-endpoint --vpc-endpoint-id ${endpoint.id} --private-dns-enabled`,
      },
    ]
  }
  return [
    {
      text: `${endpoint.id} has private DNS, yet a resolver answered a public address: this host does not ask the VPC's resolver, or the VPC has DNS support off`,
      command:
        place.vpcId === null
          ? null
          : `aws ec2 describe-vpc-attribute --vpc-id ${place.vpcId} --attribute enableDnsSupport`,
    },
  ]
}

function fixes(attempt: Attempt, verdict: AttemptVerdict, judged: Judged, topology: Topology): Fix[] {
  const place = placeOf(attempt, judged, topology)
  const out: Fix[] = []
  if (verdict.flags.includes('tls_intercepted')) {
    out.push({
      text: 'Something between this host and the service answers with its own certificate: exempt AWS names from TLS inspection',
      command: null,
    })
  }
  const dead = verdict.evidence.find((e) => e.rule === 'route.blackhole')
  if (dead !== undefined && place?.routeTable) {
    out.push({
      text: 'The route that wins leads to something deleted or detached: remove it, or make its target anew',
      command: `aws ec2 describe-route-tables --route-table-ids ${place.routeTable} --query 'RouteTables[].Routes[?State==\`blackhole\`]'`,
    })
  }
  const badly = verdict.state === 'public' || (!verdict.connected && verdict.wouldBe === 'public')
  const onPrem = topology.vantage.kind === 'on-prem'
  if (onPrem && !topology.sites.some((site) => site.snatRelay))
    out.push(...onPremFixes(attempt, verdict, topology))
  else if (badly && place !== null) {
    const byGateway = gatewayServices.has(place.service) && place.style !== 'mrap'
    out.push(...(byGateway ? fixGateway(verdict, place) : fixInterface(place)))
  }
  return out
}

function deciders(attempt: Attempt, verdict: AttemptVerdict, judged: Judged, topology: Topology): string[] {
  if (verdict.state !== 'undetermined') return []
  const out: string[] = []
  if (verdict.conflicts.length > 0) {
    out.push(
      'a flow log of this interface with ${traffic-path} and ${next-hop-interface-type}: it records the way that was taken',
    )
  }
  if (!verdict.connected) {
    const { outcome } = attempt
    if (outcome.reached === 'not_dialled') out.push('an attempt on this address')
    else
      out.push(
        'a completed TLS handshake (is the security group, the network ACL or the endpoint policy in the way?)',
      )
  }
  for (const { part, because } of judged.readings.at(-1)?.lacking ?? []) {
    if (part === 'flowLogs' || part === 'internetGateways') continue
    out.push(`${because}: ${partSources[part].permission} would settle it`)
  }
  if (judged.noRoute !== null && topology.vantage.kind !== 'on-prem')
    out.push(`which route this host's packets take: ${judged.noRoute}`)
  if (topology.vantage.kind === 'on-prem' && sideOfAddress(verdict) === 'endpoint?') {
    out.push(
      'the endpoint declared in trusted_endpoints by its own vpce-… DNS name, with via: the site or gateway that leads to it',
    )
  }
  const address = parseIp(attempt.address)
  const way =
    address.ok && verdict.possible.includes('public_vif') ? publicWayDecider(address.value, topology) : null
  if (way !== null) out.push(way)
  if (verdict.flags.includes('unread_prefix_list')) {
    out.push('the entries of every prefix list in the route table (ec2:GetManagedPrefixListEntries)')
  }
  if (verdict.evidence.some((e) => e.rule === 'route.endpoint_not_described')) {
    out.push(
      'the endpoint in DescribeVpcEndpoints, or trusted_endpoints: [{gateway: vpce-…}] if it belongs to the owner of a shared VPC',
    )
  }
  if (verdict.possible.includes('relay') && verdict.connected) {
    out.push("the service's own word: a canary object that only the endpoint may read")
  }
  return [...new Set(out)]
}

function sideOfAddress(verdict: AttemptVerdict): 'endpoint?' | 'other' {
  return verdict.possible.includes('interface_endpoint') &&
    verdict.possible.every((c) => sideOf[c] !== 'public')
    ? 'endpoint?'
    : 'other'
}

/** Adds to a judged attempt what would decide it and what mends it. */
export function adviseAttempt(attempt: Attempt, judged: Judged, topology: Topology): AttemptVerdict {
  const { verdict } = judged
  return {
    ...verdict,
    wouldDecide: deciders(attempt, verdict, judged, topology),
    fix: fixes(attempt, verdict, judged, topology),
  }
}

/** Gathers the advice of a name's attempts, each once. */
export function adviseName(verdict: NameVerdict): NameVerdict {
  const fix = new Map<string, Fix>()
  for (const f of verdict.attempts.flatMap((a) => a.fix)) fix.set(f.command ?? f.text, f)
  return {
    ...verdict,
    wouldDecide:
      verdict.state === 'undetermined' ? [...new Set(verdict.attempts.flatMap((a) => a.wouldDecide))] : [],
    fix: [...fix.values()],
  }
}
