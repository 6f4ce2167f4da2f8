import type { DirectConnectResult } from '../../aws/direct-connect-api.ts'
import type { Clock } from '../../model/host.ts'
import type { DirectConnectReading } from '../../model/first-leg.ts'
import { type ReaderDeps, runProgram } from '../child.ts'
import {
  directConnectArgument,
  directConnectSchema,
  parseDirectConnectAnswer,
} from './direct-connect-request.ts'

const mostAnswerBytes = 16 * 1024 * 1024
const deadlineSeconds = 45

/** Reads in a process of its own that ends with it: this one holds no key. Never rejects. */
export async function readDirectConnectInChild(
  region: string,
  deps: ReaderDeps,
): Promise<DirectConnectResult> {
  const { graceSeconds = 15, mostBytes = mostAnswerBytes } = deps
  const limits = { deadlineSeconds: deadlineSeconds + graceSeconds, mostBytes }
  const request = JSON.stringify({ region, deadlineSeconds })
  const ended = await runProgram(directConnectArgument, request, limits, deps)
  if (!ended.ok) return crashed(ended.code, ended.because)
  return (
    parseDirectConnectAnswer(ended.text) ??
    crashed('garbled', `what it wrote is no answer of ${directConnectSchema}`)
  )
}

function crashed(code: string, because: string): DirectConnectResult {
  const failure = {
    reason: code === 'timeout' ? 'timeout' : 'failed',
    code,
    permission: 'directconnect:DescribeVirtualInterfaces',
    detail: `the process that reads Direct Connect gave no answer: ${because}`,
    nextStep: 'see the log for what it said',
  } as const
  return { reading: null, failures: [failure] }
}

export interface DirectConnectKeeper {
  /** The newest reading, null when it is too old or there is none. */
  current(): DirectConnectReading | null
  /** Why there is none, or what is missing in it. */
  problems(): string[]
  /** One reading. Never rejects. */
  refresh(): Promise<void>
  /** Reads again and again until the signal fires; returns at once where it is not enabled. */
  run(): Promise<void>
}

export interface DirectConnectKeeperDeps {
  /** As configured at the start; null: not enabled. */
  everySeconds: number | null
  /** Null: not known yet. */
  region(): string | null
  read(region: string): Promise<DirectConnectResult>
  clock: Clock
  onProblem(problem: string): void
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  /** 0 to 1. */
  random(): number
  signal: AbortSignal
}

/** Intervals after which a reading is no word on now. */
const mostIntervals = 3

/** Keeps what the Direct Connect API says. An old reading is no word on now: it is dropped and not stretched. */
export function createDirectConnectKeeper(deps: DirectConnectKeeperDeps): DirectConnectKeeper {
  const { everySeconds, clock, signal } = deps
  let last: { reading: DirectConnectReading; startedMs: number } | null = null
  let problems: string[] = []
  const tell = (next: string[]): void => {
    for (const problem of next) if (!problems.includes(problem)) deps.onProblem(problem)
    problems = next
  }
  const refresh = async (): Promise<void> => {
    const region = deps.region()
    if (region === null) return tell(['direct_connect: no region is known: give direct_connect.region'])
    const startedMs = clock.monotonicMs()
    const { reading, failures } = await deps.read(region)
    if (signal.aborted) return
    if (reading !== null) last = { reading, startedMs }
    tell(failures.map(({ detail, nextStep }) => `direct_connect: ${detail}; ${nextStep}`))
  }
  return {
    current() {
      if (last === null || everySeconds === null) return null
      const ageSeconds = (clock.monotonicMs() - last.startedMs) / 1000
      return ageSeconds <= mostIntervals * everySeconds ? last.reading : null
    },
    problems: () => problems,
    refresh,
    async run() {
      if (everySeconds === null) return
      while (!signal.aborted) {
        await refresh()
        await deps.sleep(everySeconds * (0.9 + 0.2 * deps.random()), signal)
      }
    },
  }
}
