/**
 * AWS's APIs of the lab: EC2 and STS over HTTP, each request signed. Nothing listens here: requests are given to
 * `handle` by whoever has the connection (`../services.ts` behind TLS, `loopback.ts` without).
 */
import { randomBytes, randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { World } from '../world/types.ts'
import type { Arrival } from '../flow/arrival.ts'
import { type ApiCall, readBody, readCall } from './call.ts'
import { deliver, send } from './deliver.ts'
import { answerEc2, ec2Version, resourceOf } from './ec2.ts'
import { ec2Actions } from './ec2-actions.ts'
import { type ApiFaults, type Breaking, createFaults } from './faults.ts'
import {
  complaintAboutJson,
  inJsonWords,
  type JsonRequest,
  type JsonService,
  jsonProblemBody,
  readJsonRequest,
} from './json-service.ts'
import { createPager } from './paging.ts'
import { type ApiCredentials, createPrincipals, type Principal, type Principals } from './principals.ts'
import {
  type ApiProblem,
  type ApiService,
  commonProblems,
  isProblem,
  problem,
  problemXml,
} from './problem.ts'
import type { ServedCall } from './served.ts'
import { amzTimeMs, complaintOf, isSignedWith, readAuthorization, type SignedRequest } from './signature.ts'
import { answerSts, stsActions, stsVersion } from './sts.ts'

/** A request that has come, for comparing with what a policy allows. */
export interface ApiRequest {
  service: ApiService
  /** As sent: `DescribeRouteTables`. */
  action: string
  /** As on the wire (`Filter.1.Name`), without action and version. */
  params: Record<string, string>
  /** Unix milliseconds. */
  at: number
  /** Whose credentials; null: they were not believed. */
  account: string | null
  /** `ok`, the code of the error, or how the answer was broken. */
  outcome: string
}

export interface ApiOptions {
  /** Asked anew at each request. */
  world(): World
  faults: ApiFaults
  /** Unix milliseconds. */
  nowMs(): number
  /** Further services, of AWS's JSON protocols. */
  json?: readonly JsonService[]
  /** Told of management calls that were believed, as CloudTrail would be. */
  served?(call: ServedCall): void
  /** The way of a request that came by no simulated network. */
  arrival?(service: ApiService): Arrival
}

export interface Api {
  /**
   * Answers a request. `service`: at whose door it came; null: all services are behind this one. `arrival`: how it came,
   * null: by no simulated network.
   */
  handle(
    request: IncomingMessage,
    response: ServerResponse,
    service: ApiService | null,
    arrival?: Arrival | null,
  ): void
  principals: Principals
  /** Credentials of the host's own role. */
  credentials(): ApiCredentials
  faults(): ApiFaults
  /** Other faults from now on. */
  setFaults(faults: ApiFaults): void
  /** The last 10,000 requests, oldest first. */
  requests(): readonly ApiRequest[]
  /** Ends what waits. The connections are their listeners'. */
  close(): void
}

const maxKept = 10_000
/** EC2 API reference, `RequestExpired`. */
const maxSkewMs = 15 * 60_000

/** An answer, before it is broken on its way. */
interface Answer {
  status: number
  body: string
  outcome: string
  caller: Principal | null
}

export function createApi(options: ApiOptions): Api {
  const { world, nowMs } = options
  const faults = createFaults(options.faults)
  const pager = createPager(randomBytes(32))
  const principals = createPrincipals(world, nowMs)
  const kept: ApiRequest[] = []
  const waiting = new Set<NodeJS.Timeout>()

  const record = (service: ApiService, { action, params }: ApiCall): ApiRequest => {
    const entry: ApiRequest = {
      service,
      action,
      params: Object.fromEntries(params),
      at: nowMs(),
      account: null,
      outcome: 'pending',
    }
    if (kept.length >= maxKept) kept.shift()
    kept.push(entry)
    return entry
  }

  /** Who asks, or why nobody is believed. */
  const callerOf = (service: ApiService, request: SignedRequest): Principal | ApiProblem => {
    const header = request.headers['authorization']
    if (typeof header !== 'string') return commonProblems.unsigned()
    const authorization = readAuthorization(header)
    if (authorization === null) {
      return commonProblems.malformedSignature(
        service,
        'Authorization header is not of the form of AWS4-HMAC-SHA256',
      )
    }
    const complaint = complaintOf(authorization, request)
    if (complaint !== null) return commonProblems.malformedSignature(service, complaint)
    // the global endpoint of STS is in us-east-1
    const regions = [world().region, ...(service === 'sts' ? ['us-east-1'] : [])]
    if (authorization.service !== service || !regions.includes(authorization.region)) {
      return commonProblems.malformedSignature(
        service,
        `Credential should be scoped to a valid region and service, not '${authorization.region}/${authorization.service}'.`,
      )
    }
    const signedAt = amzTimeMs(request.headers['x-amz-date']) ?? 0
    if (Math.abs(signedAt - nowMs()) > maxSkewMs) return commonProblems.skewed(service)
    const known = principals.find(authorization.accessKeyId)
    if (known === null) return principals.host()
    const { credentials, principal } = known
    const tokenFits = request.headers['x-amz-security-token'] === credentials.sessionToken
    if (!tokenFits || !isSignedWith(credentials.secretAccessKey, authorization, request)) {
      return commonProblems.wrongSignature(service)
    }
    return credentials.expirationMs <= nowMs() ? commonProblems.expired(service) : principal
  }

  const outcomeOf = (
    service: ApiService,
    call: ApiCall,
    request: SignedRequest,
    requestId: string,
    breaking: Breaking | null,
    json: JsonRequest | null,
  ): Answer => {
    let believed: Principal | null = null
    const refuse = (error: ApiProblem): Answer => {
      const said = json === null ? error : inJsonWords(json.service.api, error)
      const body = json === null ? problemXml(service, said, requestId) : jsonProblemBody(said)
      return { status: said.status, body, outcome: said.code, caller: believed }
    }
    if (breaking === 'error') return refuse(commonProblems.broken(service))
    if (breaking === 'unavailable') return refuse(commonProblems.unavailable(service))
    const caller = callerOf(service, request)
    if (isProblem(caller)) return refuse(caller)
    if (breaking === 'auth_failure') return refuse(commonProblems.wrongSignature(service))
    if (breaking === 'expired') return refuse(commonProblems.expired(service))
    believed = caller
    const { account } = caller
    const wrong = json === null ? complaintAboutCall(service, call) : complaintAboutJson(json)
    if (wrong !== null) return refuse(wrong)
    if (faults.throttled(call.action)) return refuse(commonProblems.throttled(service))
    const resource = service === 'ec2' ? resourceOf(call) : null
    if (faults.denied(call.action, resource))
      return refuse(commonProblems.denied(service, caller.arn, call.action))
    if (service === 'ec2' && call.params.get('DryRun') === 'true') {
      return refuse(problem(412, 'DryRunOperation', 'Request would have succeeded, but DryRun flag is set.'))
    }
    const { pageSize, roles } = faults.current()
    if (json !== null) {
      const question = { input: json.input ?? {}, world: world(), caller, pager, pageSize, nowMs: nowMs() }
      const result =
        json.service.actions[call.action]?.({ ...question, endless: breaking === 'endless' }) ?? {}
      if (isProblem(result)) return refuse(result)
      return { status: 200, body: JSON.stringify(result), outcome: 'ok', caller }
    }
    const answer =
      service === 'ec2'
        ? answerEc2({
            call,
            world: world(),
            account,
            requestId,
            pager,
            pageSize,
            endless: breaking === 'endless',
          })
        : answerSts({ call, caller, principals, roles, requestId })
    if (typeof answer !== 'string') return refuse(answer)
    return { status: 200, body: answer, outcome: 'ok', caller }
  }

  /** What CloudTrail hears: calls of who was believed, in the words of the account's own log. */
  const tell = (
    service: ApiService,
    { action, params }: ApiCall,
    { headers }: IncomingMessage,
    requestId: string,
    { outcome, caller, status }: Answer,
    arrival: Arrival | null,
  ): void => {
    const trail = options.json?.find(({ api }) => api === service)?.trail
    if (caller === null || options.served === undefined) return
    if (trail !== undefined && !trail.actions.includes(action)) return
    const came = arrival ?? options.arrival?.(service)
    if (came === undefined) return
    options.served({
      source: trail?.source ?? `${service}.amazonaws.com`,
      name: action,
      requestId,
      principal: caller,
      accessKeyId: readAuthorization(headers.authorization ?? '')?.accessKeyId ?? '',
      arrival: came,
      host: headers.host ?? '',
      userAgent: headers['user-agent'] ?? '',
      error: status === 200 ? null : outcome,
      parameters: params.size === 0 ? null : Object.fromEntries(params),
      region: world().region,
    })
  }

  const answer = async (
    request: IncomingMessage,
    response: ServerResponse,
    door: ApiService | null,
    arrival: Arrival | null,
  ): Promise<void> => {
    const requestId = randomUUID()
    const frame = { type: 'text/xml;charset=UTF-8', requestId, nowMs: nowMs(), server: 'AmazonEC2' }
    const body = await readBody(request)
    if (body === null) {
      send(response, { ...frame, status: 413, body: '' })
      return
    }
    const { method = 'GET', url = '/', headers } = request
    const json = readJsonRequest(options.json ?? [], headers['x-amz-target'], body)
    const call = json?.call ?? readCall(method === 'POST' ? body.toString() : (url.split('?')[1] ?? ''))
    const service = json?.service.api ?? door ?? serviceOf(call, headers.authorization)
    if (json !== null) Object.assign(frame, { type: json.service.contentType, server: 'amazon.com' })
    const entry = record(service, call)
    await new Promise<void>((resolve) => {
      const seconds = faults.latencySeconds(call.action)
      if (seconds <= 0) return resolve()
      const timer = setTimeout(() => {
        waiting.delete(timer)
        resolve()
      }, seconds * 1000)
      waiting.add(timer)
    })
    const breaking = faults.breaking(call.action)
    if (breaking === 'silent' || breaking === 'reset') {
      entry.outcome = breaking
      if (breaking === 'reset') request.socket.resetAndDestroy()
      return
    }
    const signed: SignedRequest = { method, url, headers, body }
    const given = outcomeOf(service, call, signed, requestId, breaking, json)
    const { outcome, caller, ...rest } = given
    entry.account = caller?.account ?? null
    tell(service, call, request, requestId, given, arrival)
    entry.outcome = breaking !== null && (rest.status === 200 || breaking === 'html') ? breaking : outcome
    deliver(response, { ...frame, ...rest }, breaking)
  }

  return {
    handle: (request, response, service, arrival = null) => {
      // a client that goes away in the middle is no concern of anybody
      answer(request, response, service, arrival).catch(() => response.destroy())
    },
    principals,
    credentials: principals.hostCredentials,
    faults: faults.current,
    setFaults: faults.set,
    requests: () => kept,
    close: () => {
      for (const timer of waiting) clearTimeout(timer)
      waiting.clear()
    },
  }
}

/** Which of the two services is meant where both are behind one door. */
function serviceOf(call: ApiCall, authorization: string | undefined): ApiService {
  if (stsActions.includes(call.action)) return 'sts'
  if (ec2Actions.includes(call.action)) return 'ec2'
  return /\/sts\/aws4_request/u.test(authorization ?? '') || call.version === stsVersion ? 'sts' : 'ec2'
}

function complaintAboutCall(service: ApiService, { action, version }: ApiCall): ApiProblem | null {
  if (action === '') return problem(400, 'MissingAction', 'The request must contain the parameter Action')
  const [wanted, actions] = service === 'ec2' ? [ec2Version, ec2Actions] : [stsVersion, stsActions]
  const name = service === 'ec2' ? 'AmazonEC2' : 'AWSSecurityTokenService'
  if (version !== wanted) {
    const message = `The requested version (${version}) of service ${name} does not exist`
    return problem(400, 'NoSuchVersion', message)
  }
  if (!actions.includes(action)) {
    return problem(400, 'InvalidAction', `The action ${action} is not valid for this web service.`)
  }
  return null
}
