import type { Socket } from 'node:net'

/** What the book knows of a socket; a TLS socket has the addresses of the one below it. */
type Peer = Pick<Socket, 'remoteAddress' | 'remotePort'>

export interface ConnectionBook {
  /** A connection has come. It is closed at once if no other can make room for it. */
  opened(socket: Socket): void
  /** A request on it has come whole; the result is to be called when its answer is over. */
  busy(peer: Peer): () => void
  /** All that an answer consists of waits to be taken by the far end. */
  sending(peer: Peer): void
  /** Cuts the connection whose far end has been taking its answer for longest, beyond `leastSeconds`. */
  cutSlowest(leastSeconds: number): boolean
  size(): number
  cutAll(): void
}

interface Entry {
  key: string
  socket: Socket
  address: string
  /** Requests on it that are being answered. */
  busy: number
  idleSinceMs: number
  sendingSinceMs: number | null
}

const keyOf = ({ remoteAddress, remotePort }: Peer): string => `${remoteAddress} ${remotePort}`

/**
 * The open connections, `most` at once. A place is always found for a new one, while any is idle (that is, has no whole request
 * that is being answered): of the address with the most connections, the one that has been idle for longest is closed. So
 * neither a thousand silent connections nor one greedy peer keep others out.
 */
export function createConnectionBook(most: number, monotonicMs: () => number): ConnectionBook {
  const entries = new Map<string, Entry>()

  const victim = (): Entry | null => {
    const held = new Map<string, number>()
    for (const { address } of entries.values()) held.set(address, (held.get(address) ?? 0) + 1)
    let chosen: Entry | null = null
    for (const entry of entries.values()) {
      if (entry.busy > 0) continue
      const more = (held.get(entry.address) ?? 0) - (chosen === null ? 0 : (held.get(chosen.address) ?? 0))
      if (chosen === null || more > 0 || (more === 0 && entry.idleSinceMs < chosen.idleSinceMs))
        chosen = entry
    }
    return chosen
  }

  const cut = (entry: Entry): void => {
    entries.delete(entry.key)
    entry.socket.destroy()
  }

  return {
    opened(socket) {
      if (entries.size >= most) {
        const idle = victim()
        if (idle === null) {
          socket.destroy()
          return
        }
        cut(idle)
      }
      const key = keyOf(socket)
      const entry: Entry = {
        key,
        socket,
        address: socket.remoteAddress ?? '',
        busy: 0,
        idleSinceMs: monotonicMs(),
        sendingSinceMs: null,
      }
      entries.set(key, entry)
      socket.once('close', () => {
        if (entries.get(key) === entry) entries.delete(key)
      })
    },
    busy(peer) {
      const entry = entries.get(keyOf(peer))
      if (entry === undefined) return () => undefined
      entry.busy++
      let over = false
      return () => {
        if (over) return
        over = true
        entry.busy--
        entry.idleSinceMs = monotonicMs()
        if (entry.busy === 0) entry.sendingSinceMs = null
      }
    },
    sending(peer) {
      const entry = entries.get(keyOf(peer))
      if (entry !== undefined) entry.sendingSinceMs ??= monotonicMs()
    },
    cutSlowest(leastSeconds) {
      let slowest: Entry | null = null
      for (const entry of entries.values()) {
        const { sendingSinceMs: since } = entry
        if (since === null || monotonicMs() - since < leastSeconds * 1000) continue
        if (slowest === null || since < (slowest.sendingSinceMs ?? 0)) slowest = entry
      }
      if (slowest !== null) cut(slowest)
      return slowest !== null
    },
    size: () => entries.size,
    cutAll() {
      for (const entry of entries.values()) cut(entry)
    },
  }
}
