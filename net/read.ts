/**
 * Reading addresses from character codes: no allocation, no errors, only yes or no. What the parsers accept is decided
 * here and nowhere else.
 */

const dot = 0x2e
const colon = 0x3a
const zero = 0x30

/** The longest text that can be an address: eight groups with a dotted tail. */
export const longestAddressText = '0000:0000:0000:0000:0000:ffff:255.255.255.255'.length

/**
 * The four octets at `text[start..end)` as an unsigned 32-bit number, or -1. Only the canonical form counts: four decimal
 * octets of 0 to 255 without leading zeros, for other readings of `010.0.0.1` or `0xa.0.0.1` differ from program to program.
 */
export function readIpv4(text: string, start: number, end: number): number {
  // "0.0.0.0" to "255.255.255.255"
  if (end - start < 7 || end - start > 15) return -1
  let value = 0
  let i = start
  for (let octets = 0; octets < 4; octets++) {
    if (octets > 0 && (i >= end || text.charCodeAt(i++) !== dot)) return -1
    if (i >= end) return -1
    // digits by hand and not by a loop: reading the text is most of a look-up
    let octet = text.charCodeAt(i++) - zero
    if (octet < 0 || octet > 9) return -1
    let code = i < end ? text.charCodeAt(i) : dot
    if (code !== dot) {
      // a digit after a leading zero is no decimal number to us
      if (code < zero || code > zero + 9 || octet === 0) return -1
      octet = octet * 10 + code - zero
      code = ++i < end ? text.charCodeAt(i) : dot
      if (code !== dot) {
        if (code < zero || code > zero + 9) return -1
        octet = octet * 10 + code - zero
        if (octet > 255) return -1
        i++
      }
    }
    value = (value << 8) | octet
  }
  return i === end ? value >>> 0 : -1
}

/** The value of each hexadecimal digit by its code, -1 for every other code below 128. */
const hexDigits = Int8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code)
  return /[0-9a-f]/i.test(character) ? Number.parseInt(character, 16) : -1
})

/** -1 also for codes of 128 and more: the sign bit of the difference, without a branch per character. */
function hexDigit(code: number): number {
  return hexDigits[code & 127]! | ((127 - code) >> 31)
}

/**
 * Writes the eight 16-bit groups of an IPv6 address into `groups` (length 8) and says whether `text` was one: any spelling
 * of RFC 4291 section 2.2, with a canonical IPv4 tail, without zone id or brackets. After a `false` the groups are undefined.
 */
export function readIpv6(text: string, groups: Uint16Array): boolean {
  const end = text.length
  if (end < 2 || end > longestAddressText) return false
  let count = 0
  let gap = -1
  let i = 0
  if (text.charCodeAt(0) === colon) {
    if (text.charCodeAt(1) !== colon) return false
    gap = 0
    i = 2
  }
  while (i < end) {
    const start = i
    let value = hexDigit(text.charCodeAt(i++))
    if (value < 0 || count === 8) return false
    // one to four digits; then `code` is what stands behind them, if anything does
    let code = i < end ? text.charCodeAt(i) : colon
    let digit = hexDigit(code)
    if (digit >= 0) {
      value = (value << 4) | digit
      code = ++i < end ? text.charCodeAt(i) : colon
      digit = hexDigit(code)
      if (digit >= 0) {
        value = (value << 4) | digit
        code = ++i < end ? text.charCodeAt(i) : colon
        digit = hexDigit(code)
        if (digit >= 0) {
          value = (value << 4) | digit
          code = ++i < end ? text.charCodeAt(i) : colon
        }
      }
    }
    if (code === dot) {
      const tail = count <= 6 ? readIpv4(text, start, end) : -1
      if (tail < 0) return false
      groups[count++] = tail >>> 16
      groups[count++] = tail & 0xffff
      break
    }
    groups[count++] = value
    if (i === end) break
    if (code !== colon || ++i === end) return false
    if (text.charCodeAt(i) === colon) {
      if (gap >= 0) return false
      gap = count
      i++
    }
  }
  if (gap < 0) return count === 8
  // "::" stands for at least one group of zeros
  if (count === 8) return false
  const shift = 8 - count
  for (let at = 7; at >= gap + shift; at--) groups[at] = groups[at - shift]!
  for (let at = gap; at < gap + shift; at++) groups[at] = 0
  return true
}
