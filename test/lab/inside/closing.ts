/** Starts a lab on loopback, uses it, closes it, and must then end by itself: whatever is left would keep it alive. */
import { readFileSync } from 'node:fs'
import { connect } from 'node:tls'
import { startLab } from '../../../lab/lab.ts'
import { loadScenario } from '../../../lab/scenario.ts'
import type { HostAccess } from '../../../model/host.ts'

const clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() }
const scenario = await loadScenario('demo')
const slow = { ...scenario, api: { latency: { all: 3600 } } }
const lab = await startLab(slow, { mode: 'mapped', clock, timed: true })
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
// an answer that takes its time is under way as well
const asked = fetch(String(lab.apiUrl), { method: 'POST', body: 'Action=DescribeVpcs&Version=2016-11-15' })
asked.catch(() => undefined)
while (lab.apiRequests().length === 0) await new Promise((resolve) => setImmediate(resolve))
// a change is under way when the end comes
void lab.apply('route-taken-away')
await lab.close()
await lab.close()
await gone
