/** Connections that lie on the HTTP surface and come to nothing; what the server closes is opened again. */
import { connect, type Socket } from 'node:net'

/** `dripping`: a byte of a header each second. `silent`: nothing is ever sent, so that a TLS handshake never begins. */
export type HeldKind = 'dripping' | 'silent'

export interface Held {
  /** Connections opened until now, those again included. */
  opened(): number
  close(): void
}

/** As tools for such attacks do it. */
const againMs = 10_000

/** Opens `count` connections to `port` of loopback and keeps them up. */
export function holdConnections(port: number, kind: HeldKind, count: number): Held {
  const sockets = new Set<Socket>()
  let opened = 0
  let over = false
  const open = () => {
    if (over) return
    opened++
    const socket = connect(port, '127.0.0.1')
    sockets.add(socket)
    if (kind === 'dripping') socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
    socket.on('error', () => undefined)
    socket.resume().once('close', () => {
      sockets.delete(socket)
      // who means no good comes again
      setTimeout(open, againMs)
    })
  }
  for (let i = 0; i < count; i++) setTimeout(open, i)
  const drip = setInterval(() => {
    for (const socket of sockets) if (kind === 'dripping') socket.write('x')
  }, 1000)
  return {
    opened: () => opened,
    close() {
      over = true
      clearInterval(drip)
      for (const socket of sockets) socket.destroy()
    },
  }
}
