import type { TraceResult } from '../model/first-leg.ts'
import { safeText } from '../model/text.ts'
import { canonicalIp } from '../net/ip.ts'
import type { CommandResult, RunCommand } from './run-command.ts'
import {
  mtrArgs,
  parseMtrJson,
  parseMtrReport,
  parseTraceroute,
  type TraceQuestion,
  tracerouteArgs,
} from './trace-output.ts'

type Failed = Extract<TraceResult, { traced: false }>

const mayNot =
  /not permitted|permission denied|enough privileges|must be (?:run as )?root|Failure to (?:open|start)|raw socket/i
const unknownOption =
  /(?:invalid|unrecognized|unknown|illegal|bad) option|bad argument|usage:|not (?:supported|implemented)/i

/** The last line of what a tool said, as it may be printed. */
function lastWords({ stdout, stderr }: { stdout: string; stderr: string }): string {
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '')
  return safeText(lines.at(-1)?.trim() ?? 'nothing', 160)
}

/** Why a tool gave nothing, by its exit and its words; null: it ended well. */
function failureOf(tool: string, result: CommandResult): Failed | null {
  if (!result.ran) {
    const gone = result.code === 'ENOENT'
    return {
      traced: false,
      reason: gone ? 'not_installed' : 'failed',
      detail: gone ? `${tool} is not installed` : `${tool} could not be started (${result.code})`,
    }
  }
  const { code, stdout, stderr } = result
  if (code === 0) return null
  if (code === null) return { traced: false, reason: 'timeout', detail: `${tool} had not ended in time` }
  const said = `${stdout}\n${stderr}`
  if (mayNot.test(said)) {
    return {
      traced: false,
      reason: 'not_permitted',
      detail: `${tool} may not send such packets (${lastWords(result)}): it takes CAP_NET_RAW`,
    }
  }
  if (unknownOption.test(said)) {
    const detail = `this ${tool} knows no trace by TCP (${lastWords(result)})`
    return { traced: false, reason: 'not_permitted', detail }
  }
  return { traced: false, reason: 'failed', detail: `${tool} failed (${lastWords(result)})` }
}

function unreadable(tool: string): Failed {
  return { traced: false, reason: 'unreadable', detail: `what ${tool} printed is no trace` }
}

async function byMtr(question: TraceQuestion, run: RunCommand): Promise<TraceResult> {
  const result = await run('mtr', mtrArgs(question, 'json'))
  const hops = result.ran && result.code === 0 ? parseMtrJson(result.stdout) : null
  if (hops !== null) return { traced: true, tool: 'mtr', hops }
  const old = result.ran && result.code !== 0 && /json/.test(`${result.stdout}\n${result.stderr}`)
  // some versions print JSON that is none
  const odd = result.ran && result.code === 0
  if (!old && !odd) return failureOf('mtr', result) ?? unreadable('mtr')
  const report = await run('mtr', mtrArgs(question, 'report'))
  const found = report.ran && report.code === 0 ? parseMtrReport(report.stdout) : null
  if (found !== null) return { traced: true, tool: 'mtr', hops: found }
  return failureOf('mtr', report) ?? unreadable('mtr')
}

async function byTraceroute(question: TraceQuestion, run: RunCommand): Promise<TraceResult> {
  const result = await run('traceroute', tracerouteArgs(question))
  const failed = failureOf('traceroute', result)
  if (failed !== null) return failed
  const hops = result.ran ? parseTraceroute(result.stdout) : null
  return hops === null ? unreadable('traceroute') : { traced: true, tool: 'traceroute', hops }
}

/**
 * Follows TCP packets to a port with an installed mtr or, where that is missing or may not, traceroute. They are the
 * only packets of this program that are no connection, so that it is done on request alone. Never rejects; `run` must not
 * either. Hops show who answered to expired packets, no more.
 */
export async function traceTcp(question: TraceQuestion, run: RunCommand): Promise<TraceResult> {
  const { address, port, source } = question
  const own = { address: canonicalIp(address), source: source === null ? null : canonicalIp(source) }
  const wrongPort = !Number.isInteger(port) || port < 1 || port > 65_535
  if (own.address === null || (source !== null && own.source === null) || wrongPort)
    return { traced: false, reason: 'failed', detail: 'there is no such destination' }
  const asked = { address: own.address, port, source: own.source }
  const first = await byMtr(asked, run)
  if (first.traced) return first
  const second = await byTraceroute(asked, run)
  if (second.traced) return second
  const detail = `${first.detail}; ${second.detail}`
  const reason = first.reason === 'not_installed' ? second.reason : first.reason
  return { traced: false, reason, detail }
}
