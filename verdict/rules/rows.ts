import type { Evidence, Flag } from '../../model/evidence.ts'
import type { PathClass, Rank } from '../../model/path.ts'
import { type Possible, all, only, without } from '../possible.ts'

/** What one row of the rule table leaves possible, and how strong that is. */
export interface Row {
  rank: Rank
  leaves: Possible
}

const row = (rank: Rank, leaves: Possible): Row => ({ rank, leaves })

/**
 * The rule table. Each row is the reading of one thing seen; `docs/verdicts.md` says why each holds.
 * Every row of rank `configured` leaves `blocked` possible: only a connection removes it.
 */
export const rows = {
  // What the socket itself shows.
  'socket.verified': row('given', without(all, 'blocked')),
  'socket.dates': row('given', without(all, 'blocked')),
  'socket.intercepted': row('given', only('relay')),
  'socket.refused': row('consistent', all),
  'socket.failed': row('consistent', all),
  'socket.timeouts': row('consistent', only('blocked')),
  'kernel.no_family': row('observed', only('blocked')),

  // What AWS itself says of a request on this socket: a canary's objects, CloudTrail's record.
  'canary.gateway_endpoint': row('attested', only('gateway_endpoint', 'nat_gateway_endpoint', 'relay')),
  'canary.gateway_endpoint_elsewhere': row('attested', only('nat_gateway_endpoint', 'relay')),
  'canary.interface_endpoint': row('attested', only('interface_endpoint', 'relay')),
  'canary.endpoint_unknown': row(
    'attested',
    only('gateway_endpoint', 'interface_endpoint', 'nat_gateway_endpoint', 'relay'),
  ),
  'canary.endpoint_of_other_kind': row('attested', all),
  'canary.own_address_gateway': row('attested', only('gateway_endpoint')),
  'canary.own_address_interface': row('attested', only('interface_endpoint')),
  'canary.own_address': row('attested', only('gateway_endpoint', 'interface_endpoint')),
  'canary.no_endpoint': row(
    'attested',
    only('nat_gateway', 'internet_gateway', 'public_vif', 'internet', 'relay'),
  ),
  'canary.inconclusive': row('attested', all),
  'cloudtrail.gateway_endpoint': row('attested', only('gateway_endpoint', 'nat_gateway_endpoint', 'relay')),
  'cloudtrail.gateway_endpoint_elsewhere': row('attested', only('nat_gateway_endpoint', 'relay')),
  'cloudtrail.interface_endpoint': row('attested', only('interface_endpoint', 'relay')),
  'cloudtrail.endpoint_unknown': row(
    'attested',
    only('gateway_endpoint', 'interface_endpoint', 'nat_gateway_endpoint', 'relay'),
  ),
  'cloudtrail.endpoint_of_other_kind': row('attested', all),
  'cloudtrail.own_address_gateway': row('attested', only('gateway_endpoint')),
  'cloudtrail.own_address_interface': row('attested', only('interface_endpoint')),
  'cloudtrail.not_named': row('attested', all),

  // What kind of address was answered.
  'address.private': row('consistent', only('interface_endpoint', 'relay', 'blocked')),
  'address.public': row('consistent', without(all, 'interface_endpoint')),
  'address.outside_list': row('consistent', without(all, 'gateway_endpoint', 'nat_gateway_endpoint')),
  'address.nat64': row('consistent', without(all, 'gateway_endpoint')),

  // Whether the address is an endpoint's.
  'endpoint.own_vpc': row('configured', only('interface_endpoint', 'blocked')),
  'endpoint.not_shown': row('consistent', only('interface_endpoint', 'relay', 'blocked')),
  'endpoint.trusted': row('configured', only('interface_endpoint', 'blocked')),
  'endpoint.declared_address': row('configured', only('interface_endpoint', 'relay', 'blocked')),

  // Which route wins for the attempt's own interface.
  'route.gateway_endpoint': row('configured', only('gateway_endpoint', 'blocked')),
  'route.endpoint_not_described': row('configured', all),
  'route.vpce_by_cidr': row('configured', all),
  'route.appliance': row('configured', all),
  'route.nat_gateway_endpoint': row('configured', only('nat_gateway_endpoint', 'blocked')),
  'route.nat_internet_gateway': row('configured', only('nat_gateway', 'blocked')),
  'route.nat_private_internet_gateway': row('configured', only('blocked')),
  'route.nat_unread': row('configured', without(all, 'gateway_endpoint')),
  'route.internet_gateway': row('configured', only('internet_gateway', 'blocked')),
  'route.internet_gateway_no_public_address': row('configured', only('blocked')),
  'route.egress_only_or_carrier': row('configured', only('internet_gateway', 'blocked')),
  'route.beyond_public': row(
    'configured',
    only(
      'nat_gateway',
      'nat_gateway_endpoint',
      'internet_gateway',
      'public_vif',
      'internet',
      'relay',
      'blocked',
    ),
  ),
  'route.beyond_private': row('configured', only('interface_endpoint', 'relay', 'blocked')),
  'route.local': row('configured', only('relay', 'blocked')),
  'route.local_endpoints_unread': row('configured', only('interface_endpoint', 'relay', 'blocked')),
  'route.unmodelled': row('configured', all),
  'route.blackhole': row('configured', only('blocked')),
  'route.state_unknown': row('configured', all),
  'route.no_match': row('configured', only('blocked')),
  'route.several': row('configured', all),

  // What the network recorded of the attempt's own packets.
  'flow.gateway_endpoint': row('observed', only('gateway_endpoint')),
  'flow.internet_gateway': row('observed', only('internet_gateway')),
  'flow.gateway_of_either_kind': row('observed', only('gateway_endpoint', 'internet_gateway')),
  'flow.interface_endpoint': row('observed', only('interface_endpoint')),
  'flow.beyond_public': row(
    'observed',
    only('nat_gateway', 'nat_gateway_endpoint', 'internet_gateway', 'public_vif', 'internet', 'relay'),
  ),
  'flow.beyond_private': row('observed', only('interface_endpoint', 'relay')),
  'flow.beyond': row('observed', without(all, 'gateway_endpoint', 'blocked')),
  'flow.next_hop_no_gateway': row('observed', without(all, 'gateway_endpoint', 'internet_gateway')),
  'flow.next_hop_endpoint': row('observed', only('interface_endpoint')),
  'flow.nat_gateway_endpoint': row('observed', only('nat_gateway_endpoint')),
  'flow.nat_gateway': row('observed', only('nat_gateway')),
  'flow.at_endpoint': row('observed', only('interface_endpoint')),
  'flow.rejected': row('observed', only('blocked')),
  'flow.several': row('observed', all),
  'flow.in_doubt': row('observed', all),
} satisfies Record<string, Row>

export type RowId = keyof typeof rows

/** Makes the evidence that a row gives; `possible` narrows only where several rows were united. */
export function evidenceOf(
  rule: RowId,
  told: {
    because: string
    source: string
    observedAtMs: number
    flags?: Flag[]
    assumptions?: string[]
    possible?: Possible
  },
): Evidence {
  const possible: PathClass[] = [...(told.possible ?? rows[rule].leaves)]
  return {
    rule,
    possible,
    rank: rows[rule].rank,
    because: told.because,
    source: told.source,
    observedAtMs: told.observedAtMs,
    flags: told.flags ?? [],
    assumptions: told.assumptions ?? [],
  }
}
