/** What is truly so in a world, for people and for tests to compare verdicts with. */
import type { Family } from '../model/observation.ts'
import type { PathClass, PathState } from '../model/path.ts'
import { sourceFor } from './host.ts'
import { familyOf } from './world/bits.ts'
import { resolveName } from './world/names.ts'
import { travel } from './world/simulate.ts'
import type { World } from './world/types.ts'

export interface AddressTruth {
  address: string
  family: Family
  class: PathClass
  delivered: boolean
  /** Where the packets went and why they ended there, for a person. */
  hops: string[]
  /** Id of the service that gets them. */
  to: string | null
}

export interface NameTruth {
  hostname: string
  rcode: 'NOERROR' | 'NXDOMAIN' | 'SERVFAIL'
  addresses: AddressTruth[]
  /** `undetermined` for a relay, which is on neither side, and for a name that does not resolve for want of an answer. */
  state: PathState
}

const sides = {
  gateway_endpoint: 'private',
  interface_endpoint: 'private',
  nat_gateway_endpoint: 'private',
  nat_gateway: 'public',
  internet_gateway: 'public',
  public_vif: 'public',
  internet: 'public',
  relay: 'undetermined',
  blocked: 'blocked',
} as const satisfies Record<PathClass, PathState>

/** The true way of the host's packets to every address that its own resolver gives for the name, on port 443. */
export function nameTruth(world: World, hostname: string): NameTruth {
  const { rcode, ipv4, ipv6 } = resolveName(world, hostname, 'system')
  const addresses = [...ipv4, ...ipv6].map((address): AddressTruth => {
    const source = sourceFor(world, address)
    const family = familyOf(address)
    if (source === null) {
      return {
        address,
        family,
        class: 'blocked',
        delivered: false,
        hops: ['the host has no address or route'],
        to: null,
      }
    }
    const journey = travel(world, { source, destination: address, port: 443 })
    return { address, family, ...journey }
  })
  const states = new Set(addresses.map((each) => sides[each.class]))
  return { hostname, rcode, addresses, state: together(states, rcode) }
}

function together(states: ReadonlySet<PathState>, rcode: NameTruth['rcode']): PathState {
  if (states.has('public')) return states.has('private') ? 'mixed' : 'public'
  if (states.has('undetermined') || rcode === 'SERVFAIL') return 'undetermined'
  return states.has('private') ? 'private' : 'blocked'
}
