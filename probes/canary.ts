import type { SignedRequest } from '../aws/request-signing.ts'
import type {
  Attempt,
  CanaryAsk,
  CanaryObject,
  CanaryObservation,
  CanaryPolicy,
  HttpExchange,
} from '../model/observation.ts'
import { whyNotSend } from './certificate-worth.ts'
import { exchangeOf } from './http.ts'
import { readS3Error } from './s3-error.ts'
import { exchange, staysOpen } from './signed-exchange.ts'
import { probeWith } from './tls.ts'
import type { TlsDeps, TlsTarget } from './tls.ts'

/** Signed GETs of the three objects, for this host name; each of them is sent once. */
export type CanaryRequests = Readonly<Record<CanaryObject, SignedRequest>>

export interface CanaryTask {
  to: TlsTarget
  /** For the first socket, and for the second where there has to be one. */
  requests: readonly [CanaryRequests, CanaryRequests]
  bucket: string
  endpoint: string
  /** As it is known when the round ends. */
  policy(): CanaryPolicy
}

/** One socket of a round: the attempt, and what went over it. */
export interface CanarySocket {
  attempt: Attempt
  canary: CanaryObservation
}

const firstOrder: readonly CanaryObject[] = ['control', 'positive', 'negative']
const secondOrder: readonly CanaryObject[] = ['control', 'negative', 'positive']

/**
 * One round of a canary at one address: control, positive, negative over the socket of one attempt. S3 may close a connection after
 * it has refused: then the rest is not asked elsewhere and put together, but everything is asked anew over a second socket, the
 * negative object before the positive one, so that one of the two orders gets through. Gives one entry per socket, at most two.
 * Never rejects.
 */
export async function probeCanary(task: CanaryTask, deps: TlsDeps): Promise<CanarySocket[]> {
  const [first, second] = task.requests
  const one = await overOneSocket(task, deps, { requests: first, order: firstOrder, socket: 1, round: null })
  if (!worthASecond(one.canary)) return [one]
  const { round } = one.canary
  return [one, await overOneSocket(task, deps, { requests: second, order: secondOrder, socket: 2, round })]
}

/** The control was read and the positive object refused, and then the socket was gone. */
function worthASecond({ asks, closedEarly }: CanaryObservation): boolean {
  const [control, positive] = asks
  return (
    closedEarly &&
    control?.outcome.answered === true &&
    control.outcome.status === 200 &&
    positive?.outcome.answered === true
  )
}

interface Pass {
  requests: CanaryRequests
  order: readonly CanaryObject[]
  socket: 1 | 2
  round: string | null
}

async function overOneSocket(task: CanaryTask, deps: TlsDeps, pass: Pass): Promise<CanarySocket> {
  const asks: CanaryAsk[] = []
  let notSent: string | null = null
  let closedEarly = false
  let clockOffsetSeconds: number | null = null
  const attempt = await probeWith(task.to, deps, async ({ socket, check, deadline }) => {
    notSent = whyNotSend(check)
    if (notSent !== null) return null
    let kept: HttpExchange | null = null
    for (const object of pass.order) {
      const answer = await exchange(socket, pass.requests[object], deps.userAgent, deadline)
      if (!answer.answered) {
        const { failure } = answer
        asks.push({ object, outcome: { answered: false, failure } })
        closedEarly = failure.type === 'reset'
        break
      }
      const { status, headers, body } = answer
      const exchanged = exchangeOf(status, headers)
      if (exchanged.dateMs !== null) {
        clockOffsetSeconds ??= Math.round((deps.clock.wallMs() - exchanged.dateMs) / 1000)
      }
      kept ??= exchanged
      const { requestId } = exchanged
      const said = status < 300 ? { code: null, deniedBy: null } : readS3Error(body)
      asks.push({ object, outcome: { answered: true, status, requestId, ...said } })
      if (asks.length < pass.order.length && !(await staysOpen(socket))) {
        closedEarly = true
        break
      }
    }
    return kept
  })
  if (asks.length === 0 && notSent === null) notSent = 'no TLS connection came about'
  const canary: CanaryObservation = {
    kind: 'canary',
    stamp: deps.stamp(),
    attemptId: attempt.stamp.id,
    round: pass.round ?? attempt.stamp.id,
    socket: pass.socket,
    hostname: attempt.hostname,
    bucket: task.bucket,
    endpoint: task.endpoint,
    asks,
    closedEarly,
    notSent,
    clockOffsetSeconds,
    policy: task.policy(),
  }
  return { attempt, canary }
}
