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
  'canary.gateway_endpoint': {
    seen: "control and positive object read, negative one refused, on one socket, under a policy that was verified; the endpoint is a gateway endpoint of the host's VPC, or that VPC is not known",
    why: 'AWS saw the request come in by that endpoint. A NAT gateway or a relay inside the VPC can have sent it on.',
  },
  'canary.gateway_endpoint_elsewhere': {
    seen: 'the same; a gateway endpoint of another VPC',
    why: 'A gateway endpoint serves its own VPC: something in that VPC has sent it on.',
  },
  'canary.interface_endpoint': {
    seen: 'the same; an interface endpoint',
    why: 'It can be reached from afar, and by a relay.',
  },
  'canary.endpoint_unknown': {
    seen: 'the same; no reading that is young enough describes the endpoint',
    why: 'It is an endpoint of some kind.',
  },
  'canary.endpoint_of_other_kind': {
    seen: 'the same; an endpoint that is described as of a kind that is not modelled',
    why: 'A way that is not modelled leaves everything.',
  },
  'canary.own_address_gateway': {
    seen: "the same; the policy also demands this connection's own local address as `aws:VpcSourceIp`, all the addresses that it names are this interface's, and the gateway endpoint lies in the interface's VPC",
    why: 'No NAT gateway and no other host can have that address inside the VPC.',
  },
  'canary.own_address_interface': {
    seen: "the same; an interface endpoint in the interface's VPC",
    why: 'As above.',
  },
  'canary.own_address': {
    seen: "the same; nothing describes the endpoint, but the policy demands the interface's VPC as `aws:SourceVpc`",
    why: 'As above: it is one of the two kinds.',
  },
  'canary.no_endpoint': {
    seen: 'control and negative object read, positive one refused, on one socket, under a policy that was verified',
    why: 'The negative object is given out only where AWS saw no endpoint.',
  },
  'canary.inconclusive': {
    seen: "any other mix of answers, another socket's answers, a policy that is not verified or was read more than an hour ago",
    why: 'A refusal has many causes, and a policy can be loosened.',
  },
  'cloudtrail.gateway_endpoint': {
    seen: "CloudTrail's record of this request names an endpoint; a gateway endpoint of the host's VPC, or that VPC is not known",
    why: 'As for the canary.',
  },
  'cloudtrail.gateway_endpoint_elsewhere': {
    seen: 'the same; a gateway endpoint of another VPC',
    why: 'As for the canary.',
  },
  'cloudtrail.interface_endpoint': {
    seen: 'the same; an interface endpoint',
    why: 'As for the canary.',
  },
  'cloudtrail.endpoint_unknown': {
    seen: 'the same; no reading that is young enough describes the endpoint',
    why: 'As for the canary.',
  },
  'cloudtrail.endpoint_of_other_kind': {
    seen: 'the same; an endpoint of a kind that is not modelled',
    why: 'As for the canary.',
  },
  'cloudtrail.own_address_gateway': {
    seen: "the same; `sourceIPAddress` is this connection's own local address, and the gateway endpoint lies in the interface's VPC",
    why: 'As for the canary.',
  },
  'cloudtrail.own_address_interface': {
    seen: "the same; an interface endpoint in the interface's VPC",
    why: 'As for the canary.',
  },
  'cloudtrail.not_named': {
    seen: 'a record without `vpcEndpointId`, of a call that a service made for somebody, or of another request',
    why: 'Not every service fills the field in.',
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
    seen: "the own `vpce-…` name of a declared endpoint, or of one that some snapshot describes, answers this address in this cycle, or a further account's snapshot shows it, and the peering leads there; to a declared one also the declared gateway or site",
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
  'flow.gateway_endpoint': {
    seen: "a record of the attempt's own interface, accepted, egress, `traffic-path` 7",
    why: 'AWS gives 7 to a gateway endpoint only (Nitro).',
  },
  'flow.internet_gateway': {
    seen: 'the same with `traffic-path` 8',
    why: 'AWS gives 8 to an internet gateway only (Nitro).',
  },
  'flow.gateway_of_either_kind': {
    seen: 'the same with `traffic-path` 2',
    why: 'On instance types without Nitro AWS does not tell the two apart.',
  },
  'flow.interface_endpoint': {
    seen: "the same with `traffic-path` 1, to an endpoint's address as in `endpoint.own_vpc`",
    why: 'The packets stayed in the VPC, where that address is the endpoint.',
  },
  'flow.beyond_public': {
    seen: 'the same with `traffic-path` 1, 3, 4, 5 or 6, to a public address',
    why: "They went to another interface or gateway, and what lies behind it does not show here: a NAT gateway, another network, an appliance. It was not the VPC's own gateway endpoint.",
  },
  'flow.beyond_private': {
    seen: 'the same, to a private address that is not shown to be an endpoint in this VPC',
    why: 'Whoever owns the address there answers.',
  },
  'flow.beyond': {
    seen: 'the same, to an address that is not shown to be outside of all known networks',
    why: 'An endpoint may have a public range.',
  },
  'flow.next_hop_no_gateway': {
    seen: 'the same with a next hop of type NAT gateway or transit gateway',
    why: 'What goes to another interface first meets neither the gateway endpoint nor the internet gateway of this subnet.',
  },
  'flow.next_hop_endpoint': {
    seen: "the same with a next hop that is the interface of one of AWS's own interface endpoints, and that has this very address",
    why: 'A Gateway Load Balancer endpoint bears the same type but never the destination, so both must fit.',
  },
  'flow.nat_gateway_endpoint': {
    seen: 'records of a NAT gateway: one connection in, from this socket to this address, one out, with `traffic-path` 7',
    why: 'Which of several goes with which is written nowhere; one and one belong together.',
  },
  'flow.nat_gateway': { seen: 'the same with `traffic-path` 8', why: 'This is the way of NAT.' },
  'flow.at_endpoint': {
    seen: "a record of the endpoint's own interface, accepted, ingress, from the host's own address and port",
    why: 'The packets arrived there, and nothing on the way had put its address on them.',
  },
  'flow.rejected': {
    seen: 'a record with REJECT of an attempt that did not connect, no accepted one, none lost, none in doubt',
    why: 'A security group or network ACL refused it.',
  },
  'flow.several': {
    seen: 'records of one log that say different things of one connection',
    why: 'Private classes stand only if every record leaves them, other classes if any does. Records that can not both be true are a conflict instead.',
  },
  'flow.in_doubt': {
    seen: "records that may be another connection's (a port used again, several flows behind a NAT gateway), or of a time of which records were lost (SKIPDATA)",
    why: 'They leave every class that is not private and confirm nothing. But what speaks against a private path is not forgotten because it came to be in doubt: what a record of this connection excludes stays excluded where others were lost, what all flows of a NAT gateway to this address exclude as well, and what else they speak against is not claimed.',
  },
}

function leavesText(id: RowId, { leaves }: Row): string {
  if (id === 'route.several') return 'the union'
  if (id === 'flow.in_doubt') return 'all but private classes that they exclude or hold'
  if (id === 'flow.several') return 'private: what all leave; else: what any leaves'
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
