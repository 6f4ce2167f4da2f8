import { connect as connectTcp, type Socket } from 'node:net'

/** What one load left behind. Seconds, MiB. */
export interface HttpLoad {
  load: string
  /** Requests that were answered with 200, of those that were sent. */
  served: number
  sent: number
  seconds: number
  /** Longest answer to an ordinary scrape that was made meanwhile. */
  longestScrapeSeconds: number
  /** Of the process under load, before and at most. Null: its memory can't be read. */
  residentBeforeMib: number | null
  residentMostMib: number | null
}

export interface HttpLoadOptions {
  port: number
  path?: string
  /** Resident memory of the process under load, in bytes. */
  residentBytes(): number | null
  /** How many scrapes the first load makes. Default 10,000. */
  scrapes?: number
}

const mebibyte = 1024 * 1024

/** One scrape over a connection of its own; the status, 0 where it came to nothing. */
function scrape(port: number, path: string): Promise<{ status: number; seconds: number }> {
  const startMs = performance.now()
  return new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1')
    let head = ''
    socket.on('data', (chunk) => {
      if (head.length < 20) head += chunk.toString('latin1', 0, 20)
    })
    socket.on('error', () => undefined)
    socket.on('close', () =>
      resolve({
        status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0),
        seconds: (performance.now() - startMs) / 1000,
      }),
    )
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
  })
}

function silent(port: number, bytes: string, count: number): Socket[] {
  return Array.from({ length: count }, () => {
    const socket = connectTcp(port, '127.0.0.1')
    socket.on('error', () => undefined)
    if (bytes !== '') socket.write(bytes)
    return socket
  })
}

/**
 * Puts the HTTP surface on `port` of loopback under each load in turn, with an ordinary scrape ten times a second beside it:
 * 10,000 scrapes, 14 at once, 1,000 silent connections, 1,000 that drip a header, 200 headers of 1 MB.
 */
export async function httpLoad({
  port,
  path = '/metrics',
  residentBytes,
  scrapes = 10_000,
}: HttpLoadOptions): Promise<HttpLoad[]> {
  const mib = (): number | null => {
    const bytes = residentBytes()
    return bytes === null ? null : bytes / mebibyte
  }
  const during = async (
    load: string,
    work: () => Promise<{ served: number; sent: number }>,
  ): Promise<HttpLoad> => {
    const before = mib()
    let most = before
    let longest = 0
    let over = false
    const beside = (async () => {
      while (!over) {
        const { seconds } = await scrape(port, path)
        longest = Math.max(longest, seconds)
        const now = mib()
        if (now !== null) most = Math.max(most ?? 0, now)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    })()
    const startMs = performance.now()
    const done = await work()
    const seconds = (performance.now() - startMs) / 1000
    over = true
    await beside
    return {
      load,
      ...done,
      seconds,
      longestScrapeSeconds: longest,
      residentBeforeMib: before,
      residentMostMib: most,
    }
  }
  const many = async (): Promise<{ served: number; sent: number }> => {
    let [served, sent] = [0, 0]
    const one = async (): Promise<void> => {
      while (sent < scrapes) {
        sent++
        if ((await scrape(port, path)).status === 200) served++
      }
    }
    await Promise.all(Array.from({ length: 14 }, one))
    return { served, sent }
  }
  const held = (bytes: string, count: number) => async (): Promise<{ served: number; sent: number }> => {
    const sockets = silent(port, bytes, count)
    const answers = []
    for (let index = 0; index < 20; index++) {
      answers.push(await scrape(port, path))
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    for (const socket of sockets) socket.destroy()
    return { served: answers.filter(({ status }) => status === 200).length, sent: answers.length }
  }
  return [
    await during(`${scrapes} scrapes`, many),
    await during('1,000 silent connections', held('', 1000)),
    await during('1,000 dripping connections', held('GET / HTTP/1.1\r\nHost: localhost\r\nX: ', 1000)),
    await during('200 headers of 1 MB', held(`GET / HTTP/1.1\r\nX: ${'x'.repeat(mebibyte)}`, 200)),
  ]
}
