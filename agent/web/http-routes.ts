import type { IncomingMessage } from 'node:http'
import { contentTypes, negotiate } from '../../exporters/exposition.ts'
import { pagePolicy } from '../../exporters/pages/page.ts'
import { redact } from '../../model/redact.ts'
import { inTurns, jsonPieces } from './document.ts'
import type { HttpContent } from './http.ts'
import { isCrossSite, targetOf } from './http-guard.ts'

export interface Answer {
  status: number
  type: string
  body: Buffer | string
  headers?: Readonly<Record<string, string>>
}

/** Makes what is asked for under a key; who asks for the same at once may share it. */
export type Lane = <T>(key: string, make: () => Promise<T> | T) => Promise<T>

const attemptId = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/

/** What the surface answers to a request that is allowed. */
export async function route(request: IncomingMessage, content: HttpContent, lane: Lane): Promise<Answer> {
  const path = targetOf(request)?.path ?? ''
  if (path === '/-/reload') return reload(request, content)
  const get = getOf(path, content)
  if (get === undefined) return text(404, 'not found')
  if (request.method !== 'GET' && request.method !== 'HEAD') return notAllowed('GET, HEAD')
  // Health must not wait for documents.
  if (path.startsWith('/-/')) return get(content, request)
  const format = get === metrics ? negotiate(request.headers.accept) : ''
  return lane(`${format} ${path}`, () => get(content, request))
}

type Get = (content: HttpContent, request: IncomingMessage) => Answer | Promise<Answer>

function getOf(path: string, content: HttpContent): Get | undefined {
  if (path === (content.telemetryPath?.() ?? '/metrics')) return metrics
  if (Object.hasOwn(gets, path)) return gets[path]
  const attempt = path.startsWith('/api/v1/attempts/') ? path.slice('/api/v1/attempts/'.length) : null
  if (attempt !== null && attemptId.test(attempt)) return () => attemptJson(content, attempt)
  const further = documentOf(path, content)
  if (further !== undefined) return () => documentJson(further)
  return /^\/(?:targets|attempts|assets)\/./.test(path) ? () => pageOf(path, content) : undefined
}

const metrics: Get = async (content, request) => {
  const format = negotiate(request.headers.accept)
  const body = await content.metrics(format)
  return { status: 200, type: contentTypes[format], body, headers: { vary: 'Accept' } }
}

const gets: Readonly<Record<string, Get>> = {
  '/': async (content) => ({
    status: 200,
    type: 'text/html; charset=utf-8',
    body: await inTurns(content.page()),
    headers: { 'content-security-policy': pagePolicy },
  }),
  '/-/healthy': () => text(200, 'healthy'),
  '/-/ready': (content) => {
    const { ready, because } = content.ready()
    return ready
      ? text(200, 'ready')
      : text(503, ['not ready', ...because].map((line) => redact(line)).join('\n'))
  },
  '/api/v1/verdicts': async (content) => {
    const { head = {}, targets } = content.verdicts()
    const body = await inTurns(jsonPieces({ schema: 'pathproof.verdicts/1', ...head, targets }))
    return { status: 200, type: 'application/json', body }
  },
}

async function pageOf(path: string, content: HttpContent): Promise<Answer> {
  const page = content.pages?.(path) ?? null
  if (page === null) return text(404, 'not found')
  const { status, type, body, policy, headers } = page
  return {
    status,
    type,
    body: await inTurns(body),
    headers: { ...headers, 'content-security-policy': policy },
  }
}

function documentOf(path: string, { documents = {} }: HttpContent): (() => object | null) | undefined {
  const name = path.startsWith('/api/v1/') ? path.slice('/api/v1/'.length) : ''
  return Object.hasOwn(documents, name) ? documents[name] : undefined
}

async function documentJson(make: () => object | null): Promise<Answer> {
  const document = make()
  if (document === null) return text(404, 'the configuration enables nothing that makes this document')
  const body = await inTurns(jsonPieces(document as Readonly<Record<string, unknown>>))
  return { status: 200, type: 'application/json', body }
}

async function attemptJson(content: HttpContent, id: string): Promise<Answer> {
  const attempt = content.attempt(id)
  if (attempt === null || attempt === undefined) return text(404, 'no such attempt is kept')
  const body = await inTurns(jsonPieces({ schema: 'pathproof.attempt/1', attempt }))
  return { status: 200, type: 'application/json', body }
}

async function reload(request: IncomingMessage, content: HttpContent): Promise<Answer> {
  if (request.method !== 'POST') return notAllowed('POST')
  if (content.reload === null) return text(403, 'reload over HTTP is not switched on')
  if (isCrossSite(request)) return text(403, 'not from another site')
  const { ok, text: words } = await content.reload()
  return text(ok ? 200 : 500, redact(words))
}

/** A plain text, with a line feed at its end. */
export function text(status: number, words: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${words}\n`, headers }
}

function notAllowed(allow: string): Answer {
  return text(405, `method not allowed, only ${allow}`, { allow })
}
