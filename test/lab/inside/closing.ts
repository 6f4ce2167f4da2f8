/** Starts a lab on loopback, uses it, closes it, and must then end by itself: whatever is left would keep it alive. */
import { readFileSync } from 'node:fs'
import { connect } from 'node:tls'
import { startLab } from '../../../lab/lab.ts'
import { loadScenario } from '../../../lab/scenario.ts'
import type { HostAccess } from '../../../model/host.ts'

const clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() }
const lab = await startLab(await loadScenario('demo'), { mode: 'mapped', clock, timed: true })
const host = lab.hostAccess({ clock, environment: {} } as HostAccess)
const { socket } = host.dial({ address: '52.216.8.53', port: 443, family: 4, localAddress: null })
await new Promise((resolve) => socket.once('connect', resolve))
const tls = connect({
  socket,
  servername: 's3.us-east-1.amazonaws.com',
  ca: readFileSync(lab.caFile, 'utf8'),
})
await new Promise((resolve) => tls.once('secureConnect', resolve))
tls.on('error', () => undefined)
const gone = new Promise((resolve) => tls.once('close', resolve))
await host.lookup('sts.amazonaws.com')
// a change is under way when the end comes
void lab.apply('route-taken-away')
await lab.close()
await lab.close()
await gone
