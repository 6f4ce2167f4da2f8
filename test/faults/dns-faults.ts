import type { Answer } from 'dns-packet'
import { AA, type Asked, RA, response, TC } from '../probes/dns-server.ts'
import type { Fault } from './play.ts'
import type { Stage } from './stage.ts'

/** In S3's list, so that the gateway endpoint takes it; and outside, so that the NAT gateway does. */
const inList = '52.216.8.53'
const outside = '209.54.177.164'
const inVpc = '10.0.1.77'

const a = (name: string, data: string, ttl = 5): Answer => ({ type: 'A', name, ttl, data })

/** The name servers answer as `script` says. */
const answers = (script: (asked: Asked, ordinary: () => Answer[]) => void) => (stage: Stage) => {
  stage.switches.dns = script
}

/** A answers with these addresses, AAAA with none. */
const give = (...addresses: string[]) =>
  answers((asked) => asked.answer(asked.type === 'A' ? addresses.map((one) => a(asked.name, one)) : []))

const servfail = 2
const nxdomain = 3

const errors = (reason: string) => `pathproof_probe_errors_total{probe="dns",reason="${reason}"}`

export const dnsFaults: readonly Fault[] = [
  {
    fault: 'the resolver never answers',
    begin: answers(() => undefined),
    target: { timeout: '300ms' },
    state: 'undetermined',
    because: /A of system \(10\.0\.0\.2:53\) failed \(timeout\)/,
    metrics: { [errors('timeout')]: { grewBy: 2 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'dns', reason: 'timeout' },
  },
  {
    fault: 'SERVFAIL',
    begin: answers((asked) => asked.answer([], { rcode: servfail })),
    state: 'undetermined',
    because: /failed \(dns SERVFAIL\)/,
    metrics: { [errors('dns')]: { grewBy: 2 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'dns', reason: 'dns', code: 'SERVFAIL' },
  },
  {
    fault: 'SERVFAIL for AAAA only, while A is private',
    begin: (stage) =>
      answers((asked, ordinary) =>
        asked.type === 'AAAA' ? asked.answer([], { rcode: servfail }) : asked.answer(ordinary()),
      )(stage),
    // this host has no IPv6, so what AAAA would have said changes nothing
    state: 'private',
    metrics: { [errors('dns')]: { grewBy: 1 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'dns', reason: 'dns', code: 'SERVFAIL' },
  },
  {
    fault: 'NXDOMAIN',
    begin: answers((asked) => asked.answer([], { rcode: nxdomain, flags: RA | AA })),
    state: 'blocked',
    because: /does not exist/,
    metrics: { [errors('dns')]: { grew: 0 }, 'pathproof_addresses{$,state="blocked"}': 0 },
    log: { event: 'verdict', state: 'blocked', because: /does not exist/ },
  },
  {
    fault: 'truncated over UDP, whole over TCP',
    begin: answers((asked, ordinary) => {
      if (asked.transport === 'udp') asked.send(response(asked.query, [], { flags: RA | TC }))
      else asked.answer(ordinary())
    }),
    state: 'private',
    metrics: { 'pathproof_addresses{$,state="private"}': { grewBy: 1 } },
    log: { event: 'verdict', state: 'private' },
  },
  {
    fault: 'truncated, and over TCP too',
    begin: answers((asked, ordinary) =>
      asked.send(response(asked.query, ordinary().slice(0, 1), { flags: RA | TC })),
    ),
    state: 'undetermined',
    because: /was cut short/,
    metrics: { [errors('dns')]: { grewBy: 1 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'dns', reason: 'truncated' },
  },
  {
    fault: 'private and public answers mixed',
    begin: give(inList, outside),
    cycles: 2,
    state: 'mixed',
    because: /1 of 2 known addresses took a public path/,
    metrics: {
      'pathproof_addresses{$,state="private"}': 1,
      'pathproof_addresses{$,state="public"}': 1,
    },
    log: { event: 'verdict', state: 'mixed' },
  },
  {
    fault: 'a CNAME loop',
    begin: answers((asked) =>
      asked.answer([
        { type: 'CNAME', name: asked.name, ttl: 5, data: 'loop.example' },
        { type: 'CNAME', name: 'loop.example', ttl: 5, data: asked.name },
      ]),
    ),
    state: 'undetermined',
    because: /failed \(dns CNAME_LOOP\)/,
    metrics: { [errors('dns')]: { grewBy: 2 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'dns', reason: 'dns', code: 'CNAME_LOOP' },
  },
  {
    fault: 'TTL 0',
    begin: answers((asked) => asked.answer(asked.type === 'A' ? [a(asked.name, inList, 0)] : [])),
    cycles: 2,
    // an address that may be forgotten at once is held all the same
    state: 'private',
    metrics: { 'pathproof_addresses{$,state="private"}': 1 },
    log: { event: 'verdict', state: 'private' },
  },
  {
    fault: 'the answer changes while the name is looked at',
    begin(stage) {
      let asked = 0
      answers((one) => {
        if (one.type !== 'A') one.answer([])
        else one.answer([a(one.name, asked++ === 0 ? inList : outside)])
      })(stage)
    },
    cycles: 2,
    // what was answered first stays known, and so does what came after
    state: 'mixed',
    metrics: {
      'pathproof_addresses{$,state="private"}': 1,
      'pathproof_addresses{$,state="public"}': 1,
    },
    log: { event: 'verdict', state: 'mixed' },
  },
  {
    fault: 'IPv6 only, on a host without IPv6',
    begin: answers((asked) =>
      asked.answer(
        asked.type === 'AAAA'
          ? [{ type: 'AAAA', name: asked.name, ttl: 5, data: '2600:1fa0:80a0:a4c1:34d8:1234::' }]
          : [],
      ),
    ),
    state: 'blocked',
    metrics: {
      'pathproof_addresses{$,state="blocked"}': 1,
      'pathproof_probe_errors_total{probe="tls",reason="no_local_route"}': { grewBy: 1 },
    },
    log: { event: 'probe_failed', level: 'warn', probe: 'tls', reason: 'no_local_route' },
  },
  {
    fault: 'a hijacked resolver leads to an address in the VPC that nobody knows',
    begin: give(inVpc),
    target: { timeout: '300ms' },
    state: 'undetermined',
    metrics: {
      'pathproof_addresses{$,state="undetermined"}': 1,
      'pathproof_probe_errors_total{probe="tls",reason="timeout"}': { grewBy: 1 },
    },
    log: { event: 'probe_failed', level: 'warn', probe: 'tls', reason: 'timeout' },
  },
  {
    fault: 'a hijacked resolver leads to a server of its own, in the range of the list',
    async begin(stage) {
      const { hijacker } = await import('./far-ends.ts')
      stage.switches.dial = stage.divert(await hijacker(stage))
      give(inList)(stage)
    },
    state: 'undetermined',
    metrics: {
      'pathproof_addresses{$,state="undetermined"}': 1,
      'pathproof_probe_errors_total{probe="tls",reason="tls"}': { grewBy: 1 },
    },
    log: { event: 'probe_failed', level: 'warn', probe: 'certificate', reason: 'unknown_issuer' },
  },
  {
    fault: 'answers that nobody can read',
    begin: answers((asked) => {
      const garbage = response(asked.query, [])
      garbage.writeUInt16BE(9, 6)
      asked.send(garbage)
    }),
    target: { timeout: '300ms' },
    state: 'undetermined',
    metrics: { [errors('dns')]: { grewBy: 2 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'dns', reason: 'dns', code: 'EBADRESP' },
  },
]
