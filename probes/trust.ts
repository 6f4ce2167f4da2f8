import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { SecureContext } from 'node:tls'
import type { CertificateIdentity } from '../model/observation.ts'

/** The roots that a chain may end in, as PEM. One object per process: what is made of it is kept with it. */
export interface TrustStore {
  /** The public roots that come with the runtime (`tls.rootCertificates`), nothing of this host. */
  publicRoots: readonly string[]
  /** Roots of an AWS partition that has its own, from the configuration. */
  partitionRoots: readonly string[]
  /** The host's own store (`tls.getCACertificates('system')`), read when first needed. */
  hostRoots(): readonly string[]
}

/** Roots by subject. */
export type Roots = ReadonlyMap<string, readonly X509Certificate[]>

export interface PreparedTrust {
  /** Shared by all handshakes: one context per handshake would cost more than the handshake. */
  secureContext: SecureContext
  publicRoots: Roots
  partitionRoots: Roots
  hostRoots(): Roots
  /** Signatures that were checked, by the fingerprints of certificate and issuer: hosts meet the same few again and again. */
  signatures: Map<string, boolean>
  /** What depends on the certificates alone and never on the time, likewise by fingerprints; see `certificate.ts`. Bounded there. */
  known: KnownCertificates
}

export interface KnownCertificates {
  /** By the leaf. */
  identities: Map<string, CertificateIdentity>
  /** Which roots a chain leads to, and by which path, without regard to dates; by the sets of roots and the whole chain. */
  paths: Map<string, { roots: 'public' | 'partition' | 'host'; path: X509Certificate[] }>
  /** Whether a leaf bears a name, by both. */
  names: Map<string, boolean>
}

/** PEM that does not parse is left out: it can then verify nothing. */
function bySubject(pems: readonly string[]): Roots {
  const roots = new Map<string, X509Certificate[]>()
  for (const pem of pems) {
    try {
      const root = new X509Certificate(pem)
      const same = roots.get(root.subject)
      if (same) same.push(root)
      else roots.set(root.subject, [root])
    } catch {}
  }
  return roots
}

function prepare(store: TrustStore): PreparedTrust {
  let host: Roots | null = null
  return {
    secureContext: createSecureContext({
      // given explicitly, so that NODE_EXTRA_CA_CERTS, --use-system-ca and the like add nothing
      ca: [...store.publicRoots, ...store.partitionRoots],
      minVersion: 'TLSv1.2',
      // the post-quantum share that comes by default costs a third of a handshake and AWS's endpoints don't need it
      ecdhCurve: 'X25519:P-256:P-384',
    }),
    signatures: new Map(),
    known: { identities: new Map(), paths: new Map(), names: new Map() },
    publicRoots: bySubject(store.publicRoots),
    partitionRoots: bySubject(store.partitionRoots),
    hostRoots() {
      if (host) return host
      try {
        host = bySubject(store.hostRoots())
      } catch {
        // a store that can't be read verifies nothing
        host = new Map()
      }
      return host
    },
  }
}

const prepared = new WeakMap<TrustStore, PreparedTrust>()

/** The context and the parsed roots of a store; made once per store. Throws if the configured PEM is not accepted by OpenSSL. */
export function prepareTrust(store: TrustStore): PreparedTrust {
  let trust = prepared.get(store)
  if (!trust) {
    trust = prepare(store)
    prepared.set(store, trust)
  }
  return trust
}
