import { Socket } from 'node:net'
import { createAuthority } from '../../lab/certificates.ts'
import { tcpEnd, tlsEnd } from './far-ends.ts'
import type { Fault } from './play.ts'
import { closedPort, hostAddress, type Stage } from './stage.ts'

const dayMs = 86_400_000

const errors = (reason: string) => `pathproof_probe_errors_total{probe="tls",reason="${reason}"}`
const notAfter = 'pathproof_tls_certificate_not_after_timestamp_seconds{$}'
const inDoubt = { 'pathproof_addresses{$,state="undetermined"}': { grewBy: 1 } } as const

/** Every connection leads to this port of this machine. */
const leadTo = (port: (stage: Stage) => Promise<number>) => async (stage: Stage) => {
  stage.switches.dial = stage.divert(await port(stage))
}

/** Connecting fails with this code, as the kernel says it at once. */
const failing = (code: string) => (stage: Stage) => {
  stage.switches.dial = () => {
    const socket = new Socket()
    const error = Object.assign(new Error(`connect ${code}`), { code, syscall: 'connect' })
    process.nextTick(() => socket.destroy(error))
    return { socket, local: () => null }
  }
}

/** Packets are lost: a connection is being opened until it is given up. */
function blackHole(stage: Stage): void {
  stage.switches.dial = () => {
    const socket = new Socket()
    Object.assign(socket, { connecting: true })
    return { socket, local: () => ({ address: hostAddress, port: 40_000 }) }
  }
}

/** S3 by its gateway endpoint, and a proxy that may come between; this host's own store has its root. */
export const socketScenario = `name: socket-faults
title: S3 by its gateway endpoint
story: What the network and the far end do wrong.
proxyTrusted: true
names: [{ target: artifacts, hostname: artifacts-lab.s3.us-east-1.amazonaws.com }]
steps:
  - { after: 1s, name: intercept, title: A proxy intercepts, change: { services: [{ id: s3, certificate: intercepted }] } }
  - { after: 2s, name: leave-alone, title: It is gone, change: { services: [{ id: s3, certificate: aws }] } }
expect: [{ hostname: artifacts-lab.s3.us-east-1.amazonaws.com, state: private }]
`

export const tcpFaults: readonly Fault[] = [
  {
    fault: 'refused',
    begin: leadTo(closedPort),
    // something answered, by whatever way
    state: 'undetermined',
    metrics: { ...inDoubt, [errors('refused')]: { grewBy: 1 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'tls', reason: 'refused' },
  },
  {
    fault: 'a black hole',
    begin: blackHole,
    target: { timeout: '200ms' },
    cycles: 4,
    // no other target connected meanwhile: it may be the whole network that is away
    state: 'undetermined',
    metrics: { ...inDoubt, [errors('timeout')]: { grewBy: 4 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'tls', reason: 'timeout' },
  },
  {
    fault: 'a black hole, while another target connects',
    begin(stage) {
      blackHole(stage)
      stage.switches.dns = ({ type, name, answer }) =>
        answer(type === 'A' ? [{ type, name, ttl: 5, data: '52.216.8.53' }] : [])
    },
    beside: 'sts.us-east-1.amazonaws.com',
    target: { timeout: '200ms' },
    cycles: 3,
    state: 'blocked',
    metrics: { 'pathproof_addresses{$,state="blocked"}': 1, [errors('timeout')]: { grewBy: 3 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'tls', reason: 'timeout' },
  },
  {
    fault: 'a reset right behind the SYN',
    begin: leadTo((stage) => tcpEnd(stage, (socket) => void socket.resetAndDestroy())),
    state: 'undetermined',
    metrics: { ...inDoubt, [errors('reset')]: { grewBy: 1 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'tls', reason: 'reset' },
  },
  {
    fault: 'half open: TCP connects and nothing ever comes',
    begin: leadTo((stage) => tcpEnd(stage, () => undefined)),
    target: { timeout: '300ms' },
    state: 'undetermined',
    metrics: { ...inDoubt, [errors('timeout')]: { grewBy: 1 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'tls', reason: 'timeout' },
  },
  {
    fault: 'a rule of this host forbids the connection',
    begin: failing('EPERM'),
    state: 'undetermined',
    metrics: { ...inDoubt, [errors('denied')]: { grewBy: 1 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'tls', reason: 'denied', code: 'EPERM' },
  },
  {
    fault: 'no descriptor is left (EMFILE)',
    begin: failing('EMFILE'),
    state: 'undetermined',
    metrics: { ...inDoubt, [errors('resources')]: { grewBy: 1 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'tls', reason: 'resources', code: 'EMFILE' },
  },
]

export const tlsFaults: readonly Fault[] = [
  {
    fault: 'the certificate has expired',
    begin: leadTo((stage) =>
      tlsEnd(stage, { notBeforeMs: Date.now() - 90 * dayMs, notAfterMs: Date.now() - dayMs }),
    ),
    // the chain and the name are right, and the route is what makes it private
    state: 'private',
    metrics: { [notAfter]: { below: Date.now() / 1000 }, [errors('tls')]: { grewBy: 1 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'certificate', reason: 'expired' },
  },
  {
    fault: 'the certificate is for another name',
    begin: leadTo((stage) => tlsEnd(stage, { names: ['somebody-else.example'] })),
    state: 'undetermined',
    metrics: { ...inDoubt, [errors('tls')]: { grewBy: 1 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'certificate', reason: 'wrong_name' },
  },
  {
    fault: 'nobody knows who signed the certificate',
    begin: leadTo((stage) =>
      tlsEnd(stage, { by: createAuthority({ commonName: 'nobody', nowMs: Date.now() }) }),
    ),
    state: 'undetermined',
    metrics: { ...inDoubt, [errors('tls')]: { grewBy: 1 } },
    log: {
      event: 'probe_failed',
      level: 'warn',
      probe: 'certificate',
      reason: 'unknown_issuer',
      at: /issued by CN=nobody/,
    },
  },
  {
    fault: "a proxy intercepts, with a root that this host's own store knows",
    begin: (stage) => stage.lab.apply('intercept'),
    end: (stage) => stage.lab.apply('leave-alone'),
    state: 'undetermined',
    metrics: { ...inDoubt, [errors('tls')]: { grewBy: 1 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'certificate', reason: 'intercepted' },
  },
  {
    fault: 'the handshake is slow, and in time',
    begin: leadTo((stage) =>
      tlsEnd(stage, { wait: () => new Promise((resolve) => setTimeout(resolve, 600)) }),
    ),
    // longer than a handshake may keep its place in the queue
    state: 'private',
    metrics: { [errors('timeout')]: { grew: 0 } },
    log: { event: 'verdict', state: 'private' },
  },
  {
    fault: 'the handshake is too slow',
    begin: leadTo((stage) =>
      tlsEnd(stage, { wait: () => new Promise((resolve) => setTimeout(resolve, 600)) }),
    ),
    target: { timeout: '300ms' },
    state: 'undetermined',
    metrics: { ...inDoubt, [errors('timeout')]: { grewBy: 1 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'tls', reason: 'timeout' },
  },
  {
    fault: 'the far end hangs up without a byte',
    begin: leadTo((stage) => tcpEnd(stage, (socket) => void socket.end())),
    state: 'undetermined',
    metrics: { ...inDoubt, [errors('reset')]: { grewBy: 1 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'tls', reason: 'reset' },
  },
  {
    fault: 'what answers does not speak TLS',
    begin: leadTo((stage) => tcpEnd(stage, (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))),
    state: 'undetermined',
    metrics: { ...inDoubt, [errors('tls')]: { grewBy: 1 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'tls', reason: 'tls' },
  },
  {
    fault: 'the far end asks for renegotiation',
    begin: leadTo((stage) =>
      tlsEnd(stage, {
        maxVersion: 'TLSv1.2',
        secured: (socket) => void socket.renegotiate({ rejectUnauthorized: false }, () => undefined),
      }),
    ),
    target: { timeout: '1s' },
    // the session that was looked at is complete; what comes after it is not waited for beyond the time-out
    state: 'private',
    metrics: { [errors('tls')]: { grew: 0 } },
    log: { event: 'verdict', state: 'private' },
  },
]
