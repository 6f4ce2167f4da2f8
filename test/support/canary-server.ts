import { createServer } from 'node:https'
import type { Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { canaryPolicy } from '../../aws/bucket-policy.ts'
import type { Identity } from '../../aws/credentials.ts'
import { signRequest } from '../../aws/request-signing.ts'
import { createPrincipals } from '../../lab/api/principals.ts'
import { type Authority, createAuthority } from '../../lab/certificates.ts'
import type { Arrival } from '../../lab/flow/arrival.ts'
import { createS3Service } from '../../lab/s3/service.ts'
import { type S3Options, usualS3 } from '../../lab/s3/types.ts'
import type { World } from '../../lab/world/types.ts'
import type { Dial } from '../../model/host.ts'
import type { CanaryObject } from '../../model/observation.ts'
import type { CanaryRequests } from '../../probes/canary.ts'
import { systemDial } from '../../probes/host.ts'

export const hostname = 'my-canary.s3.us-east-1.amazonaws.com'
export const endpointId = 'vpce-0a1b2c3d4e5f60718'
export const keys = { control: 'c', positive: 'p', negative: 'n' }
export const wantedHere = {
  partition: 'aws',
  bucket: 'my-canary',
  positive: 'p',
  negative: 'n',
  endpoint: endpointId,
  vpcId: null,
  sourceAddresses: null,
}

const account = '123456789012'
/** How a request comes to S3, by the lab's own words. */
export const ways = {
  endpoint: {
    class: 'gateway_endpoint',
    endpoint: { id: endpointId, owner: account, vpc: 'vpc-1' },
    source: '10.0.1.50',
  },
  otherEndpoint: {
    class: 'interface_endpoint',
    endpoint: { id: 'vpce-0fffffffffffffff0', owner: account, vpc: 'vpc-1' },
    source: '10.0.1.50',
  },
  behindNat: {
    class: 'nat_gateway_endpoint',
    endpoint: { id: endpointId, owner: account, vpc: 'vpc-1' },
    source: '10.0.9.9',
  },
  internet: { class: 'nat_gateway', endpoint: null, source: '203.0.113.7' },
} satisfies Record<string, Arrival>

/** The lab's S3 behind a real TLS socket on loopback, with one canary bucket under the printed policy. */
export async function canaryServer(policy: unknown = canaryPolicy(wantedHere)) {
  const authority: Authority = createAuthority({ commonName: 'Lab Root', nowMs: Date.now() })
  const leaf = authority.issue({ names: ['*.s3.us-east-1.amazonaws.com', 's3.us-east-1.amazonaws.com'] })
  const world = {
    account,
    region: 'us-east-1',
    host: { instance: 'i-0a', hostname: 'h' },
  } as unknown as World
  const state = {
    arrival: ways.endpoint as Arrival,
    clockMs: () => Date.now(),
    seen: [] as { url: string; authorization: string; port: number }[],
    s3: {
      ...usualS3,
      buckets: [
        {
          name: 'my-canary',
          region: 'us-east-1',
          owner: account,
          policy,
          objects: Object.values(keys).map((key) => ({ key, body: key, encryption: 'AES256' as const })),
        },
      ],
    } as S3Options,
    /** Instead of S3: writes on the socket itself. */
    raw: null as ((url: string, socket: Socket) => void) | null,
  }
  const principals = createPrincipals(
    () => world,
    () => state.clockMs(),
  )
  const service = createS3Service({
    s3: () => state.s3,
    store: {
      bucket: (name) => state.s3.buckets.find((bucket) => bucket.name === name) ?? null,
      buckets: () => state.s3.buckets,
      objects: (name) =>
        (state.s3.buckets.find((bucket) => bucket.name === name)?.objects ?? []).map((object) => ({
          ...object,
          modifiedMs: 0,
          body: () => Buffer.from(object.body),
        })),
    },
    principals,
    nowMs: () => state.clockMs(),
  })
  const sockets = new Set<Socket>()
  const server = createServer({ cert: leaf.certificate, key: leaf.key }, (request, response) => {
    const { url = '', headers, socket } = request
    state.seen.push({ url, authorization: headers.authorization ?? '', port: socket.remotePort ?? 0 })
    if (state.raw !== null) return state.raw(url, socket)
    if (!service.handle(request, response, 'us-east-1', state.arrival)) response.writeHead(403).end()
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const dial: Dial = (to) => systemDial({ ...to, address: '127.0.0.1', port, family: 4, localAddress: null })
  const credentials = principals.hostCredentials()
  const identity: Identity = credentials
  const sign = async (
    atMs = Date.now(),
    by: Identity = identity,
    host = hostname,
    front = '',
  ): Promise<CanaryRequests> => {
    const one = async (object: CanaryObject) =>
      signRequest(
        {
          method: 'GET',
          hostname: host,
          port: 443,
          path: `${front}/${keys[object]}`,
          query: { 'x-pathproof': `${object}-${Math.random()}` },
          headers: {},
          body: '',
        },
        { identity: by, region: 'us-east-1', service: 's3', atMs },
      )
    return {
      control: await one('control'),
      positive: await one('positive'),
      negative: await one('negative'),
    }
  }
  return {
    state,
    dial,
    sign,
    identity,
    root: authority.certificate,
    async close() {
      service.close()
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
