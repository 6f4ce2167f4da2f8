import { Agent, request } from 'undici'
import type { DirectConnectReading, VirtualInterface } from '../model/first-leg.ts'
import type { Identity } from './credentials.ts'
import type { directConnectActions } from './direct-connect-actions.ts'
import { routesOf, virtualInterfacesOf } from './direct-connect-decode.ts'
import { partitionOfRegion } from './partitions.ts'
import { signRequest } from './request-signing.ts'
import { type ApiFailure, failureOf, notAnAnswer } from './snapshot-api-errors.ts'

type Permission = (typeof directConnectActions)[number]
type Action = Permission extends `directconnect:${infer Name}` ? Name : never

export interface DirectConnectFailure extends ApiFailure {
  permission: string
}

/** `reading` null: nothing could be read. Failures beside a reading: what is missing in it. */
export interface DirectConnectResult {
  reading: DirectConnectReading | null
  failures: DirectConnectFailure[]
}

export interface DirectConnectOptions {
  region: string
  identity: Identity
  /** Origin to ask in place of AWS's own, or null. */
  endpoint: string | null
  wallMs(): number
  sleep(seconds: number): Promise<void>
  /** 0 to 1. */
  random(): number
  /** For all of it. */
  signal: AbortSignal
  deadlineSeconds: number
}

const maxBodyBytes = 4 * 1024 * 1024
const mostPages = 20
/** Interfaces whose routes are read; AWS allows 50 private and public ones on a connection. */
const mostInterfaces = 64
const maxAttempts = 3
const pageSize = 100

type Called = { ok: true; answer: unknown } | { ok: false; failure: DirectConnectFailure }

/** The API's own name, or what the environment says (`AWS_ENDPOINT_URL_DIRECT_CONNECT`). */
function originOf({ region, endpoint }: DirectConnectOptions): URL {
  const suffix = partitionOfRegion(region)?.dnsSuffix ?? 'amazonaws.com'
  return new URL(endpoint ?? `https://directconnect.${region}.${suffix}`)
}

/** An error as the SDK would throw it, for the one judge of errors. */
function thrown(name: string, status: number): Error {
  return Object.assign(new Error(name), { name, $metadata: { httpStatusCode: status } })
}

function errorName(text: string, status: number): string {
  try {
    const { __type: type } = JSON.parse(text) as { __type?: unknown }
    // `com.amazonaws.directconnect#AccessDeniedException`
    if (typeof type === 'string') return type.split('#').at(-1) ?? ''
  } catch {
    // no error of the API's form
  }
  return status === 429 ? 'TooManyRequestsException' : ''
}

const passes = (name: string, status: number): boolean =>
  status >= 500 || status === 429 || /Throttl|TooManyRequests/.test(name)

/** One signed call of JSON 1.1 (Direct Connect API, target `OvertureService`), again where the error may pass. Never rejects. */
async function call(
  action: Action,
  input: object,
  options: DirectConnectOptions,
  agent: Agent,
): Promise<Called> {
  const { region, identity, signal, deadlineSeconds } = options
  const permission = `directconnect:${action}`
  const origin = originOf(options)
  const port = origin.port === '' ? (origin.protocol === 'http:' ? 80 : 443) : Number(origin.port)
  const hostname = origin.hostname
  const about = { permission, hostname, region, lastAnswer: null }
  const body = JSON.stringify(input)
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': `OvertureService.${action}`,
  }
  let last: unknown = null
  for (let attempt = 1; attempt <= maxAttempts && !signal.aborted; attempt++) {
    // full jitter, as AWS's own clients wait
    if (attempt > 1) await options.sleep(options.random() * 2 ** (attempt - 2))
    try {
      const signed = await signRequest(
        { method: 'POST', hostname, port, path: '/', query: {}, headers, body },
        { identity, region, service: 'directconnect', atMs: options.wallMs() },
      )
      const sent = await request(new URL(signed.target, origin.origin), {
        dispatcher: agent,
        method: 'POST',
        headers: signed.headers,
        body: signed.body,
        signal,
      })
      const text = await textOf(sent.body)
      if (sent.statusCode !== 200) {
        const name = errorName(text, sent.statusCode)
        last = thrown(name, sent.statusCode)
        if (passes(name, sent.statusCode)) continue
        break
      }
      try {
        return { ok: true, answer: JSON.parse(text) as unknown }
      } catch {
        const failure = notAnAnswer(permission, hostname, 'it is no JSON')
        return { ok: false, failure: { ...failure, permission } }
      }
    } catch (error) {
      last = error
    }
  }
  const endedAfterSeconds = signal.aborted ? deadlineSeconds : null
  const failure = failureOf(last, { ...about, lastAnswer: last, endedAfterSeconds })
  return { ok: false, failure: { ...failure, permission } }
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > maxBodyBytes) throw thrown('AnswerTooLarge', 200)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** All pages; null and a failure where one is missing, no answer, or too many. */
async function pages<T>(
  action: Action,
  input: object,
  read: (answer: unknown) => { items: T[]; nextToken: string | null } | null,
  options: DirectConnectOptions,
  agent: Agent,
): Promise<{ items: T[] } | { failure: DirectConnectFailure }> {
  const items: T[] = []
  const permission = `directconnect:${action}`
  const { hostname } = originOf(options)
  let nextToken: string | null = null
  for (let page = 0; page < mostPages; page++) {
    const asked: object = nextToken === null ? input : { ...input, nextToken }
    const called = await call(action, asked, options, agent)
    if (!called.ok) return { failure: called.failure }
    const found = read(called.answer)
    if (found === null) {
      return {
        failure: { ...notAnAnswer(permission, hostname, 'it is not of the documented form'), permission },
      }
    }
    items.push(...found.items)
    if (found.nextToken === null) return { items }
    nextToken = found.nextToken
  }
  return {
    failure: { ...notAnAnswer(permission, hostname, `more than ${mostPages} pages`), permission },
  }
}

/**
 * The virtual interfaces that this account can see in one region, with the routes of those that are available. What could not
 * be read whole is null in the reading. AWS advertises far more over a public virtual interface than is read; those routes
 * are left out without a failure. Never rejects.
 */
export async function readDirectConnect(options: DirectConnectOptions): Promise<DirectConnectResult> {
  const atMs = options.wallMs()
  const agent = new Agent({ connect: { timeout: 3000 }, headersTimeout: 10_000, bodyTimeout: 10_000 })
  try {
    const described = await pages(
      'DescribeVirtualInterfaces',
      {},
      (answer) => {
        const found = virtualInterfacesOf(answer)
        return found && { items: found.interfaces, nextToken: found.nextToken }
      },
      options,
      agent,
    )
    if ('failure' in described) return { reading: null, failures: [described.failure] }
    const failures = new Map<string, DirectConnectFailure>()
    const interfaces: VirtualInterface[] = []
    for (const [index, vif] of described.items.entries()) {
      const wanted = vif.state === 'available' && index < mostInterfaces
      const routes = async (direction: 'advertised' | 'accepted'): Promise<string[] | null> => {
        if (!wanted || (vif.type === 'public' && direction === 'advertised')) return null
        const found = await pages(
          'ListVirtualInterfaceRoutes',
          { virtualInterfaceId: vif.id, filters: { routeDirection: direction }, maxResults: pageSize },
          (answer) => {
            const read = routesOf(answer, direction)
            return read && { items: read.prefixes, nextToken: read.nextToken }
          },
          options,
          agent,
        )
        if (!('failure' in found)) return found.items
        failures.set(`${found.failure.code} ${found.failure.permission}`, found.failure)
        return null
      }
      interfaces.push({ ...vif, advertised: await routes('advertised'), accepted: await routes('accepted') })
    }
    return { reading: { region: options.region, atMs, interfaces }, failures: [...failures.values()] }
  } finally {
    await agent.destroy()
  }
}
