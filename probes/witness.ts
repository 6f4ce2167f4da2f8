import type { SignedRequest } from '../aws/request-signing.ts'
import type { Attempt, WitnessObservation } from '../model/observation.ts'
import { whyNotSend } from './certificate-worth.ts'
import { exchangeOf } from './http.ts'
import { exchange } from './signed-exchange.ts'
import { probeWith } from './tls.ts'
import type { TlsDeps, TlsTarget } from './tls.ts'

export interface WitnessTask {
  to: TlsTarget
  request: SignedRequest
  eventSource: string
  eventName: string
  region: string
}

/**
 * One attempt with a signed management call in place of `HEAD /`: the request id of its answer is what CloudTrail's record
 * will be known by. A call that is refused bears one as well. Never rejects.
 */
export async function probeWitness(
  task: WitnessTask,
  deps: TlsDeps,
): Promise<{ attempt: Attempt; witness: WitnessObservation }> {
  let notSent: string | null = 'no TLS connection came about'
  const attempt = await probeWith(task.to, deps, async ({ socket, check, deadline }) => {
    notSent = whyNotSend(check)
    if (notSent !== null) return null
    const answer = await exchange(socket, task.request, deps.userAgent, deadline)
    return answer.answered ? exchangeOf(answer.status, answer.headers) : null
  })
  const { eventSource, eventName, region } = task
  const witness: WitnessObservation = {
    kind: 'witness',
    stamp: deps.stamp(),
    attemptId: attempt.stamp.id,
    eventSource,
    eventName,
    region,
    requestId: attempt.http?.requestId ?? null,
    status: attempt.http?.status ?? null,
    notSent,
  }
  return { attempt, witness }
}
