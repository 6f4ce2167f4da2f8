import * as fc from 'fast-check'
import type { Cidr } from '../../net/cidr.ts'
import type { Ip } from '../../net/ip.ts'

/** Addresses of one family, evenly over all bits. */
export function anyIp(family: 4 | 6): fc.Arbitrary<Ip> {
  const max = (1n << (family === 4 ? 32n : 128n)) - 1n
  return fc.bigInt({ min: 0n, max }).map((value) => ({ family, value }))
}

export function hostMask(family: 4 | 6, length: number): bigint {
  return (1n << BigInt((family === 4 ? 32 : 128) - length)) - 1n
}

/** The prefix of `length` bits around an address, by its own arithmetic and not the product's. */
export function around({ family, value }: Ip, length: number): Cidr {
  return { family, value: value - (value & hostMask(family, length)), length }
}

export function anyCidr(family: 4 | 6): fc.Arbitrary<Cidr> {
  return fc
    .tuple(anyIp(family), fc.integer({ min: 0, max: family === 4 ? 32 : 128 }))
    .map(([ip, length]) => around(ip, length))
}

/** Brute force: whether the prefix holds the address, by its first and last address. */
export function holds(prefix: Cidr, ip: Ip): boolean {
  const last = prefix.value + hostMask(prefix.family, prefix.length)
  return prefix.family === ip.family && prefix.value <= ip.value && ip.value <= last
}

const pieces = [
  ...'0 1 10 01 25 255 256 0x a f F ffff fffff g . : :: / /8 /08 /33 /128 % %eth0 - [ ]'.split(' '),
  ' ',
  '\0',
  '\u0661',
]

/** Texts near addresses and prefixes: pieces of good ones, put together at random. */
export const nearText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.array(fc.constantFrom(...pieces), { maxLength: 18 }).map((parts) => parts.join('')),
  fc.ipV4(),
  fc.ipV4Extended(),
  fc.ipV6(),
)
