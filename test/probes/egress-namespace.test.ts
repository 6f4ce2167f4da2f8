/** How a way out looks over real packets: a router that refuses or swallows, a far end that answers, this host's own refusal. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { EgressLook } from '../../model/egress.ts'
import { egressState } from '../../probes/egress-state.ts'
import { parseEgressUrl } from '../../probes/egress-url.ts'
import { needs, titled } from '../support/needs.ts'

const here = import.meta.dirname

function lookAll(urls: readonly string[]): Record<string, EgressLook[]> {
  const script = [
    '-rnm',
    'sh',
    join(here, 'egress-network.sh'),
    process.execPath,
    join(here, 'egress-far.ts'),
  ]
  const text = execFileSync('unshare', [...script, join(here, 'egress-look.ts'), ...urls], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return JSON.parse(text) as Record<string, EgressLook[]>
}

const control = (good: boolean) => ({
  target: 'a',
  good,
  because: good ? 'c is good' : 'c is bad',
  atMs: null,
})
const controls = (good: boolean) => ({ same: control(good), any: control(good) })

/** URL, how far, why no further, whose word, the state beside a good control, and beside a bad one. */
const expected: [string, string, string | null, boolean, string, string][] = [
  ['tcp://198.51.100.2:8443', 'tcp', null, false, 'open', 'open'],
  ['tcp://[2001:500::2]:8443', 'tcp', null, false, 'open', 'open'],
  ['https://198.51.100.2:8443', 'tcp', 'timeout', false, 'open', 'open'],
  ['dns://198.51.100.2', 'answer', null, false, 'open', 'open'],
  ['dns://[2001:500::2]', 'answer', null, false, 'open', 'open'],
  // what listens says nothing: so far as can be seen, nothing came through
  ['ntp://198.51.100.2', 'nothing', 'timeout', false, 'blocked', 'untestable'],
  ['udp://198.51.100.2:443', 'nothing', 'refused', false, 'open', 'untestable'],
  ['tcp://198.51.100.2:9', 'nothing', 'refused', false, 'open', 'untestable'],
  ['tcp://[2001:500::2]:9', 'nothing', 'refused', false, 'open', 'untestable'],
  ['udp://[2001:500::2]:9', 'nothing', 'refused', false, 'open', 'untestable'],
  // the router's word: unreachable, prohibited (EACCES by IPv6, as if this host had said it), silence
  ['tcp://203.0.113.1:443', 'nothing', 'unreachable', false, 'open', 'untestable'],
  ['tcp://203.0.113.2:443', 'nothing', 'unreachable', false, 'open', 'untestable'],
  ['tcp://203.0.113.3:443', 'nothing', 'timeout', false, 'blocked', 'untestable'],
  ['tcp://[2001:501::1]:443', 'nothing', 'unreachable', false, 'open', 'untestable'],
  ['tcp://[2001:502::1]:443', 'nothing', 'denied', false, 'open', 'untestable'],
  ['dns://[2001:502::1]', 'nothing', 'denied', false, 'open', 'untestable'],
  ['tcp://[2001:503::1]:443', 'nothing', 'timeout', false, 'blocked', 'untestable'],
  ['dns://203.0.113.3', 'nothing', 'timeout', false, 'blocked', 'untestable'],
  ['udp://203.0.113.3:443', 'nothing', 'timeout', false, 'untestable', 'untestable'],
  // this host's own word
  ['tcp://192.0.2.1:443', 'nothing', 'unreachable', true, 'blocked', 'untestable'],
  ['tcp://192.0.2.2:443', 'nothing', 'denied', true, 'blocked', 'untestable'],
  ['tcp://192.0.2.3:443', 'nothing', 'unreachable', true, 'blocked', 'untestable'],
  ['dns://192.0.2.1', 'nothing', 'unreachable', true, 'blocked', 'untestable'],
  ['ntp://192.0.2.2', 'nothing', 'denied', true, 'blocked', 'untestable'],
]

const missing = await needs('namespaces', 'ip')

describe.skipIf(missing !== null)(titled('over a router', missing), () => {
  it('each way of failing is told from the others', { timeout: 20_000 }, () => {
    const seen = lookAll(expected.map(([url]) => url))
    const got = expected.map(([url]) => {
      const [look] = seen[url] ?? []
      const destination = parseEgressUrl(url)
      if (look === undefined || !destination.ok) throw new Error(url)
      const states = [true, false].map((good) => egressState(destination.value, look, controls(good)).state)
      return [url, look.reached, look.failure?.type ?? null, look.atOnce, ...states]
    })
    expect(got).toEqual(expected)
  })

  it('without IPv6 and without a route nothing leaves, and the kernel says so', { timeout: 20_000 }, () => {
    const setUp = 'ip link set lo up; ip -6 addr flush dev lo; exec "$0" "$@"'
    const urls = [
      'tcp://1.1.1.1:443',
      'tcp://[2606:4700::1111]:443',
      'dns://1.1.1.1',
      'dns://[2606:4700::1111]',
    ]
    const text = execFileSync(
      'unshare',
      ['-rn', 'sh', '-ec', setUp, process.execPath, join(here, 'egress-look.ts'), ...urls],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    const seen = JSON.parse(text) as Record<string, EgressLook[]>
    for (const url of urls)
      expect([url, seen[url]]).toEqual([
        url,
        [
          expect.objectContaining({
            reached: 'nothing',
            atOnce: true,
            failure: expect.objectContaining({ type: 'no_local_route' }) as object,
          }),
        ],
      ])
  })
})
