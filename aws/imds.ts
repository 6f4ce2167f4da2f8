import { Agent, type IncomingMessage, request } from 'node:http'
import type { Endpoint } from '../model/host.ts'
import { parseInterface, parseMacs } from './imds-interface.ts'
import type { InstanceInterface } from './imds-interface.ts'

/** Instance metadata service, IPv4 address (EC2 user guide, "Use IMDSv2"). */
export const imdsEndpoint: Endpoint = { address: '169.254.169.254', port: 80 }

export interface IdentityDocument {
  instanceId: string
  accountId: string
  region: string
}

/**
 * Why nothing was learnt: `disabled`: not asked; `no_connection`: nothing is there; `no_token`: it took the
 * connection and never gave the token, as behind a hop limit; `refused`: it gives no token of version 2;
 * `failed`: a token came, what followed was no use.
 */
export type MetadataSilence = 'disabled' | 'no_connection' | 'no_token' | 'refused' | 'failed'

export type MetadataReading =
  | {
      answered: true
      /** Null: none, or not of AWS's form. */
      document: IdentityDocument | null
      interfaces: InstanceInterface[]
      problems: string[]
    }
  | { answered: false; silence: MetadataSilence; because: string }

export interface ImdsDeps {
  /** Where the service listens; its well-known address outside the lab. */
  endpoint: Endpoint
  /** For each request, the one for the token first: a host without the service must not stall. */
  timeoutSeconds: number
  /** For all of them together. */
  deadlineSeconds: number
  signal: AbortSignal
}

const maxBodyBytes = 64 * 1024
const maxInterfaces = 64
/** Long enough for one reading, and nothing to steal afterwards (allowed are 1 to 21600). */
const tokenSeconds = 60

interface Answer {
  status: number
  text: string
}

type Ask = (method: 'GET' | 'PUT', path: string, headers: Record<string, string>) => Promise<Answer>

/** What went wrong after the token, in words that are fit to print. */
function problem(text: string): Error {
  return Object.assign(new Error(text), { name: 'MetadataProblem' })
}

async function bodyOf(body: IncomingMessage, path: string): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += (chunk as Buffer).length
    if (bytes > maxBodyBytes) throw problem(`the answer to ${path} is longer than ${maxBodyBytes} bytes`)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Rejects as soon as the signal fires, and with its reason. */
function until<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

/** An identity document of AWS's form, or null. The signature is not checked: the document only locates the host. */
export function parseIdentityDocument(text: string): IdentityDocument | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { instanceId, accountId, region } = value as Record<string, unknown>
  if (typeof instanceId !== 'string' || !/^i-[0-9a-f]{8,32}$/.test(instanceId)) return null
  if (typeof accountId !== 'string' || !/^\d{12}$/.test(accountId)) return null
  if (typeof region !== 'string' || !/^[a-z]{2,6}(-[a-z]+)+-\d{1,2}$/.test(region)) return null
  return { instanceId, accountId, region }
}

/** A request that ran out of time is no answer at all; everything else is named by its code. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  if (error.name === 'TimeoutError') return 'timeout'
  return (error as NodeJS.ErrnoException).code ?? error.name
}

async function identity(
  get: (path: string) => Promise<string | null>,
): Promise<{ document: IdentityDocument | null; problems: string[] }> {
  const text = await get('/latest/dynamic/instance-identity/document')
  if (text === null) return { document: null, problems: ['the metadata service has no identity document'] }
  const document = parseIdentityDocument(text)
  return { document, problems: document === null ? ["the identity document is not of AWS's form"] : [] }
}

async function read(ask: Ask, token: string): Promise<MetadataReading> {
  const get = async (path: string): Promise<string | null> => {
    const answer = await ask('GET', path, { 'X-aws-ec2-metadata-token': token })
    // "Not set": no public address, an IPv6-only subnet.
    if (answer.status === 404) return null
    if (answer.status !== 200) throw problem(`the metadata service answered ${answer.status} for ${path}`)
    return answer.text
  }
  const { document, problems } = await identity(get)
  const root = '/latest/meta-data/network/interfaces/macs/'
  const listed = parseMacs(await get(root))
  problems.push(...listed.problems)
  if (listed.macs.length > maxInterfaces) {
    problems.push(
      `the metadata service lists ${listed.macs.length} interfaces; the first ${maxInterfaces} were read`,
    )
  }
  const interfaces: InstanceInterface[] = []
  for (const mac of listed.macs.slice(0, maxInterfaces)) {
    const found = await parseInterface(mac, (key) => get(`${root}${mac}/${key}`))
    problems.push(...found.problems)
    if (found.shown !== null) interfaces.push(found.shown)
  }
  return { answered: true, document, interfaces, problems }
}

/**
 * Reads who this instance is: IMDSv2 only (a token by PUT, then GET), the identity document and each interface by
 * its MAC. 404 means "not set". Never rejects and takes at most `deadlineSeconds`; without the service, or with one that
 * gives no token, at most `timeoutSeconds`. A field that is not of AWS's form is left out, and said. No proxy is used.
 */
export async function readMetadata(deps: ImdsDeps): Promise<MetadataReading> {
  const { address, port } = deps.endpoint
  const where = `the metadata service at ${address}`
  const done = new AbortController()
  const deadline = AbortSignal.any([
    deps.signal,
    done.signal,
    AbortSignal.timeout(deps.deadlineSeconds * 1000),
  ])
  let connected = false
  let token: string | null = null
  // An agent of its own: the one of the process may have been set to a proxy.
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  const ask: Ask = async (method, path, headers) => {
    const signal = AbortSignal.any([deadline, AbortSignal.timeout(deps.timeoutSeconds * 1000)])
    const exchange = (): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const sent = request({ host: address, port, path, method, headers, agent, signal }, (answer) => {
          bodyOf(answer, path).then((text) => resolve({ status: answer.statusCode ?? 0, text }), reject)
        })
        sent.once('socket', (socket) => {
          if (!socket.connecting) connected = true
          else socket.once('connect', () => (connected = true))
        })
        // Nobody asked for it: what speaks another protocol from here on is no metadata service.
        sent.once('upgrade', (_answer, socket) => {
          socket.destroy()
          reject(new Error('the protocol was changed'))
        })
        sent.once('error', reject)
        sent.end()
      })
    return await until(signal, exchange())
  }
  try {
    const answer = await ask('PUT', '/latest/api/token', {
      'X-aws-ec2-metadata-token-ttl-seconds': String(tokenSeconds),
    })
    if (answer.status !== 200 || !/^[\x21-\x7e]{1,512}$/.test(answer.text)) {
      const got = answer.status === 200 ? 'a text that is no token' : `status ${answer.status}`
      return {
        answered: false,
        silence: 'refused',
        because: `${where} gave no token of version 2 (${got}); version 1 is not used`,
      }
    }
    token = answer.text
    return await read(ask, token)
  } catch (error) {
    if (token !== null) {
      const why = error instanceof Error && error.name === 'MetadataProblem' ? error.message : codeOf(error)
      return { answered: false, silence: 'failed', because: `${where} could not be read whole (${why})` }
    }
    const code = codeOf(error)
    if (connected && code === 'timeout') {
      return {
        answered: false,
        silence: 'no_token',
        because: `${where} took the connection but sent no token in ${deps.timeoutSeconds} s, as behind a hop limit of 1`,
      }
    }
    return {
      answered: false,
      silence: connected ? 'refused' : 'no_connection',
      because: connected ? `${where} gave no token (${code})` : `${where} did not answer (${code})`,
    }
  } finally {
    done.abort()
    agent.destroy()
  }
}
