import { type Cidr, cidrContains, parseCidr } from '../net/cidr.ts'
import type { Ip } from '../net/ip.ts'

/** Ranges of VPCs, subnets and sites come again in every judgement; what a text says never changes. */
const known = new Map<string, Cidr | null>()
const mostKnown = 50_000
/** Longer than any prefix is in text; what is longer is not worth its room. */
const longest = 64

/** As `parseCidr`, remembered; null for what is no CIDR. The result is shared and not to be changed. */
export function readPrefix(text: string): Cidr | null {
  const before = known.get(text)
  if (before !== undefined) return before
  const parsed = parseCidr(text)
  const cidr = parsed.ok ? parsed.value : null
  if (text.length > longest) return cidr
  if (known.size >= mostKnown) known.clear()
  known.set(text, cidr)
  return cidr
}

/** Whether any of the CIDRs holds the address; what is no CIDR holds nothing. */
export function holds(prefixes: readonly string[], ip: Ip): boolean {
  return prefixes.some((text) => {
    const cidr = readPrefix(text)
    return cidr !== null && cidrContains(cidr, ip)
  })
}
