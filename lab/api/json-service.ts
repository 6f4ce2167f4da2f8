/** AWS's JSON protocols 1.0 and 1.1, as CloudWatch Logs, CloudWatch, CloudTrail and KMS speak them. Source: Smithy's "AWS JSON 1.1 protocol". */
import type { World } from '../world/types.ts'
import type { ApiCall } from './call.ts'
import { isJson, type Json } from './json.ts'
import type { Pager } from './paging.ts'
import type { Principal } from './principals.ts'
import { type ApiProblem, problem } from './problem.ts'

/** As the scope of a signature has it. */
export type JsonApi = 'logs' | 'monitoring' | 'cloudtrail' | 'kms' | 'directconnect'

/** Actions that faults may name. */
export const jsonActions: readonly string[] = [
  'FilterLogEvents',
  'GetLogEvents',
  'DescribeLogGroups',
  'DescribeLogStreams',
  'GetMetricData',
  'PutMetricData',
  'LookupEvents',
  'PutLogEvents',
  'CreateLogStream',
  'ListKeys',
  'GetPublicKey',
  'Sign',
  'DescribeVirtualInterfaces',
  'ListVirtualInterfaceRoutes',
]

export interface JsonQuestion {
  /** The body. */
  input: Json
  world: World
  caller: Principal
  pager: Pager
  /** The most items of a page; null: as AWS documents it. */
  pageSize: number | null
  /** After the last page comes the first one again. */
  endless: boolean
  /** Unix milliseconds. */
  nowMs: number
}

export interface JsonService {
  api: JsonApi
  /** Before the point in `X-Amz-Target`. */
  target: string
  contentType: string
  actions: Readonly<Record<string, (question: JsonQuestion) => Json | ApiProblem>>
  /** Source and actions that CloudTrail keeps of it. */
  trail: { source: string; actions: readonly string[] }
}

/** A request of one of the services with its action; null: it is of none. */
export interface JsonRequest {
  service: JsonService
  /** Null: the body is no JSON object. */
  input: Json | null
  call: ApiCall
}

export function readJsonRequest(
  services: readonly JsonService[],
  target: unknown,
  body: Buffer,
): JsonRequest | null {
  const [, prefix = '', action = ''] = /^([A-Za-z0-9_]+)\.([A-Za-z0-9]+)$/u.exec(String(target ?? '')) ?? []
  const service = services.find((each) => each.target === prefix)
  if (service === undefined) return null
  const input = objectFrom(body)
  const params = Object.entries(input ?? {}).map(([name, value]): [string, string] => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
  return { service, input, call: { action, version: '', params: new Map(params) } }
}

function objectFrom(body: Buffer): Json | null {
  try {
    const value: unknown = JSON.parse(body.toString())
    return isJson(value) ? value : null
  } catch {
    return null
  }
}

/** What is wrong with the request itself; null: nothing. */
export function complaintAboutJson({ service, input, call }: JsonRequest): ApiProblem | null {
  if (!Object.hasOwn(service.actions, call.action)) return problem(400, 'UnknownOperationException', '')
  return input === null ? problem(400, 'SerializationException', 'Expected a JSON object') : null
}

/** STS's words for errors that all services have → those of the JSON services. */
const codes: Readonly<Record<string, { status: number; code: string }>> = {
  MissingAuthenticationToken: { status: 400, code: 'MissingAuthenticationTokenException' },
  IncompleteSignature: { status: 400, code: 'IncompleteSignatureException' },
  SignatureDoesNotMatch: { status: 400, code: 'InvalidSignatureException' },
  ExpiredToken: { status: 400, code: 'ExpiredTokenException' },
  Throttling: { status: 400, code: 'ThrottlingException' },
  AccessDenied: { status: 400, code: 'AccessDeniedException' },
  ServiceUnavailable: { status: 503, code: 'ServiceUnavailableException' },
}

const prefixes: Readonly<Record<JsonApi, string>> = {
  logs: 'logs',
  monitoring: 'cloudwatch',
  cloudtrail: 'cloudtrail',
  kms: 'kms',
  directconnect: 'directconnect',
}

/** An error in the words of a JSON service. */
export function inJsonWords(api: JsonApi, { status, code, message }: ApiProblem): ApiProblem {
  const other = Object.hasOwn(codes, code) ? codes[code] : undefined
  // IAM's name of the service is not always the one that signs
  const words = message.replace(`to perform: ${api}:`, `to perform: ${prefixes[api]}:`)
  return problem(other?.status ?? status, other?.code ?? code, words)
}

export function jsonProblemBody({ code, message }: ApiProblem): string {
  return JSON.stringify({ __type: code, message })
}

export function textOf(input: Json, name: string): string | null {
  const value = input[name]
  return typeof value === 'string' ? value : null
}

export function numberOf(input: Json, name: string): number | null {
  const value = input[name]
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

export function textsOf(input: Json, name: string): string[] {
  const value = input[name]
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
