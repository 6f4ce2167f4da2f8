import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { type DirectConnectOptions, readDirectConnect } from '../../aws/direct-connect-api.ts'
import { routesOf, virtualInterfacesOf } from '../../aws/direct-connect-decode.ts'

const described = (more: object = {}) => ({
  virtualInterfaceId: 'dxvif-fg0a0b0c',
  virtualInterfaceType: 'private',
  virtualInterfaceState: 'available',
  amazonAddress: '169.254.100.1/30',
  customerAddress: '169.254.100.2/30',
  authKey: 'secretBgpKey',
  customerRouterConfig: '<bgp_auth_key>secretBgpKey</bgp_auth_key>',
  bgpPeers: [
    {
      amazonAddress: '169.254.100.1/30',
      customerAddress: '169.254.100.2/30',
      authKey: 'secretBgpKey',
      bgpPeerState: 'available',
      bgpStatus: 'up',
    },
  ],
  ...more,
})
const peersOf = (more: object) =>
  virtualInterfacesOf({ virtualInterfaces: [described(more)] })?.interfaces[0]?.peers

describe('virtual interfaces', () => {
  it('are taken over without their keys', () => {
    const read = virtualInterfacesOf({ virtualInterfaces: [described()], nextToken: 'n' })
    expect(read).toEqual({
      nextToken: 'n',
      interfaces: [
        {
          id: 'dxvif-fg0a0b0c',
          type: 'private',
          state: 'available',
          peers: [{ amazonAddress: '169.254.100.1', customerAddress: '169.254.100.2', up: true }],
          advertised: null,
          accepted: null,
        },
      ],
    })
    expect(JSON.stringify(read)).not.toContain('secret')
  })

  it.each([
    ['a session that is down', { bgpPeers: [{ bgpStatus: 'down' }] }, [{ up: false }]],
    ['one that is not told', { bgpPeers: [{ bgpStatus: 'unknown' }] }, [{ up: null }]],
    [
      'one that is being deleted',
      { bgpPeers: [{ bgpStatus: 'up', bgpPeerState: 'deleting' }] },
      [{ up: false }],
    ],
    ['no sessions', { bgpPeers: [] }, [{ amazonAddress: '169.254.100.1', up: null }]],
    [
      'two of them',
      { bgpPeers: [{ bgpStatus: 'up' }, { bgpStatus: 'down' }] },
      [{ up: true }, { up: false }],
    ],
    [
      'addresses that are none',
      { bgpPeers: [{ bgpStatus: 'up', amazonAddress: 'evil.example', customerAddress: 7 }] },
      [{ amazonAddress: null, customerAddress: null }],
    ],
  ])('%s', (_what, more, wanted) => {
    expect(peersOf(more)).toMatchObject(wanted)
  })

  it.each([
    null,
    [],
    {},
    { virtualInterfaces: {} },
    { virtualInterfaces: [null] },
    { virtualInterfaces: [{ virtualInterfaceId: 'vif-1' }] },
  ])('%j is no answer', (answer) => expect(virtualInterfacesOf(answer)).toBeNull())

  it('whatever comes, nothing throws and nothing but the model’s words gets out', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (state, peers) => {
        const read = virtualInterfacesOf({
          virtualInterfaces: [described({ virtualInterfaceState: state, bgpPeers: peers })],
        })
        for (const { state: word } of read?.interfaces ?? []) expect(word).toMatch(/^[a-z_-]{1,41}$/)
        routesOf({ routes: [state, peers] }, 'accepted')
      }),
    )
  })
})

describe('routes', () => {
  it('are those of the direction, canonical; one that is not understood spoils the page', () => {
    const routes = [
      { cidr: '10.0.0.0/16', routeDirection: 'advertised' },
      { cidr: '192.168.0.0/16', routeDirection: 'accepted' },
      { cidr: 'FD00:0::/32' },
    ]
    expect(routesOf({ routes }, 'advertised')).toEqual({
      prefixes: ['10.0.0.0/16', 'fd00::/32'],
      nextToken: null,
    })
    expect(routesOf({ routes: [...routes, { cidr: '10.0.0.1/8' }] }, 'advertised')).toBeNull()
    expect(routesOf({}, 'advertised')).toBeNull()
  })
})

type Answer = { status?: number; body: unknown }
let server: Server | null = null
afterEach(() => void server?.close())

/** Plays the API; `answer` is told the action and its input. */
async function serve(answer: (action: string, input: Record<string, unknown>, call: number) => Answer) {
  const asked: { action: string; input: Record<string, unknown>; headers: IncomingHttpHeaders }[] = []
  const started = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => void (text += String(chunk)))
    request.on('end', () => {
      const action = String(request.headers['x-amz-target']).replace('OvertureService.', '')
      const input = JSON.parse(text) as Record<string, unknown>
      asked.push({ action, input, headers: request.headers })
      const { status = 200, body } = answer(action, input, asked.length)
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  })
  server = started
  await new Promise<void>((resolve) => void started.listen(0, '127.0.0.1', resolve))
  const options: DirectConnectOptions = {
    region: 'eu-west-1',
    identity: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'hunter2' },
    endpoint: `http://127.0.0.1:${(started.address() as AddressInfo).port}`,
    wallMs: () => Date.UTC(2026, 10, 20),
    sleep: () => Promise.resolve(),
    random: () => 0,
    signal: new AbortController().signal,
    deadlineSeconds: 30,
  }
  return { asked, options, read: () => readDirectConnect(options) }
}

const usual = (action: string, input: Record<string, unknown>): Answer =>
  action === 'DescribeVirtualInterfaces'
    ? { body: { virtualInterfaces: [described()] } }
    : {
        body: {
          routes: [
            {
              cidr:
                (input['filters'] as { routeDirection: string }).routeDirection === 'accepted'
                  ? '192.168.0.0/16'
                  : '10.0.0.0/16',
            },
          ],
        },
      }

describe('the API', () => {
  it('is asked by signed JSON, page by page', async () => {
    const { asked, read } = await serve((action, input, call) => {
      if (action !== 'DescribeVirtualInterfaces') return usual(action, input)
      return call === 1
        ? { body: { virtualInterfaces: [described()], nextToken: 'two' } }
        : {
            body: {
              virtualInterfaces: [
                described({ virtualInterfaceId: 'dxvif-2', virtualInterfaceState: 'down' }),
              ],
            },
          }
    })
    const { reading, failures } = await read()
    expect(failures).toEqual([])
    expect(reading?.interfaces).toMatchObject([
      { id: 'dxvif-fg0a0b0c', advertised: ['10.0.0.0/16'], accepted: ['192.168.0.0/16'] },
      { id: 'dxvif-2', state: 'down', advertised: null, accepted: null },
    ])
    expect(asked.map(({ action }) => action)).toEqual([
      'DescribeVirtualInterfaces',
      'DescribeVirtualInterfaces',
      'ListVirtualInterfaceRoutes',
      'ListVirtualInterfaceRoutes',
    ])
    expect(asked[1]?.input['nextToken']).toBe('two')
    for (const { headers } of asked) {
      expect(headers['content-type']).toBe('application/x-amz-json-1.1')
      expect(headers.authorization).toMatch(
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20261120\/eu-west-1\/directconnect\/aws4_request/,
      )
    }
  })

  it('the routes of a public interface towards the site are not read', async () => {
    const { asked, read } = await serve((action, input) =>
      action === 'DescribeVirtualInterfaces'
        ? { body: { virtualInterfaces: [described({ virtualInterfaceType: 'public' })] } }
        : usual(action, input),
    )
    expect((await read()).reading?.interfaces[0]).toMatchObject({
      advertised: null,
      accepted: ['192.168.0.0/16'],
    })
    expect(asked).toHaveLength(2)
  })

  it.each<[string, Parameters<typeof serve>[0], object]>([
    [
      'refused',
      () => ({
        status: 400,
        body: { __type: 'com.amazonaws.directconnect#AccessDeniedException', message: 'arn:… hunter2' },
      }),
      {
        reading: null,
        failures: [{ reason: 'denied', permission: 'directconnect:DescribeVirtualInterfaces' }],
      },
    ],
    [
      'routes refused',
      (action, input) =>
        action === 'DescribeVirtualInterfaces'
          ? usual(action, input)
          : { status: 400, body: { __type: 'AccessDeniedException' } },
      {
        reading: { interfaces: [{ advertised: null, accepted: null }] },
        failures: [{ reason: 'denied', permission: 'directconnect:ListVirtualInterfaceRoutes' }],
      },
    ],
    [
      'throttled for good',
      () => ({ status: 400, body: { __type: 'ThrottlingException' } }),
      { reading: null, failures: [{ reason: 'throttled' }] },
    ],
    [
      'throttled once',
      (action, input, call) =>
        call === 1 ? { status: 400, body: { __type: 'ThrottlingException' } } : usual(action, input),
      { reading: {}, failures: [] },
    ],
    ['broken', () => ({ status: 500, body: 'oops' }), { reading: null, failures: [{ reason: 'failed' }] }],
    ['a captive portal', () => ({ body: '<html>' }), { reading: null, failures: [{ reason: 'invalid' }] }],
    [
      'another API',
      () => ({ body: { reservations: [] } }),
      { reading: null, failures: [{ reason: 'invalid' }] },
    ],
    [
      'pages without end',
      (action) =>
        action === 'DescribeVirtualInterfaces'
          ? { body: { virtualInterfaces: [], nextToken: 'again' } }
          : { body: {} },
      { reading: null, failures: [{ reason: 'invalid' }] },
    ],
    [
      'credentials that are none',
      () => ({ status: 400, body: { __type: 'UnrecognizedClientException' } }),
      { reading: null, failures: [{ reason: 'credentials' }] },
    ],
  ])('%s', async (_what, answer, wanted) => {
    const { read } = await serve(answer)
    const result = await read()
    expect(result).toMatchObject(wanted)
    expect(JSON.stringify(result)).not.toMatch(/hunter2|secretBgpKey/)
  })

  it('out of reach, or out of time', async () => {
    const { options } = await serve(() => ({ body: {} }))
    const gone = await readDirectConnect({ ...options, endpoint: 'http://127.0.0.1:1' })
    expect(gone).toMatchObject({ reading: null, failures: [{ reason: 'unreachable' }] })
    const late = await readDirectConnect({ ...options, signal: AbortSignal.abort() })
    expect(late).toMatchObject({ reading: null, failures: [{ reason: 'timeout' }] })
  })
})
