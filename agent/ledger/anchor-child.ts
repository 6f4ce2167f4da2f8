import {
  type AnchorAnswer,
  type AnchorRequest,
  anchorArgument,
  anchorSchema,
  parseAnchorAnswer,
} from './anchor-request.ts'
import { type ReaderDeps, runProgram } from '../child.ts'

/** Signs by KMS, writes to CloudWatch Logs and S3: everything of a ledger for which credentials are needed. Never rejects. */
export type Anchor = (request: AnchorRequest) => Promise<AnchorAnswer>

const mostAnswerBytes = 1024 * 1024

/** Does it in a process of its own that ends with it, as all that needs credentials. Never rejects. */
export async function anchorInChild(request: AnchorRequest, deps: ReaderDeps): Promise<AnchorAnswer> {
  const { graceSeconds = 15, mostBytes = mostAnswerBytes } = deps
  const limits = { deadlineSeconds: request.deadlineSeconds + graceSeconds, mostBytes }
  const ended = await runProgram(anchorArgument, JSON.stringify(request), limits, deps)
  if (!ended.ok) return refused(ended.code, ended.because)
  return (
    parseAnchorAnswer(ended.text, request) ??
    refused('garbled', `what it wrote is no answer of ${anchorSchema}`)
  )
}

function refused(code: string, because: string): AnchorAnswer {
  return {
    schema: anchorSchema,
    failure: {
      reason: code === 'timeout' ? 'timeout' : 'failed',
      code,
      detail: `the process that anchors the ledger gave no answer: ${because}`,
      nextStep: 'see the log for what it said; on a small host it may have run out of memory',
    },
    kms: null,
    logs: null,
    puts: [],
  }
}
