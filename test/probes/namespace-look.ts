// Run by a test inside a network namespace of its own: asks this host's probes and prints what they say, as JSON.
import type { HostRoute } from '../../model/observation.ts'
import { failureOf } from '../../probes/failure.ts'
import { familyUsable } from '../../probes/family.ts'
import { systemDial, systemHost } from '../../probes/host.ts'
import { connectTcp } from '../../probes/socket.ts'
import { startDeadline } from '../../probes/deadline.ts'
import { loopWatch } from '../../probes/loop-watch.ts'

const host = systemHost({})
const stamp = { id: '1', wallMs: 0, monotonicMs: 0, bootId: '', snapshot: null, configuration: null }
const questions = process.argv.slice(2).map((text) => text.split(','))
const routes: HostRoute[] = []
const failures = []
for (const [destination, source] of questions) {
  routes.push(await host.hostRoute(destination ?? '', source ?? null))
  const deadline = startDeadline(0.2, new AbortController().signal, host.clock)
  const to = {
    address: destination ?? '',
    port: 443,
    family: destination?.includes(':') ? 6 : 4,
    localAddress: null,
  } as const
  const connected = await connectTcp(to, systemDial, { clock: host.clock, loop: loopWatch() }, deadline)
  deadline.close()
  failures.push(connected.ok ? null : connected.failure)
}
let badDial = null
try {
  systemDial({ address: 'localhost', port: 1, family: 4, localAddress: null })
} catch (error) {
  badDial = failureOf(error, { phase: 'connect', afterSeconds: 0 })
}
const families = ([4, 6] as const).map((family) => familyUsable(family, host.addresses(), routes, stamp))
process.stdout.write(JSON.stringify({ routes, failures, families, badDial, addresses: host.addresses() }))
