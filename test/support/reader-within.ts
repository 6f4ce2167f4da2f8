import { anchorArgument } from '../../agent/ledger/anchor-request.ts'
import { runAnchor } from '../../agent/ledger/anchor-signer.ts'
import { attestArgument } from '../../agent/evidence/attest-request.ts'
import { runSigner } from '../../agent/evidence/attest-signer.ts'
import type { ProgramCommand } from '../../agent/child.ts'
import { runDirectConnectReader } from '../../agent/site/direct-connect-reader.ts'
import { directConnectArgument } from '../../agent/site/direct-connect-request.ts'
import { runPutMetrics } from '../../agent/web/put-metrics.ts'
import { putMetricsArgument } from '../../agent/web/put-metrics-request.ts'
import { recordsArgument } from '../../agent/evidence/records-request.ts'
import { runRecordsReader } from '../../agent/evidence/records-reader.ts'
import { runSharedReader } from '../../agent/account/shared-snapshot-reader.ts'
import { sharedArgument } from '../../agent/account/shared-snapshot-request.ts'
import { runReader } from '../../agent/account/snapshot-reader.ts'

/** The jobs of a process that the program starts of itself; the reader of the account is the other one. */
const jobs: Readonly<Record<string, typeof runReader>> = {
  [anchorArgument]: runAnchor,
  [attestArgument]: runSigner,
  [recordsArgument]: runRecordsReader,
  [putMetricsArgument]: runPutMetrics,
  [sharedArgument]: runSharedReader,
  [directConnectArgument]: runDirectConnectReader,
}

let last: Promise<unknown> = Promise.resolve()

/**
 * The readers of this program in this process: all of them but the starting of a process. The SDK looks into the environment
 * of its process, which is changed meanwhile; so readings are made one after the other.
 */
export function readerWithin(wallMs: () => number = Date.now): ProgramCommand {
  return {
    within(input, environment, job) {
      const next = last.then(() => readWith(environment, input, wallMs, jobs[job] ?? runReader))
      last = next.catch(() => undefined)
      return next
    },
  }
}

async function readWith(
  environment: NodeJS.ProcessEnv,
  input: string,
  wallMs: () => number,
  run: typeof runReader,
): Promise<string> {
  const before = { ...process.env }
  const put = (next: NodeJS.ProcessEnv): void => {
    for (const name of Object.keys(process.env)) if (/^aws_/i.test(name)) delete process.env[name]
    for (const [name, value] of Object.entries(next))
      if (/^aws_/i.test(name) && value !== undefined) process.env[name] = value
  }
  let answer = ''
  put(environment)
  try {
    async function* asked(): AsyncGenerator<string> {
      yield input
    }
    const code = await run(
      asked(),
      (text) => {
        answer = text
        return Promise.resolve()
      },
      wallMs,
    )
    if (code !== 0) throw new Error(`the reader ended with ${code}`)
    return answer
  } finally {
    put(before)
  }
}
