import type { HostRoute } from '../model/observation.ts'

/**
 * What has to be taken for granted about this host, for a route to be the way of the connection. Filters that were read show no
 * redirect, but programs in the kernel (eBPF at connect(), tc), as some container networks load them, stay unseen.
 */
export function rewritingAssumed({ redirect }: HostRoute): string {
  return redirect === 'unreadable'
    ? 'no redirect on this host rewrites the connection'
    : 'no program in the kernel (eBPF) rewrites the connection'
}
