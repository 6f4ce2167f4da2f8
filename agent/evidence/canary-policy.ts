import type { CanaryPolicyWanted } from '../../aws/bucket-policy.ts'
import { type PolicyComparison, policyHolds } from '../../aws/bucket-policy.ts'
import { partitionOfRegion } from '../../aws/partitions.ts'
import type { Clock } from '../../model/host.ts'
import type { CanaryPolicy } from '../../model/observation.ts'
import type { Vantage } from '../../model/topology.ts'
import type { CanaryConfig } from '../config/config.ts'

/** What the policy of this host's canary has to say, or why that is not known. */
export type WantedPolicy = { ok: true; wanted: CanaryPolicyWanted } | { ok: false; because: string }

/**
 * The policy that the configuration asks for on this host. With `source_ip` it names addresses and the VPC of this host: those of
 * the configuration, else those that the instance metadata shows.
 */
export function wantedPolicy(
  config: CanaryConfig,
  region: string,
  vantage: Pick<Vantage, 'interfaces'>,
): WantedPolicy {
  const { bucket, positive, negative, endpoint, sourceIp } = config
  const partition = partitionOfRegion(region)?.id ?? 'aws'
  const base = { partition, bucket, positive, negative, endpoint }
  if (!sourceIp) return { ok: true, wanted: { ...base, vpcId: config.vpc, sourceAddresses: null } }
  const { interfaces } = vantage
  const own = [...new Set(interfaces.flatMap(({ ipv4, ipv6 }) => [...ipv4, ...ipv6]))].toSorted()
  const sourceAddresses = config.sourceAddresses.length > 0 ? config.sourceAddresses : own
  if (sourceAddresses.length === 0) {
    return {
      ok: false,
      because:
        "source_ip is set, and this host's addresses are not known: name them in canary.source_addresses",
    }
  }
  const vpcs = [...new Set(interfaces.flatMap(({ vpcId }) => vpcId ?? []))]
  const [only = null] = vpcs.length === 1 ? vpcs : []
  return { ok: true, wanted: { ...base, vpcId: config.vpc ?? only, sourceAddresses } }
}

/** Keeps the bucket's policy as it was read last, and says what may be said of it. */
export interface PolicyKeeper {
  /** Whether it is to be read with the next round. */
  due(): boolean
  /** It was read: its text, null where the bucket has none. */
  read(policy: string | null, wanted: CanaryPolicyWanted): void
  /** It could not be read; what was read before goes on ageing. */
  failed(because: string): void
  now(wanted: CanaryPolicyWanted): CanaryPolicy
}

const againAfterMs = 30 * 60 * 1000

/** S3 is not everywhere at once with a new policy; it gives no bound. What was put just now is not built upon. */
const settlesMs = 5 * 60 * 1000

export function createPolicyKeeper(clock: Clock): PolicyKeeper {
  let last: { policy: string | null; atMs: number } | null = null
  let trouble: string | null = null
  let notStandingMs = -Infinity
  const compare = (policy: string | null, wanted: CanaryPolicyWanted): PolicyComparison =>
    policyHolds(policy, wanted)
  return {
    due: () => last === null || trouble !== null || clock.monotonicMs() - last.atMs >= againAfterMs,
    read(policy, wanted) {
      last = { policy, atMs: clock.monotonicMs() }
      const standing = compare(policy, wanted)
      trouble = standing.holds ? null : standing.because
      if (!standing.holds) notStandingMs = last.atMs
    },
    failed(because) {
      trouble = because
    },
    now(wanted) {
      if (last === null) return { verified: false, because: trouble ?? 'it has not been read yet' }
      const standing = compare(last.policy, wanted)
      if (!standing.holds) return { verified: false, because: standing.because }
      const nowMs = clock.monotonicMs()
      if (nowMs - notStandingMs < settlesMs) {
        return { verified: false, because: 'it was put just now, and S3 may not go by it everywhere yet' }
      }
      const { vpcId, sourceAddresses } = wanted
      return {
        verified: true,
        ageSeconds: (nowMs - last.atMs) / 1000,
        vpcId,
        sourceAddresses: sourceAddresses === null ? null : [...sourceAddresses],
      }
    },
  }
}
