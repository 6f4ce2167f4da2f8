import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import type { Family } from '../model/observation.ts'
import { redact } from '../model/redact.ts'
import { safeText } from '../model/text.ts'

/** A host name in its canonical form, or an address literal, or why it is neither. */
export type HostnameSyntax =
  | { ok: true; hostname: string; labels: string[]; family: null }
  | { ok: true; hostname: string; labels: []; family: Family }
  | { ok: false; error: string }

const longestName = 253
const longestLabel = 63

/**
 * Reads a host name as DNS sees it (RFC 1035 2.3.4, RFC 1123 2.1, RFC 5891): ASCII lower case, one trailing dot
 * dropped, internationalised labels as punycode. Underscores are let through (old S3 buckets have them). IPv4 only as
 * four plain decimals, IPv6 with or without brackets, never with a zone. Whatever some software would silently turn
 * into another name (white space, full-width letters, `127.1`) is an error. Never throws.
 */
export function readHostname(text: string): HostnameSyntax {
  if (text === '') return no('the host name is empty')
  if (/[\u0000-\u001F\u007F-\u009F]/.test(text)) return no('a host name has no control characters')
  if (text.length > 1024) return no(tooLong(text.length))
  if (/\s/u.test(text)) return no('a host name has no white space')
  const literal = readAddress(text)
  if (literal !== null) return literal
  const named = text.endsWith('.') ? text.slice(0, -1) : text
  if (named === '') return no('the host name is empty: a dot alone is the DNS root')
  const labels: string[] = []
  for (const raw of named.split('.')) {
    const label = readLabel(raw)
    if (!label.ok) return label
    labels.push(label.label)
  }
  const hostname = labels.join('.')
  if (hostname.length > longestName) return no(tooLong(hostname.length))
  if (/^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')) {
    return no(
      `${quoted(text)} ends in a number but is no IPv4 address: expected four decimal numbers such as 10.0.0.1`,
    )
  }
  return { ok: true, hostname, labels, family: null }
}

function readAddress(text: string): HostnameSyntax | null {
  const bracketed = /^\[(.*)\]$/.exec(text)
  const address = bracketed?.[1] ?? text
  const family = isIP(address)
  if (address.includes('%') && (bracketed !== null || address.includes(':'))) {
    return no(`${quoted(text)} has a zone: an address of one link says nothing about a path`)
  }
  if (family === 4 && bracketed === null) return { ok: true, hostname: address, labels: [], family }
  if (family === 6) return { ok: true, hostname: address.toLowerCase(), labels: [], family }
  if (bracketed !== null) return no(`${quoted(text)}: in brackets an IPv6 address was expected`)
  if (text.includes('@'))
    return no(`${quoted(text.slice(text.lastIndexOf('@') + 1))}: user information is no part of a host name`)
  if (text.includes(':')) return no(`${quoted(text)}: a port or scheme is no part of a host name`)
  return null
}

function readLabel(raw: string): { ok: true; label: string } | { ok: false; error: string } {
  if (raw === '') return no('the host name has an empty label (two dots in a row, or a dot in front)')
  let label = raw.toLowerCase()
  if (/[^\u0000-\u007F]/.test(raw)) {
    label = domainToASCII(raw.normalize('NFC'))
    // Full-width letters, ideographic dots and the like would become another, plain name without a trace.
    if (!label.startsWith('xn--') || label.includes('.')) {
      return no(
        `label ${quoted(raw)} has characters that only look like letters, digits or dots: write it in ASCII`,
      )
    }
  }
  const wrong = /[^a-z0-9_-]/.exec(label)
  if (wrong !== null)
    return no(`label ${quoted(raw)} has the character ${quoted(wrong[0])}, which no host name has`)
  if (label.length > longestLabel) {
    return no(
      `label ${quoted(raw)} has ${label.length} characters, at most ${longestLabel} are possible (RFC 1035)`,
    )
  }
  return { ok: true, label }
}

function tooLong(length: number): string {
  return `the host name has ${length} characters, at most ${longestName} are possible (RFC 1035)`
}

/** What was given may be a whole URL with its signature: redacted before it is cut. */
function quoted(text: string): string {
  return `"${safeText(redact(safeText(text, 4096)), 60)}"`
}

function no(error: string): { ok: false; error: string } {
  return { ok: false, error }
}
