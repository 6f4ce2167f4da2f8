import { type AttestAnswer, type AttestRequest, attestArgument, attestSchema } from './attest-request.ts'
import { parseAttestAnswer } from './attest-request.ts'
import { type ReaderDeps, runProgram } from '../child.ts'

/** Signs, reads a policy, looks up records: everything for which credentials are needed. Never rejects. */
export type Attest = (request: AttestRequest) => Promise<AttestAnswer>

const mostAnswerBytes = 16 * 1024 * 1024

/**
 * Signs and asks in a process of its own that ends with it: this one holds neither the SDK nor a key, only requests that are
 * already signed, each for one host name and path and for minutes. Never rejects.
 */
export async function attestInChild(request: AttestRequest, deps: ReaderDeps): Promise<AttestAnswer> {
  const { graceSeconds = 15, mostBytes = mostAnswerBytes } = deps
  const limits = { deadlineSeconds: request.deadlineSeconds + graceSeconds, mostBytes }
  const ended = await runProgram(attestArgument, JSON.stringify(request), limits, deps)
  if (!ended.ok) return refused(ended.code, ended.because)
  return (
    parseAttestAnswer(ended.text, request) ??
    refused('garbled', `what it wrote is no answer of ${attestSchema}`)
  )
}

function refused(code: string, because: string): AttestAnswer {
  return {
    schema: attestSchema,
    failure: {
      reason: code === 'timeout' ? 'timeout' : 'failed',
      code,
      detail: `the process that signs requests gave no answer: ${because}`,
      nextStep: 'see the log for what it said; on a small host it may have run out of memory',
    },
    signed: {},
    policy: null,
    lookups: [],
  }
}
