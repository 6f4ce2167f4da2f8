/** What the agent's own host shows: kernel routes, connections, who it says it is. */
import type { Attempt, AttemptOutcome, CertificateCheck, Family, HostRoute } from '../../model/observation.ts'
import type { MetadataInterface, Vantage } from '../../model/topology.ts'
import { familyOf, mappedIpv4, within } from './bits.ts'
import { metadataOf } from './metadata.ts'
import type { Choices } from './random.ts'
import { kernelRoute } from './simulate.ts'
import type { Journey, World } from './types.ts'

/** What `ip route get DST from SRC` says: rules with selectors do not apply to its question. */
export function hostRoute(
  world: World,
  source: string,
  destination: string,
  choices: Choices,
  plain: boolean,
): HostRoute {
  const { host } = world
  const unmapped = mappedIpv4(destination) ?? destination
  const asked = {
    ...world,
    host: { ...host, routes: host.routes.filter(({ selector }) => !selector) },
  }
  const way = kernelRoute(asked, mappedIpv4(source) ?? source, unmapped)
  const device = way?.device ?? null
  const selectors = host.routes.some(({ selector }) => selector)
  const redirected = host.redirects.some(({ to }) => within(unmapped, to))
  const redirect = redirected
    ? 'possible'
    : choices.weighted<HostRoute['redirect']>([
        [18, 'none'],
        [2, 'unreadable'],
        [plain ? 0 : 0.7, 'possible'],
      ])
  const method =
    device === null || (!plain && choices.chance(0.06))
      ? 'none'
      : host.devices.length === 1 && choices.chance(0.2)
        ? 'only_device'
        : 'ip_route_get'
  if (method === 'none' || device === null) {
    return {
      method: 'none',
      device: null,
      deviceKind: null,
      mac: null,
      gateway: null,
      source: null,
      selectorRules: null,
      redirect,
      detail: 'no way to ask the kernel',
    }
  }
  return {
    method,
    device: device.name,
    deviceKind: device.kind,
    mac: device.mac === '' ? null : device.mac,
    gateway: way?.gateway ?? null,
    source: method === 'ip_route_get' ? source : null,
    // Rules that can't be read may be there or not.
    selectorRules: choices.chance(plain ? 0 : selectors ? 0.4 : 0.03) ? null : selectors,
    redirect,
    detail: null,
  }
}

const good: Omit<CertificateCheck, 'nameExpected'> = {
  roots: 'public',
  chainError: null,
  nameMatches: true,
  dates: 'valid',
}

function failed(type: 'tls' | 'timeout'): AttemptOutcome {
  return {
    reached: 'tcp',
    failure: type === 'tls' ? { type, code: 'EPROTO' } : { type, afterSeconds: 5 },
  }
}

function none(failure: Extract<AttemptOutcome, { reached: 'nothing' }>['failure']): AttemptOutcome {
  return { reached: 'nothing', failure }
}

/** How a connection turns out that goes this way. */
export function outcomeOf(
  world: World,
  journey: Journey,
  hostname: string,
  choices: Choices,
): AttemptOutcome {
  if (choices.chance(0.01)) return none({ type: 'resources', code: 'EMFILE' })
  if (!journey.delivered) {
    return choices.weighted<AttemptOutcome>([
      [8, none({ type: 'timeout', afterSeconds: 5 })],
      [1, none({ type: 'refused' })],
      [1, none({ type: 'unreachable', code: 'EHOSTUNREACH' })],
    ])
  }
  const certificate = world.services.find(({ id }) => id === journey.to)?.certificate ?? 'none'
  if (certificate === 'none') return failed('tls')
  if (certificate === 'silent') return failed('timeout')
  if (choices.chance(0.02)) return failed('timeout')
  const check: CertificateCheck = {
    ...good,
    ...(certificate === 'intercepted' && {
      roots: choices.pick(['host', 'none'] as const),
      chainError: 'SELF_SIGNED_CERT_IN_CHAIN',
    }),
    ...(certificate === 'wrong_name' && { nameMatches: false }),
    ...((certificate === 'expired' || choices.chance(0.01)) && { dates: 'expired' as const }),
    nameExpected: hostname,
  }
  return {
    reached: 'tls',
    tls: { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', certificate: null, check },
  }
}

/** Addresses of this host from which a connection of the family can be made. */
export function sourcesOf(world: World, family: Family): string[] {
  return world.host.devices
    .flatMap(({ addresses }) => addresses)
    .filter((address) => familyOf(address) === family)
    .filter((address) => ownSource(world, address))
}

/** Secondary addresses exist only where the interface has them. */
function ownSource(world: World, address: string): boolean {
  if (address !== '10.0.1.60' || world.host.devices.some(({ kind }) => kind === 'veth')) return true
  return world.interfaces.some(({ ipv4 }) => ipv4.some((own) => own.address === address))
}

export function isGood(attempt: Attempt): boolean {
  if (attempt.outcome.reached !== 'tls') return false
  const { check } = attempt.outcome.tls
  return check.roots === 'public' && check.chainError === null && check.nameMatches && check.dates === 'valid'
}

const lines = (items: Record<string, string>, name: string): string[] => items[name]?.split('\n') ?? []

/** Where the host can say that it stands: from its metadata service, or as configured. */
export function vantageOf(world: World, choices: Choices, plain: boolean): Vantage {
  const nowhere = { instanceId: null, accountId: null, region: null, interfaces: [] }
  if (world.host.kind === 'on-prem') {
    return choices.chance(0.7)
      ? { kind: 'on-prem', because: ['configured'], ...nowhere }
      : { kind: 'unknown', because: ['no metadata service'], ...nowhere }
  }
  const metadata = metadataOf(world)
  if (metadata === null || (!plain && choices.chance(0.08))) {
    return { kind: 'unknown', because: ['the metadata service is silent'], ...nowhere }
  }
  const interfaces = Object.entries(metadata.macs).map(
    ([mac, items]): MetadataInterface => ({
      id: items['interface-id'] ?? '',
      mac,
      subnetId: items['subnet-id'] ?? null,
      vpcId: items['vpc-id'] ?? null,
      subnetIpv4Cidr: items['subnet-ipv4-cidr-block'] ?? null,
      ipv4: lines(items, 'local-ipv4s'),
      ipv6: lines(items, 'ipv6s'),
      ipv4Prefixes: lines(items, 'ipv4-prefix'),
      ipv6Prefixes: lines(items, 'ipv6-prefix'),
      vpcIpv4Cidrs: lines(items, 'vpc-ipv4-cidr-blocks'),
      vpcIpv6Cidrs: lines(items, 'vpc-ipv6-cidr-blocks'),
    }),
  )
  const here = world.host.devices.some(
    ({ mac, kind }) => kind === 'veth' || interfaces.some((eni) => eni.mac === mac),
  )
  return {
    kind: here ? 'ec2' : 'unknown',
    because: here ? ['identity document'] : ['no interface of the instance is on this host'],
    instanceId: metadata.instanceId,
    accountId: world.account,
    region: world.region,
    interfaces,
  }
}
