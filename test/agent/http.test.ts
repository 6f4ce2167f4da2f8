import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import type { Server } from 'node:net'
import { connect, createServer } from 'node:net'
import { pathToFileURL } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import type { HttpContent, HttpLimits, HttpSurface } from '../../agent/web/http.ts'
import { createHttp } from '../../agent/web/http.ts'
import { parseListenAddress } from '../../agent/web/listen.ts'

const secret = 'Zq9SECRETmark7x'
const presigned = `https://b.s3.amazonaws.com/k?X-Amz-Signature=${secret}`

const open: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

interface Running {
  port: number
  surface: HttpSurface
  errors: [string, unknown][]
}

async function serve(content: Partial<HttpContent> = {}, limits: HttpLimits = {}): Promise<Running> {
  const errors: [string, unknown][] = []
  const surface = createHttp(
    {
      metrics: async (format) => Buffer.from(`format ${format}\n`),
      page: () => ['<p>', 'page</p>'],
      pages: (path) =>
        path === '/targets/a'
          ? { status: 200, type: 'text/html', body: ['a ', 'target'], policy: "script-src 'none'" }
          : null,
      verdicts: () => ({
        head: { note: undefined },
        targets: [{ target: 'a', names: [{ because: [presigned] }] }],
      }),
      attempt: (id) => (id === 'known-1' ? { id, url: presigned } : null),
      ready: () => ({ ready: true, because: [] }),
      reload: null,
      onError: (where, error) => void errors.push([where, error]),
      ...content,
    },
    limits,
  )
  const { port } = await surface.listen({ kind: 'address', host: '127.0.0.1', port: 0 })
  open.push(() => surface.close(0))
  return { port, surface, errors }
}

interface Reply {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

function ask(
  port: number,
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (body += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    sent.on('error', reject)
    sent.end()
  })
}

/** Sends bytes as they are and returns all that comes until the far end closes. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => (text += chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(text))
    socket.write(bytes)
  })
}

test('/metrics in the format that was asked for', async () => {
  const { port } = await serve()
  const plain = await ask(port, '/metrics')
  expect([plain.status, plain.body]).toEqual([200, 'format text\n'])
  expect(plain.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  const accept = 'application/openmetrics-text;version=1.0.0'
  const other = await ask(port, '/metrics?x=1', { headers: { accept } })
  expect([other.body, other.headers['content-type']]).toEqual([
    'format openmetrics\n',
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
  ])
})

test('health, readiness with its reasons', async () => {
  const { port } = await serve({ ready: () => ({ ready: false, because: ['no snapshot yet', presigned] }) })
  expect(await ask(port, '/-/healthy')).toMatchObject({ status: 200, body: 'healthy\n' })
  const notReady = await ask(port, '/-/ready')
  expect(notReady.status).toBe(503)
  expect(notReady.body).toContain('not ready\nno snapshot yet\n')
  expect(notReady.body).not.toContain(secret)
  expect((await ask((await serve()).port, '/-/ready')).status).toBe(200)
})

test('verdicts and attempts are JSON with a schema, without secrets', async () => {
  const { port } = await serve()
  const verdicts = await ask(port, '/api/v1/verdicts')
  expect(verdicts.headers['content-type']).toBe('application/json')
  expect(JSON.parse(verdicts.body)).toMatchObject({
    schema: 'pathproof.verdicts/1',
    targets: [{ target: 'a', names: [{ because: [expect.stringContaining('b.s3.amazonaws.com')] }] }],
  })
  const attempt = await ask(port, '/api/v1/attempts/known-1')
  expect(JSON.parse(attempt.body)).toMatchObject({
    schema: 'pathproof.attempt/1',
    attempt: { id: 'known-1' },
  })
  expect(verdicts.body + attempt.body).not.toContain(secret)
  for (const id of ['other', '', '../x', '%2e%2e', 'a/b', 'x'.repeat(200)]) {
    expect((await ask(port, `/api/v1/attempts/${id}`)).status).toBe(404)
  }
})

test('pages come with their policy', async () => {
  const { port } = await serve()
  const { body, headers } = await ask(port, '/')
  expect(body).toBe('<p>page</p>')
  expect(headers['content-security-policy']).toContain("default-src 'none'")
  const target = await ask(port, '/targets/a?x=1')
  expect([target.status, target.body, target.headers['content-security-policy']]).toEqual([
    200,
    'a target',
    "script-src 'none'",
  ])
  for (const path of ['/targets/b', '/targets/', '/assets/x.js', '/attempts/y', '/other/a']) {
    expect((await ask(port, path)).status).toBe(404)
  }
})

test('the metrics are where they are configured to be', async () => {
  const { port } = await serve({ telemetryPath: () => '/probe-metrics' })
  expect((await ask(port, '/probe-metrics')).body).toBe('format text\n')
  expect((await ask(port, '/metrics')).status).toBe(404)
})

test('HEAD gives the headers alone, other methods and paths a text', async () => {
  const { port } = await serve()
  const head = await ask(port, '/metrics', { method: 'HEAD' })
  expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', '12'])
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    expect(await ask(port, '/metrics', { method })).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD' },
    })
  }
  for (const path of [
    '/nothing',
    '/constructor',
    '/__proto__',
    '//metrics',
    '/metrics/',
    '/api/v1/attempts',
  ]) {
    expect(await ask(port, path)).toMatchObject({ status: 404, body: 'not found\n' })
  }
  const { headers } = await ask(port, '/nothing')
  expect(headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'cross-origin-resource-policy': 'same-origin',
  })
})

test('on loopback only loopback names are served: a rebound name gets nothing', async () => {
  const { port } = await serve()
  for (const host of [
    'localhost',
    'LOCALHOST:1',
    '127.0.0.1:9',
    '127.8.9.1',
    '[::1]:10097',
    'pathproof.localhost',
  ]) {
    expect((await ask(port, '/metrics', { headers: { host } })).status).toBe(200)
  }
  const foreign = [
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.1@evil',
    '10.0.0.1',
  ]
  for (const host of foreign) {
    expect((await ask(port, '/metrics', { headers: { host } })).status).toBe(403)
  }
  expect(await raw(port, 'GET /metrics HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n')).toMatch(
    /^HTTP\/1.1 403/,
  )
  expect(await raw(port, 'GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1.1 400/)
  expect(
    await raw(port, 'GET http://evil/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
  ).toMatch(/^HTTP\/1.1 403/)
  // A whole URL stands for a path (RFC 9112 3.2.2); what is neither is refused.
  for (const target of ['http://localhost/metrics?x=1', 'HTTP://127.0.0.1:9/metrics']) {
    const answer = await raw(port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 200[^]*format text/)
  }
  for (const target of ['ftp://localhost/', '*', 'http://u@localhost/', 'http:///metrics']) {
    const answer = await raw(
      port,
      `OPTIONS ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1.1 400/)
  }
  expect(
    await raw(port, 'GET http://localhost/metrics HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n'),
  ).toMatch(/^HTTP\/1.1 403/)
})

test('reload: only where switched on, only POST, not from another site', async () => {
  let count = 0
  const reload = async (): Promise<{ ok: boolean; text: string }> => ({
    ok: ++count < 2,
    text: `reload ${presigned}`,
  })
  expect((await ask((await serve()).port, '/-/reload', { method: 'POST' })).status).toBe(403)
  const { port } = await serve({ reload })
  expect(await ask(port, '/-/reload')).toMatchObject({ status: 405, headers: { allow: 'POST' } })
  const foreign: Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ]
  for (const headers of foreign) {
    expect((await ask(port, '/-/reload', { method: 'POST', headers })).status).toBe(403)
  }
  expect(count).toBe(0)
  expect((await ask(port, '/-/reload', { method: 'POST' })).status).toBe(200)
  const failed = await ask(port, '/-/reload', { method: 'POST' })
  expect([failed.status, failed.body.includes(secret)]).toEqual([500, false])
})

test('content that fails is a 500 without details, and is reported', async () => {
  const failure = new Error(`boom ${secret}`)
  const { port, errors } = await serve({ metrics: () => Promise.reject(failure) })
  expect(await ask(port, '/metrics?token=1')).toMatchObject({ status: 500, body: 'internal error\n' })
  expect(errors).toEqual([['/metrics', failure]])
})

test('too many answers at once get 503', async () => {
  const { promise, resolve } = Promise.withResolvers<Buffer>()
  const { port } = await serve({ metrics: () => promise }, { answers: 2 })
  const waiting = [1, 2].map(() => ask(port, '/metrics'))
  // Both are in once a third is refused.
  let third = await ask(port, '/-/healthy')
  while (third.status === 200) third = await ask(port, '/-/healthy')
  expect(third.status).toBe(503)
  resolve(Buffer.from('x'))
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200])
})

test('headers that are too large and requests that never end are cut off', async () => {
  const { port } = await serve({}, { requestSeconds: 0.2 })
  expect(await raw(port, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1.1 431/,
  )
  expect(await raw(port, 'GET / HTTP/1.1\r\nHost: localhost\r\nX: ')).toMatch(/^HTTP\/1.1 408/)
  expect(await raw(port, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400/)
})

test('a body is not waited for: the connection ends with the answer', async () => {
  const { port } = await serve()
  const answer = await raw(
    port,
    'POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\nxxxx',
  )
  expect(answer).toMatch(/^HTTP\/1.1 405[^]*connection: close/i)
})

test('close lets an answer in progress end and cuts idle connections', async () => {
  const { promise, resolve } = Promise.withResolvers<Buffer>()
  const entered = Promise.withResolvers<void>()
  const { port, surface } = await serve({
    metrics: () => {
      entered.resolve()
      return promise
    },
  })
  const idle = connect(port, '127.0.0.1')
  idle.write('GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(idle, 'data')
  const idleClosed = once(idle, 'close')
  const reply = ask(port, '/metrics')
  await entered.promise
  const closed = surface.close(30)
  idle.resume()
  await idleClosed
  resolve(Buffer.from('last'))
  expect((await reply).body).toBe('last')
  await closed
  await surface.close(1)
  await expect(ask(port, '/-/healthy')).rejects.toThrow('ECONNREFUSED')
})

test('close cuts what does not end in time', async () => {
  const entered = Promise.withResolvers<void>()
  const { port, surface } = await serve({
    metrics: () => {
      entered.resolve()
      return new Promise(() => undefined)
    },
  })
  const reply = ask(port, '/metrics')
  const outcome = reply.then(
    () => 'answered',
    () => 'cut',
  )
  await entered.promise
  await surface.close(0)
  expect(await outcome).toBe('cut')
})

test('an address in use is told', async () => {
  const { port } = await serve()
  const { surface } = await serve()
  await surface.close(0)
  await expect(surface.listen({ kind: 'address', host: '127.0.0.1', port })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  })
})

test('listen addresses', () => {
  const cases: [string, unknown][] = [
    ['127.0.0.1:10097', { kind: 'address', host: '127.0.0.1', port: 10_097 }],
    ['localhost:1', { kind: 'address', host: '127.0.0.1', port: 1 }],
    ['[::1]:0', { kind: 'address', host: '::1', port: 0 }],
    [':9100', { kind: 'address', host: null, port: 9100 }],
    ['fd:3', { kind: 'descriptor', fd: 3 }],
  ]
  for (const [text, address] of cases) expect(parseListenAddress(text)).toEqual(address)
  const wrong = [
    '',
    '10097',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:70000',
    '010.0.0.1:1',
    '::1:80',
    '[127.0.0.1]:1',
  ]
  for (const text of [
    ...wrong,
    'fd:0',
    'fd:2',
    'fd:x',
    'host.example:1',
    '127.0.0.1:1 ',
    '[::1%eth0]:1',
    '-1:1',
  ]) {
    expect(parseListenAddress(text)).toHaveProperty('error')
  }
})

test('IPv6 loopback, where the host has it', async ({ skip }) => {
  const surface = createHttp({ ...emptyContent, onError: () => undefined })
  const address = await surface.listen({ kind: 'address', host: '::1', port: 0 }).catch(() => null)
  if (address === null) return skip('no IPv6 loopback here')
  open.push(() => surface.close(0))
  const socket = connect(address.port, '::1')
  socket.write('GET /-/healthy HTTP/1.0\r\nHost: [::1]\r\n\r\n')
  const [data] = (await once(socket, 'data')) as [Buffer]
  expect(data.toString()).toContain('200 OK')
})

const emptyContent: Omit<HttpContent, 'onError'> = {
  metrics: async () => Buffer.alloc(0),
  page: () => [],
  verdicts: () => ({ targets: [] }),
  attempt: () => null,
  ready: () => ({ ready: true, because: [] }),
  reload: null,
}

test('an inherited descriptor is served', async () => {
  const listener: Server = createServer()
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as { port: number }
  const handle = (listener as unknown as Record<string, { fd: number }>)['_handle']
  const modules = pathToFileURL(`${import.meta.dirname}/../../agent/web/http.ts`)
  const script = `
    const { createHttp } = await import(${JSON.stringify(modules.href)})
    const content = { ready: () => ({ ready: true, because: [] }), onError() {} }
    const { port } = await createHttp(content).listen({ kind: 'descriptor', fd: 3 })
    console.log(port)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit', handle?.fd ?? 'ignore'],
  })
  open.push(() => void child.kill())
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer]
  // From here on only the child accepts.
  listener.close()
  expect(Number(line.toString())).toBe(port)
  expect(await ask(port, '/-/ready')).toMatchObject({ status: 200, body: 'ready\n' })
})
