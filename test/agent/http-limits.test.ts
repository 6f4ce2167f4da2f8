import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type HttpLimits, createHttp } from '../../agent/web/http.ts'
import { createConnectionBook } from '../../agent/web/http-connections.ts'
import { createLane } from '../../agent/web/http-lane.ts'

const open: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

async function serve(limits: HttpLimits = {}, body = 'metrics\n') {
  let made = 0
  const surface = createHttp(
    {
      async metrics() {
        made++
        await new Promise((resolve) => void setImmediate(resolve))
        return Buffer.from(body)
      },
      page: () => [],
      verdicts: () => ({ targets: [] }),
      attempt: () => null,
      ready: () => ({ ready: true, because: [] }),
      reload: null,
      onError: () => undefined,
    },
    limits,
  )
  const { port } = await surface.listen({ kind: 'address', host: '127.0.0.1', port: 0 })
  open.push(() => surface.close(0))
  return { port, made: () => made }
}

function socketTo(port: number, bytes = ''): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  open.push(() => void socket.destroy())
  if (bytes !== '') socket.write(bytes)
  return socket
}

const scrape = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'

/** All that comes until the far end closes. */
async function answerOf(port: number, bytes: string): Promise<string> {
  const socket = socketTo(port, bytes)
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
  await new Promise((resolve) => socket.once('close', resolve))
  return text
}

const isServed = async (port: number) => (await answerOf(port, scrape)).startsWith('HTTP/1.1 200')

test('1,000 silent connections, and as many that drip: a scrape gets through at once', async () => {
  const { port } = await serve({ connections: 32 })
  const drips = ['', 'GET /metrics HT', 'GET / HTTP/1.1\r\nHost: localhost\r\nX-Drip: ']
  const sockets: Socket[] = []
  for (let index = 0; index < 1000; index++) sockets.push(socketTo(port, drips[index % drips.length]))
  await Promise.all(sockets.map((socket) => (socket.connecting ? once(socket, 'connect') : null)))
  for (let round = 0; round < 5; round++) expect(await isServed(port)).toBe(true)
  // No more than the limit has been kept.
  await expect.poll(() => sockets.filter((socket) => !socket.closed).length).toBeLessThanOrEqual(32)
})

test('the connection that has been idle for longest makes room, and one that is answered stays', async () => {
  const { port } = await serve({ connections: 2 })
  const ask = async (socket: Socket) => {
    socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await once(socket, 'data')
  }
  const [first, second] = [socketTo(port), socketTo(port)]
  await ask(first)
  await ask(second)
  await ask(first)
  const closed = once(second, 'close')
  expect(await isServed(port)).toBe(true)
  second.resume()
  await closed
  await ask(first)
})

test('whose address holds the most makes room first; nobody who is being answered does', () => {
  let nowMs = 0
  const book = createConnectionBook(4, () => ++nowMs)
  const cut: string[] = []
  const peer = (remoteAddress: string, remotePort: number) =>
    ({
      remoteAddress,
      remotePort,
      once: () => undefined,
      destroy: () => void cut.push(`${remoteAddress}:${remotePort}`),
    }) as unknown as Socket
  const lonely = peer('10.0.0.1', 1)
  book.opened(lonely)
  for (const port of [1, 2, 3]) book.opened(peer('10.0.0.2', port))
  book.opened(peer('10.0.0.3', 1))
  expect(cut).toEqual(['10.0.0.2:1'])
  const over = [peer('10.0.0.1', 1), peer('10.0.0.2', 2), peer('10.0.0.2', 3), peer('10.0.0.3', 1)].map(
    book.busy,
  )
  book.opened(peer('10.0.0.4', 1))
  expect(cut.slice(1)).toEqual(['10.0.0.4:1'])
  over[1]?.()
  book.opened(peer('10.0.0.4', 2))
  expect([cut.slice(2), book.size()]).toEqual([['10.0.0.2:2'], 4])
})

test('a 1 MB header, a huge URL and endless headers are refused', async () => {
  const { port } = await serve()
  const big = 'x'.repeat(1024 * 1024)
  expect(await answerOf(port, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${big}\r\n\r\n`)).toMatch(
    /^HTTP\/1.1 431|^$/,
  )
  expect(await answerOf(port, `GET /${big} HTTP/1.1\r\nHost: localhost\r\n\r\n`)).toMatch(/^HTTP\/1.1 431|^$/)
  expect(await answerOf(port, `GET / HTTP/1.1\r\nHost: localhost\r\n${'A: b\r\n'.repeat(5000)}\r\n`)).toMatch(
    /^HTTP\/1.1 431|^$/,
  )
  expect(await isServed(port)).toBe(true)
})

test('HTTP/1.0 with and without Host, and pipelined requests in their order', async () => {
  const { port, made } = await serve({ answers: 64 })
  for (const host of ['', 'Host: localhost\r\n']) {
    const answer = await answerOf(port, `GET /metrics HTTP/1.0\r\n${host}\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 200[^]*Connection: close[^]*metrics\n$/i)
  }
  const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
  const before = made()
  const answers = await answerOf(
    port,
    request('/metrics').repeat(40) + request('/-/healthy') + request('/nothing') + scrape,
  )
  const statuses = [...answers.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status)
  expect(statuses).toEqual([...Array.from({ length: 41 }, () => '200'), '404', '200'])
  // What is asked for at once is made once or twice, not 41 times.
  expect(made() - before).toBeLessThan(10)
})

test('whoever does not take its answer is cut where others wait', async () => {
  // More than the buffers between the two hold.
  const { port } = await serve({ answers: 2, sendSeconds: 30 }, 'y'.repeat(24 * 1024 * 1024))
  const slow = [socketTo(port, scrape), socketTo(port, scrape)]
  for (const socket of slow) {
    await once(socket, 'connect')
    socket.pause()
  }
  let answer = await answerOf(port, scrape)
  while (answer.startsWith('HTTP/1.1 503')) answer = await answerOf(port, scrape)
  expect(answer).toMatch(/^HTTP\/1.1 200/)
  expect(answer.length).toBeGreaterThan(24 * 1024 * 1024)
})

test('an answer that is taken too slowly ends', async () => {
  const { port } = await serve({ sendSeconds: 0.001 }, 'y'.repeat(24 * 1024 * 1024))
  // A millisecond is not enough for so much, however fast the reader is.
  expect((await answerOf(port, scrape)).length).toBeLessThan(24 * 1024 * 1024)
})

test('the lane: one at a time, those who ask at once share, a failure is theirs, a hanging one holds nobody', async () => {
  let nowMs = 0
  const waits: { seconds: number; go(): void }[] = []
  const lane = createLane(
    () => nowMs,
    (seconds) => new Promise((go) => void waits.push({ seconds, go })),
  )
  let running = 0
  let made = 0
  const make = async () => {
    expect(++running).toBe(1)
    nowMs += 40
    await Promise.resolve()
    running--
    return ++made
  }
  const first = lane('a', make)
  const second = lane('a', make)
  const third = lane('a', make)
  const failing = lane('b', () => Promise.reject(new Error('no')))
  const outcome = failing.catch((error: Error) => error.message)
  expect(await first).toBe(1)
  const rest = async () => {
    await expect.poll(() => waits.some(({ seconds }) => seconds < 10)).toBe(true)
    const at = waits.findIndex(({ seconds }) => seconds < 10)
    const [wait] = waits.splice(at, 1)
    wait?.go()
    return wait?.seconds
  }
  // It rests as long as the first took.
  expect(await rest()).toBe(0.04)
  expect(await Promise.all([second, third])).toEqual([2, 2])
  await rest()
  expect(await outcome).toBe('no')
  await rest()
  const hanging = lane('c', () => new Promise(() => undefined))
  void hanging
  const after = lane('d', make)
  await expect.poll(() => waits.filter(({ seconds }) => seconds === 10).length).toBeGreaterThan(0)
  for (const { go } of waits.splice(0)) go()
  await rest()
  expect(await after).toBe(3)
})

test('10,000 scrapes over 32 connections: all served, from far fewer expositions', async () => {
  const { port, made } = await serve({ answers: 64 })
  const each = 313
  const request = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'
  const one = async (): Promise<number> => {
    const socket = socketTo(port)
    let served = 0
    socket.setEncoding('latin1')
    for (let index = 0; index < each; index++) {
      socket.write(request)
      const [text] = (await once(socket, 'data')) as [string]
      if (text.startsWith('HTTP/1.1 200')) served++
    }
    socket.destroy()
    return served
  }
  const served = await Promise.all(Array.from({ length: 32 }, one))
  expect(served.reduce((sum, count) => sum + count, 0)).toBe(32 * each)
  expect(made()).toBeLessThan(32 * each)
})
