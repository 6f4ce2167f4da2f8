/**
 * What a probe saw, as plain data that survives JSON. A probe reports and does not judge; a failure
 * is an observation too. Times: `wallMs` is Unix time in milliseconds, `monotonicMs` counts from an
 * arbitrary start that is fixed within one boot; durations are in seconds and say so.
 */

/** When, on which boot and under which knowledge something was seen. */
export interface Stamp {
  /** Unique within one agent. */
  id: string
  wallMs: number
  monotonicMs: number
  bootId: string
  /** `Snapshot.id` of the reading that was current, null without one. */
  snapshot: string | null
  /** SHA-256 of the effective configuration, hex; null for one-off commands. */
  configuration: string | null
}

export type Family = 4 | 6

/** Why a look failed: a closed vocabulary, so that it can be counted. `code` is errno's, DNS's or OpenSSL's own word. */
export type Failure =
  | { type: 'timeout'; afterSeconds: number }
  /** The far end, or something on the way that spoke for it, answered with a reset. */
  | { type: 'refused' }
  | { type: 'reset'; code: string }
  /** The kernel or a router said that there is no way (EHOSTUNREACH, ENETUNREACH from the network). */
  | { type: 'unreachable'; code: string }
  /** The kernel has no address or route of this family: nothing left the host. */
  | { type: 'no_local_route'; code: string }
  /** A rule on this host refused (EPERM, EACCES). */
  | { type: 'denied'; code: string }
  /** This process lacks something (EMFILE, ENOBUFS, EADDRNOTAVAIL, EADDRINUSE): our fault, never the path's. */
  | { type: 'resources'; code: string }
  | { type: 'tls'; code: string }
  | { type: 'dns'; code: string }
  | { type: 'aborted' }
  | { type: 'internal'; code: string }

export interface DnsAddress {
  address: string
  ttlSeconds: number | null
}

/** One question of one family to one resolver. NOERROR without addresses is an answer. */
export type DnsAnswer =
  | {
      answered: true
      /** `NOERROR` or `NXDOMAIN`; every other rcode is a failure. */
      rcode: 'NOERROR' | 'NXDOMAIN'
      /** In the server's order, canonical text. */
      addresses: DnsAddress[]
      /** Targets of the CNAME chain, in order. */
      cnames: string[]
      /** True when even TCP gave a truncated answer. */
      truncated: boolean
      transport: 'udp' | 'tcp' | 'getaddrinfo'
      rttSeconds: number
    }
  | { answered: false; failure: Failure; transport: 'udp' | 'tcp' | 'getaddrinfo' }

export interface DnsObservation {
  kind: 'dns'
  stamp: Stamp
  hostname: string
  /** Name of the resolver as configured; `system` is the host's own. */
  resolver: string
  /** Address and port that was asked, or `getaddrinfo`. */
  server: string
  /** Compared resolvers are shown beside the verdict and do not count in it. */
  counts: boolean
  ipv4: DnsAnswer
  ipv6: DnsAnswer
}

/** How the certificate that the far end showed was judged by TLS's own rules. */
export interface CertificateCheck {
  /** Which set of roots the chain verifies against, ignoring dates and name; `none`: neither. */
  roots: 'public' | 'partition' | 'host' | 'none'
  /** OpenSSL's word for why the chain does not verify (for example `SELF_SIGNED_CERT_IN_CHAIN`), null if it does. */
  chainError: string | null
  nameMatches: boolean
  /** The pattern that was required: the host name, or the service domain for a bucket with dots. */
  nameExpected: string
  dates: 'valid' | 'expired' | 'not_yet_valid'
}

export interface CertificateIdentity {
  subject: string
  issuer: string
  altNames: string[]
  notBeforeMs: number
  notAfterMs: number
  fingerprint256: string
}

export interface TlsSession {
  /** For example `TLSv1.3`. */
  version: string
  cipher: string
  certificate: CertificateIdentity | null
  check: CertificateCheck
}

/** The small request that follows the handshake on the same socket; only what AWS says of itself is kept. */
export interface HttpExchange {
  status: number
  requestId: string | null
  bucketRegion: string | null
  /** Redacted; null unless the answer carried one. */
  location: string | null
  /** The server's `Date` header as Unix milliseconds. */
  dateMs: number | null
  server: string | null
}

export type AttemptOutcome =
  /** Known, not dialled in this cycle: whatever is said of it is "would be". */
  | { reached: 'not_dialled' }
  | { reached: 'nothing'; failure: Failure }
  /** TCP connected, the handshake did not complete. */
  | { reached: 'tcp'; failure: Failure }
  /** The handshake completed, whatever the certificate was worth. */
  | { reached: 'tls'; tls: TlsSession }

/** Seconds; null where a phase was not reached. Connect and handshake are corrected for the time that events lay unread in this process; `uncertaintySeconds` says by how much they may be wrong. */
export interface Timings {
  dnsSeconds: number | null
  tcpConnectSeconds: number | null
  tlsHandshakeSeconds: number | null
  firstByteSeconds: number | null
  uncertaintySeconds: number | null
}

export type DeviceKind =
  | 'physical'
  | 'vlan'
  | 'bond'
  | 'veth'
  | 'tun'
  | 'bridge'
  | 'wireguard'
  | 'loopback'
  | 'other'

/**
 * What this host's kernel says of the way from one source to one destination, asked at the attempt.
 * `only_device` is what can be said without `ip`: the namespace has exactly one non-loopback device up.
 */
export interface HostRoute {
  method: 'ip_route_get' | 'only_device' | 'none'
  device: string | null
  deviceKind: DeviceKind | null
  /** Lower case, colons. */
  mac: string | null
  gateway: string | null
  source: string | null
  /** A policy-routing rule with mark, port, protocol or uid selectors could give another device; null: unreadable. */
  selectorRules: boolean | null
  /** A redirect (nat OUTPUT, TPROXY, xfrm policy) that may match this connection. */
  redirect: 'none' | 'possible' | 'unreadable'
  /** Why something above is missing, in words. */
  detail: string | null
}

/** One connection from one local address and port to one address of one name at one time: the unit of truth. */
export interface Attempt {
  kind: 'attempt'
  stamp: Stamp
  hostname: string
  port: number
  address: string
  family: Family
  localAddress: string | null
  localPort: number | null
  /** Names of the resolvers that gave this address. */
  resolvers: string[]
  outcome: AttemptOutcome
  http: HttpExchange | null
  timings: Timings
  host: HostRoute
  /** Names (never values) of proxy variables set in the environment; nothing here goes through them. */
  proxyVariables: string[]
}

/** The kernel has no usable address or route of this family (link-local does not count). */
export interface FamilyObservation {
  kind: 'family'
  stamp: Stamp
  family: Family
  usable: boolean
  because: string
}

/** The three objects of a canary: readable by any way, only through one endpoint, only by no endpoint. */
export type CanaryObject = 'control' | 'positive' | 'negative'

/** Who refused, as S3 words it in an AccessDenied message; other wordings are null. */
export type DeniedBy =
  | 'resource_policy'
  | 'endpoint_policy'
  | 'service_control_policy'
  | 'resource_control_policy'
  | 'identity_policy'
  | 'session_policy'
  | 'permissions_boundary'
  /** Whoever refused, it was the use of the KMS key that was refused. */
  | 'kms'

/** One signed GET. What was sent stands in the order in which it was sent; what was not sent is not there. */
export interface CanaryAsk {
  object: CanaryObject
  outcome:
    | {
        answered: true
        status: number
        /** S3's error code (`AccessDenied`), null without one that can be read. */
        code: string | null
        deniedBy: DeniedBy | null
        requestId: string | null
      }
    | { answered: false; failure: Failure }
}

/** What was known of the bucket's policy when a round ended. */
export type CanaryPolicy =
  | {
      verified: true
      /** Since it was read, at the end of the round. */
      ageSeconds: number
      /** The VPC that it demands of the positive object as well, null: it does not. */
      vpcId: string | null
      /** The addresses that it demands as `aws:VpcSourceIp`, null: it does not. Canonical text. */
      sourceAddresses: string[] | null
    }
  | { verified: false; because: string }

/**
 * Signed requests to the objects of a canary over the socket of one attempt, and over no other: where the far end
 * closed it before all were answered, a second observation with an attempt of its own follows.
 */
export interface CanaryObservation {
  kind: 'canary'
  stamp: Stamp
  /** `Stamp.id` of the attempt whose socket carried every one of `asks`. */
  attemptId: string
  /** Alike for the sockets of one round to one address. */
  round: string
  socket: 1 | 2
  hostname: string
  bucket: string
  /** The endpoint that the policy names (`vpce-…`). */
  endpoint: string
  asks: CanaryAsk[]
  /** True if the far end closed the socket before all three were answered. */
  closedEarly: boolean
  /** Why nothing, or not all, was sent, other than by a closed socket; null where all was. */
  notSent: string | null
  /** This host's clock less AWS's, by the first `Date` header. */
  clockOffsetSeconds: number | null
  policy: CanaryPolicy
}

/** One signed management call over the socket of an attempt, for CloudTrail to record. */
export interface WitnessObservation {
  kind: 'witness'
  stamp: Stamp
  attemptId: string
  /** `kms.amazonaws.com`, `ListKeys`: as CloudTrail calls them. */
  eventSource: string
  eventName: string
  /** Region whose CloudTrail records it. */
  region: string
  /** Null: nothing was sent, or the answer bears none. */
  requestId: string | null
  status: number | null
  notSent: string | null
}

/** What CloudTrail recorded of one request of this program. */
export interface TrailObservation {
  kind: 'trail'
  stamp: Stamp
  attemptId: string
  requestId: string
  eventSource: string
  eventName: string
  /** Unix milliseconds, whole seconds. */
  eventMs: number
  vpcEndpointId: string | null
  /** An address, or the name of a service that called. */
  sourceIpAddress: string | null
  invokedBy: string | null
}

export type Observation =
  | DnsObservation
  | Attempt
  | FamilyObservation
  | CanaryObservation
  | WitnessObservation
  | TrailObservation
