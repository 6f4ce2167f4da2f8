import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { failureOf } from '../../probes/failure.ts'
import { systemDial } from '../../probes/host.ts'

function error(code: string, syscall = 'connect') {
  return Object.assign(new Error('the message says ECONNREFUSED and lies'), { code, syscall })
}

const later = { phase: 'connect', afterSeconds: 3 } as const
const atOnce = { ...later, atOnce: true } as const

describe('failureOf', () => {
  it.each([
    ['ECONNREFUSED', { type: 'refused' }],
    ['ECONNRESET', { type: 'reset', code: 'ECONNRESET' }],
    ['EPIPE', { type: 'reset', code: 'EPIPE' }],
    ['ETIMEDOUT', { type: 'timeout', afterSeconds: 3 }],
    ['UND_ERR_CONNECT_TIMEOUT', { type: 'timeout', afterSeconds: 3 }],
    ['EHOSTUNREACH', { type: 'unreachable', code: 'EHOSTUNREACH' }],
    ['ENETUNREACH', { type: 'unreachable', code: 'ENETUNREACH' }],
    ['EPERM', { type: 'denied', code: 'EPERM' }],
    ['EACCES', { type: 'denied', code: 'EACCES' }],
    ['EAFNOSUPPORT', { type: 'denied', code: 'EAFNOSUPPORT' }],
    ['EMFILE', { type: 'resources', code: 'EMFILE' }],
    ['ENFILE', { type: 'resources', code: 'ENFILE' }],
    ['ENOBUFS', { type: 'resources', code: 'ENOBUFS' }],
    ['EADDRINUSE', { type: 'resources', code: 'EADDRINUSE' }],
    ['EADDRNOTAVAIL', { type: 'resources', code: 'EADDRNOTAVAIL' }],
    ['ENOTFOUND', { type: 'dns', code: 'ENOTFOUND' }],
    ['EAI_AGAIN', { type: 'dns', code: 'EAI_AGAIN' }],
    ['EAI_MEMORY', { type: 'resources', code: 'EAI_MEMORY' }],
    ['EPROTO', { type: 'tls', code: 'EPROTO' }],
    ['ERR_SSL_WRONG_VERSION_NUMBER', { type: 'tls', code: 'ERR_SSL_WRONG_VERSION_NUMBER' }],
    ['CERT_HAS_EXPIRED', { type: 'tls', code: 'CERT_HAS_EXPIRED' }],
    ['ABORT_ERR', { type: 'aborted' }],
    ['EINVAL', { type: 'internal', code: 'EINVAL' }],
    ['ESOMETHING', { type: 'internal', code: 'ESOMETHING' }],
  ])('%s', (code, expected) => {
    expect(failureOf(error(code), later)).toEqual(expected)
  })

  it('gives no_local_route to ENETUNREACH of connect() itself and to nothing else', () => {
    expect(failureOf(error('ENETUNREACH'), atOnce)).toEqual({ type: 'no_local_route', code: 'ENETUNREACH' })
    expect(failureOf(error('EHOSTUNREACH'), atOnce)).toEqual({ type: 'unreachable', code: 'EHOSTUNREACH' })
    expect(failureOf(error('EADDRNOTAVAIL'), atOnce)).toMatchObject({ type: 'resources' })
    expect(failureOf(error('ENETUNREACH', 'bind'), atOnce).type).toBe('unreachable')
    expect(failureOf(error('ENETUNREACH'), { ...atOnce, phase: 'tls' }).type).toBe('unreachable')
    expect(failureOf(error('EINVAL'), atOnce)).toEqual({ type: 'unreachable', code: 'EINVAL' })
    expect(failureOf(error('EINVAL', 'bind'), atOnce).type).toBe('internal')
  })

  it('finds the code in a cause and in an aggregate', () => {
    expect(failureOf(new Error('x', { cause: error('EMFILE') }), later)).toMatchObject({ code: 'EMFILE' })
    expect(failureOf(new AggregateError([error('ECONNREFUSED')]), later)).toEqual({ type: 'refused' })
    expect(failureOf(new DOMException('x', 'AbortError'), later)).toEqual({ type: 'aborted' })
  })

  it('never throws, and lets no text through as a code', () => {
    const circular: { cause?: unknown } = {}
    circular.cause = circular
    expect(failureOf(circular, later)).toEqual({ type: 'internal', code: 'UNKNOWN' })
    fc.assert(
      fc.property(fc.anything(), fc.string(), (thing, code) => {
        failureOf(thing, later)
        expect(failureOf({ code }, later)).toMatchObject({ type: expect.any(String) })
        expect(JSON.stringify(failureOf({ code }, later))).toMatch(/^[\w{}":,.]+$/)
      }),
    )
  })

  it('knows a real refusal', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise<void>((resolve) => server.close(() => resolve()))
    const { socket } = systemDial({ address: '127.0.0.1', port, family: 4, localAddress: null })
    const refusal = await new Promise((resolve) => socket.once('error', resolve))
    expect(failureOf(refusal, later)).toEqual({ type: 'refused' })
  })
})
