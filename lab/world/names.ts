import { familyOf } from './bits.ts'
import type { NameAnswer, World, WorldEndpoint } from './types.ts'

const nothing: NameAnswer = {
  rcode: 'NXDOMAIN',
  ipv4: [],
  ipv6: [],
  cnames: [],
  ttlSeconds: 60,
  silent: false,
}

/** `*.` stands for one or more labels. */
function covers(pattern: string, hostname: string): boolean {
  return pattern.startsWith('*.') ? hostname.endsWith(pattern.slice(1)) : pattern === hostname
}

function answer(addresses: readonly string[], ttlSeconds: number, cnames: string[] = []): NameAnswer {
  return {
    rcode: 'NOERROR',
    ipv4: addresses.filter((address) => familyOf(address) === 4),
    ipv6: addresses.filter((address) => familyOf(address) === 6),
    cnames,
    ttlSeconds,
    silent: false,
  }
}

/** Host names that an endpoint's private DNS takes over (PrivateLink guide; for S3 not global, dash, FIPS, website). */
function privateNames(world: World, endpoint: WorldEndpoint): string[] {
  const region = endpoint.serviceRegion ?? world.region
  const service = endpoint.service
    .split('.')
    .slice(3)
    .join('.')
    .replace(/-streams$/, '')
  const base = `${service}.${region}.amazonaws.com`
  if (service !== 's3') return [base]
  const regional = [
    base,
    `*.${base}`,
    `*.s3-control.${region}.amazonaws.com`,
    `*.s3-accesspoint.${region}.amazonaws.com`,
  ]
  const dual = [`s3.dualstack.${region}.amazonaws.com`, `*.s3.dualstack.${region}.amazonaws.com`]
  return endpoint.ipAddressType === 'dualstack' ? [...regional, ...dual] : regional
}

function endpointAddresses(world: World, { interfaces, ipAddressType }: WorldEndpoint): string[] {
  return world.interfaces
    .filter(({ id }) => interfaces.includes(id))
    .flatMap(({ ipv4, ipv6 }) => [
      ...(ipAddressType === 'ipv6' ? [] : ipv4.map(({ address }) => address)),
      ...(ipAddressType === 'ipv4' ? [] : ipv6),
    ])
}

/** VPC in which the host's own resolver, or the inbound endpoint that on-prem asks, stands. */
function resolverVpc(world: World): string | undefined {
  const eni = world.interfaces.find(({ id }) => id === world.host.interfaces[0])
  return eni?.vpc ?? world.vpcs[0]?.id
}

/**
 * What a resolver answers, both families at once. First names that the world gives answers of their own, then the
 * endpoints' own `vpce-…` names, then private DNS, then the services' public names; the most specific pattern wins.
 * A resolver that the world does not list sees the public DNS.
 */
export function resolveName(world: World, hostname: string, resolver = 'system'): NameAnswer {
  const name = hostname.toLowerCase().replace(/\.$/, '')
  const view = world.resolvers.find((item) => item.name === resolver)?.view ?? 'public'
  if (view === 'silent') return { ...nothing, rcode: 'SERVFAIL', silent: true }
  if (view === 'servfail') return { ...nothing, rcode: 'SERVFAIL' }

  const own =
    world.names.find((item) => item.hostname === name && item.resolver === resolver) ??
    world.names.find((item) => item.hostname === name && item.resolver === null)
  if (own !== undefined) {
    if (own.rcode !== 'NOERROR') return { ...nothing, rcode: own.rcode, cnames: own.cnames }
    const { failing = null } = own
    const given = answer(
      [...(failing === 4 ? [] : own.ipv4), ...(failing === 6 ? [] : own.ipv6)],
      own.ttlSeconds,
      own.cnames,
    )
    return failing === null ? given : { ...given, failing }
  }

  const there = world.endpoints.filter(({ state }) => state === 'available' || state === 'partial')
  const named = there.find(({ dnsNames }) => dnsNames.some((pattern) => covers(pattern, name)))
  if (named !== undefined) return answer(endpointAddresses(world, named), 60)

  if (view !== 'public') {
    const vpc = resolverVpc(world)
    const taken = there.find(
      (endpoint) =>
        endpoint.type === 'Interface' &&
        endpoint.privateDns &&
        endpoint.vpc === vpc &&
        !(endpoint.inboundOnly === true && view === 'vpc') &&
        privateNames(world, endpoint).some((pattern) => covers(pattern, name)),
    )
    if (taken !== undefined) return answer(endpointAddresses(world, taken), 60)
  }

  let best = { length: -1, answers: [] as string[] }
  for (const { hostnames, answers } of world.services) {
    for (const pattern of hostnames) {
      if (covers(pattern, name) && pattern.length > best.length) best = { length: pattern.length, answers }
    }
  }
  return best.length < 0 ? nothing : answer(best.answers, 5)
}
