import type { VirtualInterface, VirtualInterfacePeer } from '../model/first-leg.ts'
import { formatCidr, parseCidr } from '../net/cidr.ts'
import { canonicalIp } from '../net/ip.ts'

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
}

/** A word of AWS's closed lists, old or new. */
function wordOf(value: unknown): string {
  return typeof value === 'string' && /^[a-z][a-z_-]{0,40}$/i.test(value) ? value.toLowerCase() : 'unknown'
}

/** `169.254.100.1/30`, as the API has it, or a bare address. */
function endOf(value: unknown): string | null {
  return typeof value === 'string' ? canonicalIp(value.split('/', 1)[0] ?? '') : null
}

function peerOf(fields: Fields, state: unknown): VirtualInterfacePeer {
  const status = wordOf(fields['bgpStatus'])
  const usable = state === undefined || wordOf(state) === 'available'
  return {
    amazonAddress: endOf(fields['amazonAddress']),
    customerAddress: endOf(fields['customerAddress']),
    up: status === 'up' ? usable : status === 'down' ? false : null,
  }
}

/**
 * The virtual interfaces of one page of `DescribeVirtualInterfaces` (Direct Connect API reference, "VirtualInterface"), or
 * null if it is no such answer. BGP keys, which the answer holds as well, are not taken over.
 */
export function virtualInterfacesOf(
  answer: unknown,
): { interfaces: VirtualInterface[]; nextToken: string | null } | null {
  const list = fieldsOf(answer)?.['virtualInterfaces']
  if (!Array.isArray(list)) return null
  const interfaces: VirtualInterface[] = []
  for (const entry of list) {
    const fields = fieldsOf(entry)
    const id = fields?.['virtualInterfaceId']
    if (fields === null || typeof id !== 'string' || !/^dxvif-[a-z0-9]{1,32}$/.test(id)) return null
    const sessions = fields['bgpPeers']
    const listed: unknown[] = Array.isArray(sessions) ? sessions : []
    const peers = listed.map(fieldsOf).filter((peer) => peer !== null)
    interfaces.push({
      id,
      type: wordOf(fields['virtualInterfaceType']),
      state: wordOf(fields['virtualInterfaceState']),
      // an interface without a list of sessions has one, whose status is not told
      peers:
        peers.length > 0
          ? peers.map((peer) => peerOf(peer, peer['bgpPeerState']))
          : [peerOf(fields, undefined)],
      advertised: null,
      accepted: null,
    })
  }
  return { interfaces, nextToken: tokenOf(answer) }
}

/**
 * The prefixes of one page of `ListVirtualInterfaceRoutes` (Direct Connect API reference, "Route") that go in `direction`, or
 * null if it is no such answer: an entry that was not understood may be any route.
 */
export function routesOf(
  answer: unknown,
  direction: 'advertised' | 'accepted',
): { prefixes: string[]; nextToken: string | null } | null {
  const list = fieldsOf(answer)?.['routes']
  if (!Array.isArray(list)) return null
  const prefixes: string[] = []
  for (const entry of list) {
    const fields = fieldsOf(entry)
    const text = fields?.['cidr']
    const cidr = typeof text === 'string' ? parseCidr(text) : null
    if (fields === null || cidr === null || !cidr.ok) return null
    const told = fields['routeDirection']
    if (told === undefined || told === null || told === direction) prefixes.push(formatCidr(cidr.value))
  }
  return { prefixes, nextToken: tokenOf(answer) }
}

function tokenOf(answer: unknown): string | null {
  const token = fieldsOf(answer)?.['nextToken']
  return typeof token === 'string' && token !== '' ? token : null
}
