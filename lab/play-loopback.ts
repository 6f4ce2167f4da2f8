/** The APIs' doors: at AWS's own names, and on loopback where there are none. */
import type { IncomingMessage, RequestListener } from 'node:http'
import { startApiLoopback, startHttpLoopback, startLoopback } from './api/loopback.ts'
import type { ApiService } from './api/problem.ts'
import type { Api } from './api/server.ts'
import type { MetadataService } from './imds.ts'
import type { World } from './world/types.ts'

const queryDoors: readonly string[] = ['ec2', 'sts'] satisfies ApiService[]
const jsonDoors: readonly string[] = [
  'logs',
  'monitoring',
  'cloudtrail',
  'kms',
  'directconnect',
] satisfies ApiService[]

/** Which API a request at the door of a service is for; null: it is no call of an API. */
export function apiDoor({ method, url = '', headers }: IncomingMessage, service: string): ApiService | null {
  const called = queryDoors.includes(service)
    ? method === 'POST' || url.includes('Action=')
    : jsonDoors.includes(service) && headers['x-amz-target'] !== undefined
  return called ? (service as ApiService) : null
}

/** What a namespace has at its own addresses, where SDKs can be told to look for it. */
export async function playLoopback(
  world: World,
  api: Api,
  s3: RequestListener,
  metadata: MetadataService,
  closers: (() => unknown)[],
): Promise<{ apiUrl: string; s3Url: string; metadataUrl: string | null }> {
  const apis = await startApiLoopback(api)
  closers.push(apis.close)
  const buckets = await startHttpLoopback(s3)
  closers.push(buckets.close)
  if (world.host.kind !== 'ec2') return { apiUrl: apis.url, s3Url: buckets.url, metadataUrl: null }
  const imds = await startLoopback(metadata.receive)
  closers.push(imds.close)
  return { apiUrl: apis.url, s3Url: buckets.url, metadataUrl: imds.url }
}
