import { embeddedIpv4, mappedIpv4 } from './bits.ts'
import { neighbours } from './generate-host.ts'
import { ids } from './generate-parts.ts'
import type { Observed } from './observe.ts'

type Test = (seen: Observed) => boolean

const hops = ({ names }: Observed): string =>
  names.flatMap(({ attempts }) => attempts.flatMap(({ truth }) => truth.hops)).join('\n')
const passes =
  (pattern: RegExp): Test =>
  (seen) =>
    pattern.test(hops(seen))
const truly =
  (how: string): Test =>
  ({ names }) =>
    names.some(({ attempts }) => attempts.some(({ truth }) => truth.class === how))
const hostTable = ({ world }: Observed) => world.tables.find(({ id }) => id === ids.hostTable)?.routes ?? []
const routed =
  (via: string): Test =>
  (seen) =>
    hostTable(seen).some((route) => route.via === via)
const attempts = ({ names }: Observed) => names.flatMap((name) => name.attempts.map(({ attempt }) => attempt))
const onHost =
  (test: (host: ReturnType<typeof attempts>[number]['host']) => boolean): Test =>
  (seen) =>
    attempts(seen).some(({ host }) => test(host))

/** What is worth meeting in random worlds; a soak shows how often each was met. */
export const features: Readonly<Record<string, Test>> = {
  'truth: gateway endpoint': truly('gateway_endpoint'),
  'truth: interface endpoint': truly('interface_endpoint'),
  'truth: endpoint behind NAT': truly('nat_gateway_endpoint'),
  'truth: NAT gateway': truly('nat_gateway'),
  'truth: internet gateway': truly('internet_gateway'),
  'truth: public VIF': truly('public_vif'),
  'truth: internet': truly('internet'),
  'truth: relay': truly('relay'),
  'truth: blocked': truly('blocked'),
  'by a transit gateway': passes(/-> tgw-/),
  'by a virtual private gateway': passes(/-> vgw-/),
  'by a core network': passes(/-> arn:aws:networkmanager/),
  'by a peering': passes(/-> pcx-/),
  'by a load balancer endpoint': passes(/vpce-0a00007b (returns|relays|drops)/),
  'by an appliance': passes(/-> (eni|i)-/),
  'by an egress-only gateway': passes(/-> eigw-/),
  'by a carrier gateway': routed('cagw-0a000001'),
  'by a local gateway': routed(ids.lgw),
  'by an ODB network': routed(ids.odb),
  'by a route server address': routed(ids.routeServer),
  'by a target nobody knows': routed(ids.unheardOf),
  'into another VPC': passes(/into vpc-/),
  'private NAT gateway': passes(/-> nat-0b000008/),
  'regional NAT gateway': passes(/-> nat-0b000007/),
  'NAT gateway that does not work': passes(/nat-\w+ is (failed|pending|deleting|deleted)/),
  'NAT gateway with an appliance': (seen) =>
    passes(/-> nat-0b000009/)(seen) && seen.world.natGateways.some(({ appliances }) => appliances.length > 0),
  'blackhole or filtered': passes(/^(blackhole|filtered)$/m),
  'no route': passes(/: no route/),
  'propagated route': (seen) => hostTable(seen).some(({ origin }) => origin === 'propagated'),
  'advertised route': (seen) => hostTable(seen).some(({ origin }) => origin === 'advertised'),
  'customer list': (seen) => hostTable(seen).some(({ to }) => to.startsWith('pl-0c')),
  'route inside the local range': (seen) => hostTable(seen).some(({ to }) => /^10\.0\.[12]\.0\/24$/.test(to)),
  'local route replaced': (seen) =>
    seen.world.tables.some(({ routes }) =>
      routes.some(({ via, origin }) => origin === 'local' && via !== 'local'),
    ),
  'main table': (seen) => seen.world.tables.some(({ id, main }) => id === ids.hostTable && main),
  'edge table': ({ world }) => world.tables.some(({ gateways }) => gateways.length > 0),
  IPv6: (seen) => attempts(seen).some(({ family }) => family === 6),
  'IPv4-mapped answer': (seen) => attempts(seen).some(({ address }) => mappedIpv4(address) !== null),
  NAT64: (seen) => attempts(seen).some(({ address }) => embeddedIpv4(address) !== null),
  'family not usable': ({ families }) => families.some(({ usable }) => !usable),
  'public range inside the VPC': ({ world }) =>
    world.vpcs.some(({ ipv4 }) => ipv4.includes('52.217.64.0/24')),
  'shared VPC': ({ world }) => world.vpcs[0]?.owner !== world.account,
  'endpoint not available': ({ world }) => world.endpoints.some(({ state }) => state !== 'available'),
  'several interfaces': ({ world }) => world.host.interfaces.length > 1,
  'container (veth)': onHost(({ deviceKind }) => deviceKind === 'veth'),
  'tunnel on the host': ({ world }) =>
    world.host.devices.some(({ kind }) => kind === 'tun' || kind === 'wireguard'),
  'bridge on the host': ({ world }) =>
    world.host.devices.some(({ kind }) => kind === 'bridge' || kind === 'other'),
  'machine inside the instance': ({ world }) => world.host.devices.some(({ name }) => name === 'enp1s0'),
  'on-prem': ({ world }) => world.host.kind === 'on-prem',
  'vantage unknown': ({ vantage }) => vantage.kind === 'unknown',
  'neighbour as next hop': ({ world }) => world.host.routes.some(({ gateway }) => gateway === neighbours[4]),
  'redirect on the host': ({ world }) => world.host.redirects.length > 0,
  'rules with selectors': onHost(({ selectorRules }) => selectorRules !== false),
  'kernel route unknown': onHost(({ method }) => method === 'none'),
  'certificate intercepted': (seen) =>
    attempts(seen).some(({ outcome }) => outcome.reached === 'tls' && outcome.tls.check.roots !== 'public'),
  'relay that passes TLS through': ({ names }) =>
    names.some((name) =>
      name.attempts.some(
        ({ truth, attempt }) =>
          truth.class === 'relay' &&
          attempt.outcome.reached === 'tls' &&
          attempt.outcome.tls.check.roots === 'public',
      ),
    ),
  'not dialled': (seen) => attempts(seen).some(({ outcome }) => outcome.reached === 'not_dialled'),
  'time-out': (seen) =>
    attempts(seen).some(({ outcome }) => outcome.reached === 'nothing' && outcome.failure.type === 'timeout'),
  'a family of a name unanswered': ({ names }) =>
    names.some(({ dns }) =>
      dns.some(({ counts, ipv4, ipv6 }) => counts && !(ipv4.answered && ipv6.answered)),
    ),
  'declared endpoint': ({ trustedEndpoints }) => trustedEndpoints.length > 0,
  'declared with its way': ({ trustedEndpoints }) => trustedEndpoints.some(({ via }) => via !== null),
  'another account read': ({ others }) => others.length > 0,
  'changed between reading and connection': ({ timing }) => timing === 'changed between',
  'changed after the connection': ({ timing }) => timing === 'changed later',
  'part too old': ({ timing }) => timing === 'stale',
  'part undated': ({ timing }) => timing === 'undated',
  'file missing, denied or broken': ({ damages }) =>
    damages.some((name) => /missing|denied|truncated|empty|another/.test(name)),
  'first page only': ({ damages }) => damages.some((name) => name.includes('first page')),
  'list unread or spoilt': ({ damages }) => damages.some((name) => name.includes('list')),
  'route unreadable': ({ damages }) => damages.includes('unreadable route'),
  'reading filtered': ({ damages }) => damages.some((name) => name.startsWith('filtered')),
  'evidence suffices': ({ names }) => names.some((name) => name.attempts.some(({ suffices }) => suffices)),
}

/** Names of the features that this world and this look at it have. */
export function featuresOf(seen: Observed): string[] {
  return Object.entries(features)
    .filter(([, test]) => test(seen))
    .map(([name]) => name)
}
