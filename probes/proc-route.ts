import { type Ip, formatIp } from '../net/ip.ts'

/** RTF_UP and RTF_GATEWAY of linux/route.h. */
const up = 0x1
const viaGateway = 0x2

function hex(field: string | undefined): bigint | null {
  if (field === undefined || !/^[0-9A-F]{8}$/i.test(field)) return null
  // The kernel prints the bytes as they lie in memory; on the little-endian machines that this runs on, reversed.
  return BigInt(`0x${field.match(/../g)?.toReversed().join('') ?? '0'}`)
}

/**
 * The next hop to an IPv4 address by `/proc/net/route`, the kernel's main table: what can be told without
 * `ip`. Null: on the link, no route by this device, another family, or text that is not understood. Tables that
 * policy rules name don't show there.
 */
export function procNextHop(text: string, device: string, destination: Ip): string | null {
  if (destination.family !== 4) return null
  let best: { mask: bigint; metric: number; gateway: string | null; device: string } | null = null
  for (const line of text.split('\n').slice(1)) {
    const [name, to, gateway, flags, , , metric, mask] = line.trim().split(/\s+/)
    const network = hex(to)
    const hop = hex(gateway)
    const bits = hex(mask)
    const flag = Number.parseInt(flags ?? '', 16)
    if (name === undefined || network === null || hop === null || bits === null || !(flag & up)) continue
    if ((destination.value & bits) !== network) continue
    const weight = Number(metric)
    if (best !== null && (best.mask > bits || (best.mask === bits && best.metric <= weight))) continue
    best = {
      mask: bits,
      metric: weight,
      gateway: flag & viaGateway ? formatIp({ family: 4, value: hop }) : null,
      device: name,
    }
  }
  return best?.device === device ? best.gateway : null
}
