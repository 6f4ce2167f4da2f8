import type { Attempt } from '../model/observation.ts'
import { sideOf } from '../model/path.ts'
import type { Topology, VpcEndpoint } from '../model/topology.ts'
import type { AttemptVerdict, Fix } from '../model/verdict.ts'
import { endpointServiceOf } from '../aws/hostname.ts'
import { partitionOfRegion } from '../aws/partitions.ts'
import { parseIp } from '../net/ip.ts'
import { isPrivateUse } from '../net/special.ts'
import { readKnownHostname } from './hostnames.ts'

/** What a command can't know. */
const open = {
  vpc: '<vpc-id>',
  subnets: '<subnet-id> <subnet-id>',
  group: '<sg-id>',
  resolver: '<inbound-endpoint-address>',
}

/** Styles that the private DNS of an interface endpoint covers (S3: regional bucket, control and access-point names). */
const covered = ['regional', 'control', 'access_point', 'mrap']

function endpointFix(service: string, serviceName: string, endpoint: VpcEndpoint | undefined): Fix[] {
  const s3 = service === 's3'
  if (endpoint === undefined) {
    const dns = s3 ? ' --dns-options PrivateDnsOnlyForInboundResolverEndpoint=true' : ''
    return [
      {
        text: `Create an interface endpoint for ${service} in a VPC that the site reaches: a gateway endpoint takes nothing from outside its VPC`,
        command: `aws ec2 create-vpc-endpoint --vpc-endpoint-type Interface --vpc-id ${open.vpc} --service-name ${serviceName} --subnet-ids ${open.subnets} --security-group-ids ${open.group} --private-dns-enabled${dns}`,
      },
    ]
  }
  if (endpoint.privateDnsEnabled) return []
  return [
    {
      text: `The interface endpoint ${endpoint.id} has no private DNS, so that an inbound resolver of its VPC answers public addresses too`,
      command: `aws ec2 modify-vpc-endpoint --vpc-endpoint-id ${endpoint.id} --private-dns-enabled`,
    },
  ]
}

/**
 * What mends a public answer for a host on-prem: an interface endpoint, a Route 53 Resolver inbound endpoint in its VPC, and a
 * forwarding rule for the zone in the site's own resolvers. Never a gateway endpoint. Empty where the address is private or
 * the name is not a service's.
 */
export function onPremFixes(attempt: Attempt, verdict: AttemptVerdict, topology: Topology): Fix[] {
  const ip = parseIp(attempt.address)
  const parsed = readKnownHostname(attempt.hostname)
  if (!ip.ok || isPrivateUse(ip.value) || !parsed.ok || parsed.name.service === null) return []
  // An address that looks public may be that of a VPC: then nothing public is possible, and nothing has to be mended.
  if (verdict.state === 'private' || !verdict.possible.some((c) => sideOf[c] === 'public')) return []
  const { name } = parsed
  const service = parsed.name.service
  const snapshots = [...topology.readings, ...topology.others]
  const region = name.region ?? snapshots.at(-1)?.region ?? topology.vantage.region
  if (region === null) return []
  const suffix = partitionOfRegion(region)?.dnsSuffix ?? 'amazonaws.com'
  const zone = `${service}.${region}.${suffix}`
  if (!covered.includes(name.style)) {
    return [
      {
        text: `The private DNS of an interface endpoint covers ${zone} and not this ${name.style} name: make the software use the regional one`,
        command: null,
      },
    ]
  }
  const serviceName = `com.amazonaws.${region}.${endpointServiceOf(service)}`
  const endpoint = snapshots
    .flatMap((s) => s.endpoints)
    .find((e) => e.type === 'Interface' && e.serviceName === serviceName && e.state === 'available')
  const vpc = endpoint?.vpcId ?? open.vpc
  return [
    ...endpointFix(service, serviceName, endpoint),
    {
      text: `Give ${vpc} an inbound endpoint of Route 53 Resolver, if it has none: it answers the site's resolvers with the endpoint's addresses`,
      command: `aws route53resolver create-resolver-endpoint --direction INBOUND --creator-request-id pathproof --security-group-ids ${open.group} --ip-addresses SubnetId=<subnet-id> SubnetId=<subnet-id>`,
    },
    {
      text: `Forward ${zone} to that inbound endpoint in the resolver that gave ${attempt.address} (${attempt.resolvers.join(', ')}); for BIND: zone "${zone}" { type forward; forward only; forwarders { ${open.resolver}; }; };`,
      command: `dig +short ${attempt.hostname} @${open.resolver}`,
    },
  ]
}
