import type { DirectConnectReading, VirtualInterface } from '../model/first-leg.ts'
import type { Topology } from '../model/topology.ts'
import { type Ip, formatIp } from '../net/ip.ts'
import { isPrivateUse } from '../net/special.ts'
import { isUp } from './first-leg-hops.ts'
import { holds as within } from './prefixes.ts'

const list = (ids: readonly VirtualInterface[]): string => ids.map(({ id }) => id).join(', ')

/** The virtual interfaces whose routes can lead to this address at all. */
function kindFor(to: Ip, { interfaces }: DirectConnectReading): VirtualInterface[] {
  return interfaces.filter(({ type }) => (type === 'public') !== isPrivateUse(to))
}

/**
 * Why the Direct Connect API speaks against Direct Connect as the way to `to` from `from`; null: it does not. Interfaces that
 * other accounts own are not in its answer, so an empty one says nothing.
 */
export function directConnectAgainst(to: Ip, from: Ip | null, topology: Topology): string | null {
  const reading = topology.directConnect ?? null
  if (reading === null || reading.interfaces.length === 0) return null
  const able = kindFor(to, reading)
  const up = able.filter(isUp)
  if (up.length === 0) {
    return able.length === 0
      ? `the Direct Connect API shows no virtual interface that leads to addresses like ${formatIp(to)}`
      : `the Direct Connect API shows no virtual interface that is up (${able.map(({ id, state }) => `${id}: ${state}`).join(', ')})`
  }
  const read = up.filter(({ advertised }) => advertised !== null)
  if (read.length < up.length) return null
  const leading = read.filter(({ advertised }) => within(advertised ?? [], to))
  if (leading.length === 0) {
    return `none of the virtual interfaces that are up (${list(up)}) advertises a route to ${formatIp(to)}`
  }
  // A public interface sees the site's public address, which is not this host's own.
  const back = leading.filter(({ type, accepted }) => type !== 'public' && accepted !== null)
  const answers = from === null || back.length < leading.length
  if (answers || back.some(({ accepted }) => within(accepted ?? [], from))) return null
  return `${list(leading)} advertises a route to ${formatIp(to)}, but accepted none back to ${formatIp(from)}`
}

/**
 * Interfaces that are up and advertise a route to `to`. Over a public one AWS advertises all of its public prefixes (Direct
 * Connect guide, "Routing policies and BGP communities"), which is more than is read.
 */
function leadingTo(to: Ip, reading: DirectConnectReading): VirtualInterface[] {
  return kindFor(to, reading).filter(
    (vif) => isUp(vif) && (vif.advertised === null ? vif.type === 'public' : within(vif.advertised, to)),
  )
}

/** What the Direct Connect API says in favour, for a person; null: nothing. */
export function directConnectFor(to: Ip, topology: Topology): string | null {
  const reading = topology.directConnect ?? null
  const leading = reading === null ? [] : leadingTo(to, reading)
  return leading.length === 0 ? null : `${list(leading)} is up and advertises a route to ${formatIp(to)}`
}

/**
 * How far a public address from on-prem can be told between a public virtual interface and an internet provider: never to
 * the end, for the site's router chooses. Null: the address is not public, or this host not on-prem.
 */
export function publicWayDecider(to: Ip, topology: Topology): string | null {
  if (isPrivateUse(to) || topology.vantage.kind !== 'on-prem') return null
  const reading = topology.directConnect ?? null
  const leading = reading === null ? [] : leadingTo(to, reading)
  const consistent =
    leading.length === 0
      ? ''
      : ` (${list(leading)} is up, which is consistent with a public virtual interface, and no more than that)`
  return `which way the site's router sends these public addresses, a Direct Connect public virtual interface or an internet provider: its routing table or NetFlow${consistent}`
}
