import * as z from 'zod'
import { parseEgressUrl } from '../../probes/egress-url.ts'
import { defaults } from './defaults.ts'
import { duration, flag, name, readable } from './fields.ts'
import type { Read } from './units.ts'

const map = { error: 'a map' }

/** Reads the destination of an egress check, `tcp://1.1.1.1:443`; kept as it is written. */
export function readEgressUrl(text: string): Read<string> {
  const read = parseEgressUrl(text)
  return read.ok ? { ok: true, value: text } : { ok: false, problem: read.problem, expected: read.expected }
}

export const egressCheckSchema = z
  .strictObject(
    {
      name: name('The name of the check.'),
      url: readable(
        {
          description:
            'The destination: tcp, tls, udp, dns, doh, ntp, http or https, each something that would answer. A name is tried by IPv4 and IPv6.',
          expected: 'a URL like tcp://1.1.1.1:443',
          examples: ['tcp://1.1.1.1:443', 'dns://9.9.9.9/example.com', 'https://example.com'],
          pattern: '^(tcp|tls|udp|dns|doh|ntp|https?)://',
        },
        readEgressUrl,
      ),
      control: name('The target that must be reachable by the same means.'),
      proxy: flag(
        'For http and https: to go as software does that heeds the proxy variables of the environment. Nothing else here heeds them.',
      ).prefault(false),
    },
    map,
  )
  .meta({ description: 'A destination that must not be reachable.' })

/** What concerns several keys at once is checked in `check-egress.ts`. */
export const egressSchema = z
  .strictObject(
    {
      every: duration(
        'Time between two looks at each; an opening that is shorter can be missed.',
        5,
        3600,
        '60s',
      ).prefault(defaults.egress.every),
      // below that the second SYN has no time (RFC 6298 section 2.1: after 1 s)
      timeout: duration('How long one look at one address may take.', 2, 30, '5s').prefault(
        defaults.egress.timeout,
      ),
      must_fail: z
        .array(egressCheckSchema, { error: 'a list of destinations' })
        .max(200, { error: 'at most 200 entries' })
        .meta({ description: 'Destinations that must not be reachable. None is tried by default.' })
        .prefault([]),
    },
    map,
  )
  .meta({ description: 'Ways out that must be closed.' })

export const postureSchema = z
  .strictObject(
    { enabled: flag('Whether they are looked at, where the account is read.').prefault(true) },
    map,
  )
  .meta({
    description: 'Named facts of the account and the host, beside the verdicts and never part of them.',
  })
