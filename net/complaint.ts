import { redact } from '../model/redact.ts'
import { longestAddressText } from './read.ts'

const longestQuote = longestAddressText + '/128'.length

/** Whether a text could be a URL or header with a signature, a token or a password in it: then no part of it is quoted. */
export function mayHoldSecret(text: string): boolean {
  return /[?&=@]|%(25)*(26|3d|3f|40)/i.test(text)
}

/**
 * `text` in quotes for an error message: ASCII only (other characters, controls and terminal escapes as \uXXXX), redacted, only
 * its beginning if it is longer than any prefix, and nothing but its length if it may hold a secret.
 */
export function quoteInput(text: string): string {
  if (mayHoldSecret(text)) return `a text of ${text.length} characters`
  const shown = redact(text.length > longestQuote ? `${text.slice(0, 24)}...` : text)
  return JSON.stringify(shown).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

const expectedIpv4 = 'expected four decimal octets of 0 to 255 without leading zeros, like "10.0.0.1"'
const expectedIpv6 =
  'expected eight groups of 1 to 4 hexadecimal digits, one run of zeros as "::", like "2001:db8::1"'
const expectedIp = 'expected an IPv4 or IPv6 address, like "10.0.0.1" or "2001:db8::1"'

function ipv4Trouble(text: string): string {
  const octets = text.split('.')
  if (octets.length !== 4) {
    return `it has ${octets.length} ${octets.length === 1 ? 'octet' : 'octets'}`
  }
  for (const octet of octets) {
    const quoted = quoteInput(octet)
    if (octet === '') return 'an octet is empty'
    if (!/^[0-9]+$/.test(octet)) return `the octet ${quoted} is not a decimal number`
    if (octet.length > 1 && octet.startsWith('0')) {
      return `the octet ${quoted} has a leading zero, which some programs read as octal`
    }
    if (octet.length > 3 || Number(octet) > 255) return `the octet ${quoted} is more than 255`
  }
  return 'it is malformed'
}

function ipv6Trouble(text: string): string {
  const gaps = text.split('::').length - 1
  if (text.includes(':::')) return 'it has more than two colons in a row'
  if (gaps > 1) return 'it has more than one "::"'
  if (/^:[^:]/.test(text) || /[^:]:$/.test(text)) return 'it begins or ends with a single colon'
  const groups = text.split(':').filter((group) => group !== '')
  const last = groups.at(-1)
  const tail = last?.includes('.') ? last : null
  if (tail !== null) groups.pop()
  for (const group of groups) {
    if (!/^[0-9a-f]+$/i.test(group)) return `the group ${quoteInput(group)} is not a hexadecimal number`
    if (group.length > 4) return `the group ${quoteInput(group)} has more than 4 digits`
  }
  if (tail !== null && !text.endsWith(tail)) return 'an IPv4 part may only stand at its end'
  if (tail !== null && /^(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}$/.test(tail) === false) {
    return `in its IPv4 part ${ipv4Trouble(tail)}`
  }
  const count = groups.length + (tail === null ? 0 : 2)
  if (gaps === 1 && count >= 8) return '"::" stands for no group'
  if (gaps === 0 && count !== 8) return `it has ${count} ${count === 1 ? 'group' : 'groups'}`
  return tail === null ? 'it is malformed' : `in its IPv4 part ${ipv4Trouble(tail)}`
}

/** One sentence on why `text`, which the readers refused, is not an address, and what was expected. Never throws. */
export function whyNotIp(text: string): string {
  const quoted = quoteInput(text)
  if (text === '') return `the address is empty; ${expectedIp}`
  if (mayHoldSecret(text)) return `${quoted} is not an IP address; ${expectedIp}`
  if (text.length > longestQuote) {
    return `${quoted} is not an IP address: it has ${text.length} characters; ${expectedIp}`
  }
  if (/\s/.test(text)) return `${quoted} is not an IP address: it has white space in it; ${expectedIp}`
  if (text.includes('%')) {
    return `${quoted} has a zone id, which means something on one host only; expected the address without it`
  }
  if (/^[^/]+\/[0-9]*$/.test(text))
    return `${quoted} is not a single address; expected one without "/" and length`
  if (/^\[.*\](:[0-9]+)?$/.test(text) || /^[0-9.]+:[0-9]+$/.test(text)) {
    return `${quoted} has brackets or a port; expected the bare address`
  }
  if (/^0x[0-9a-f]/i.test(text) || /^[0-9]+$/.test(text) || /^[0-9][0-9a-fx]*(\.[0-9a-fx]*)+$/i.test(text)) {
    return `${quoted} is not an IPv4 address: ${ipv4Trouble(text)}; ${expectedIpv4}`
  }
  if (text.includes(':')) return `${quoted} is not an IPv6 address: ${ipv6Trouble(text)}; ${expectedIpv6}`
  return `${quoted} is not an IP address; ${expectedIp}`
}
