import type { Attempt } from '../model/observation.ts'
import { formatIp, mappedIpv4, parseIp } from '../net/ip.ts'

/** An IPv4-mapped address travels as IPv4, whatever record it came in (RFC 4291 2.5.5.2). */
export function unmapped(attempt: Attempt): Attempt {
  const text = (address: string | null): string | null => {
    const parsed = address === null ? null : parseIp(address)
    const inner = parsed?.ok ? mappedIpv4(parsed.value) : null
    return inner === null ? address : formatIp(inner)
  }
  const address = text(attempt.address) ?? attempt.address
  if (address === attempt.address) return attempt
  return { ...attempt, address, family: 4, localAddress: text(attempt.localAddress) }
}
