import { pathClasses, type PathClass, sideOf } from '../../model/path.ts'
import { type Row, type RowId, rows } from '../../verdict/rules/rows.ts'
import { code, table } from './markdown.ts'

const classes: Record<PathClass, string> = {
  gateway_endpoint: "a route `pl-… → vpce-…` in the table of the host's own subnet",
  interface_endpoint:
    'a network interface of an interface endpoint: in this VPC, in a connected one, or from on-prem',
  nat_gateway_endpoint:
    "a NAT gateway in whose table the gateway endpoint's route lies: private, but paid for by the gigabyte",
  nat_gateway: 'a NAT gateway or instance, then the internet gateway',
  internet_gateway:
    "an internet gateway with a public address of the socket's own; an egress-only or carrier gateway",
  public_vif: "a Direct Connect public virtual interface: public addresses, AWS's network, no internet",
  internet: "an internet provider's line, from on-prem or from a VPC back over a gateway to the site",
  relay:
    'something that forwards the connection (proxy, load balancer, appliance, mesh), or any way that is not modelled',
  blocked: 'no way: no route, a blackhole, a rejection, a filter',
}

/** The classes of path with their sides. */
export function classesSection(): string {
  return table(
    ['Class', 'Side', "The way of one connection's packets"],
    pathClasses.map((c) => [code(c), sideOf[c], classes[c]]),
  )
}

/** What each row has seen, and why it leaves what it leaves. The mapped type makes a missing row a compile error. */
const told: Record<RowId, { seen: string; why: string }> = {
  'socket.verified': {
    seen: 'TLS completed; the chain verifies against the public roots (or those configured for the partition), the name matches, the dates hold',
    why: 'A connection came about, so there is a way. A forwarder below TLS shows the same certificate, so `relay` stays.',
  },
  'socket.dates': {
    seen: 'the same, but the certificate is expired or not yet valid',
    why: 'Dates speak of clocks and renewals, not of the path. Flagged.',
  },
  'socket.intercepted': {
    seen: "the chain verifies only against the host's own store, or not at all, or the name does not match",
    why: 'What answered is not shown to be the service, so the connection ended at something in between.',
  },
  'socket.refused': {
    seen: 'a reset in answer to the connection',
    why: 'Something answered, by whatever way; anything on the way can send a reset.',
  },
  'socket.failed': {
    seen: 'no TLS session for any other reason',
    why: 'The absence of a session settles nothing: packets may have left.',
  },
  'socket.timeouts': {
    seen: 'three time-outs in a row to this address, while another target connected by the same device and family',
    why: 'One dead address on a live host looks blocked. Packets may still have left, which is flagged, and routes outweigh it.',
  },
  'kernel.no_family': {
    seen: 'the kernel has no usable address or route of this family (link-local does not count), or said so at the attempt',
    why: 'Nothing left the host.',
  },
  'address.private': {
    seen: 'a private address (RFC 1918, 100.64.0.0/10, ULA, a range of a known VPC or declared site) that no known endpoint owns',
    why: 'Gateway endpoints, NAT and internet gateways carry public addresses. A private one is an endpoint not known here, or anything else that answers there.',
  },
  'address.public': {
    seen: 'a public address in no range of this VPC, its peers or a declared endpoint (VPCs and peerings read)',
    why: "An interface endpoint's addresses come out of the ranges of its VPC.",
  },
  'address.outside_list': {
    seen: "an address in no entry of AWS's lists of this region, all of them read whole and young enough",
    why: "A gateway endpoint's route covers exactly the entries of its list.",
  },
  'address.nat64': {
    seen: 'an address of a NAT64 prefix (64:ff9b::/96 or a configured one)',
    why: "No endpoint's list holds a translator's address. Only behind a NAT gateway the embedded IPv4 address is looked up.",
  },
  'endpoint.own_vpc': {
    seen: 'the address belongs to an available interface endpoint of an AWS-owned service in this VPC, and only the `local` route of the VPC can win',
    why: 'The VPC itself delivers packets to its own interfaces.',
  },
  'endpoint.not_shown': {
    seen: 'an endpoint has this address, but its state, kind, owner, VPC, age or the way to it is not shown',
    why: 'The same 10.x exists in many networks, and addresses are used again.',
  },
  'endpoint.trusted': {
    seen: "a declared endpoint's own `vpce-…` name answers this address in this cycle, or a further account's snapshot shows it, and the peering, declared gateway or declared site leads there",
    why: 'The name belongs to AWS, and the way was read or declared; the declaration is named as an assumption.',
  },
  'endpoint.declared_address': {
    seen: 'the same, but declared by a bare address',
    why: 'A bare address has no name that could show that it still is that endpoint.',
  },
  'route.gateway_endpoint': {
    seen: 'the winning route leads an AWS-owned list to an endpoint that is described as available, of type Gateway, in this VPC (or declared, in a shared VPC)',
    why: 'That route is what a gateway endpoint is.',
  },
  'route.endpoint_not_described': {
    seen: 'a list leads to a `vpce-…` that the last reading of endpoints does not describe, or describes otherwise',
    why: 'A Gateway Load Balancer endpoint has the same kind of id and leads anywhere.',
  },
  'route.vpce_by_cidr': {
    seen: 'a CIDR leads to a `vpce-…`',
    why: 'Gateway endpoints take lists only: this is an inspection endpoint, and what lies behind it is not known.',
  },
  'route.appliance': {
    seen: 'a network interface or an instance is the target',
    why: 'What it does with the packets is not known.',
  },
  'route.nat_gateway_endpoint': {
    seen: "a NAT gateway in whose own table the list leads to a described gateway endpoint of the NAT gateway's VPC",
    why: 'The packets set out again from the NAT gateway and meet that route.',
  },
  'route.nat_internet_gateway': {
    seen: 'a public NAT gateway whose own table leads to an internet gateway',
    why: 'This is the way of NAT.',
  },
  'route.nat_private_internet_gateway': {
    seen: 'a private NAT gateway whose own table leads to an internet gateway',
    why: 'It has no public address: nothing passes.',
  },
  'route.nat_unread': {
    seen: 'a NAT gateway that was not read, is not available, has appliances, loops, or whose table could not be read',
    why: "Only the host's own gateway endpoint is excluded: its route did not win.",
  },
  'route.internet_gateway': {
    seen: "an internet gateway, with a public address associated to the socket's own private one (or those could not be read); IPv6",
    why: 'The gateway translates one to one; IPv6 needs no translation.',
  },
  'route.internet_gateway_no_public_address': {
    seen: "an internet gateway, IPv4, and no public address associated to the socket's own",
    why: 'The gateway drops what it can not translate.',
  },
  'route.egress_only_or_carrier': {
    seen: 'an egress-only internet gateway or a carrier gateway',
    why: 'Both lead out of the VPC to the public side.',
  },
  'route.beyond_public': {
    seen: 'a transit gateway, peering, core network or virtual private gateway; a public address',
    why: "Other networks' tables decide, and a gateway endpoint does not serve what comes from outside its VPC unless it is translated there.",
  },
  'route.beyond_private': {
    seen: 'the same; a private address that is not shown to be an endpoint',
    why: 'Whoever owns the address there answers.',
  },
  'route.local': {
    seen: 'the `local` route; no known endpoint owns the address',
    why: 'Something in the VPC answers, and it is not an endpoint.',
  },
  'route.local_endpoints_unread': {
    seen: 'the `local` route; endpoints or network interfaces could not be read, or the endpoint is not shown in full',
    why: 'It may be an endpoint.',
  },
  'route.unmodelled': {
    seen: 'a target of another kind (local gateway, database network, route server, unknown), or a route that could not be read',
    why: 'A way that is not modelled leaves everything.',
  },
  'route.blackhole': {
    seen: 'the winning route is `blackhole` or `filtered`',
    why: 'It wins and drops; nothing falls through to a shorter prefix.',
  },
  'route.state_unknown': {
    seen: 'the winning route is in a state that is not known',
    why: 'It may take the packets or not.',
  },
  'route.no_match': { seen: 'no route matches, with all lists read', why: 'Nothing gets out.' },
  'route.several': {
    seen: 'several routes may win, or several readings of the account count; what is left is the union over them',
    why: "Where AWS's rules can be read both ways, both are kept. A later reading only widens.",
  },
}

function leavesText(id: RowId, { leaves }: Row): string {
  if (id === 'route.several') return 'the union'
  const missing = pathClasses.filter((c) => !leaves.includes(c))
  if (missing.length === 0) return 'all'
  return missing.length <= 3 ? `all but ${missing.map(code).join(', ')}` : leaves.map(code).join(', ')
}

/** The whole rule table, row by row. */
export function rulesSection(): string {
  return table(
    ['Row', 'Seen', 'Rank', 'Leaves possible', 'Why'],
    Object.entries(rows).map(([id, row]) => {
      const { seen, why } = told[id as RowId]
      return [code(id), seen, row.rank, leavesText(id as RowId, row), why]
    }),
  )
}
