import type { Ec2Api } from './clients.ts'
import type { PagedCall } from './snapshot-api-calls.ts'
import { failureOf, notAnAnswer } from './snapshot-api-errors.ts'
import type { ApiFailure } from './snapshot-api-errors.ts'

/** More pages than any account has: 20,000 route tables, 200,000 network interfaces. */
export const mostPages = 200

/** One call with all its pages: its elements in AWS's order, or why there are none. */
export type PagedAnswer =
  | { ok: true; items: unknown[]; pages: number; attempts: number }
  | { ok: false; failure: ApiFailure; pages: number; attempts: number }

/** `maxResults` null: the call has no pages. */
export type AnyPagedCall = Pick<PagedCall, 'action' | 'call' | 'inputs'> & { maxResults: number | null }

export interface PagesOptions {
  region: string
  /** For each page, repetitions included, in seconds. */
  callSeconds: number
  /** Ends everything; `deadlineSeconds` is what it stands for in texts. */
  deadline: AbortSignal
  deadlineSeconds: number
}

/**
 * Reads all pages of one call. All or nothing: a page that fails, a token that comes twice, an answer without its list,
 * or more than 200 pages leave no elements, for a part of a list is not to be taken for the list. Never rejects.
 */
export async function readPages(
  api: Ec2Api,
  paged: AnyPagedCall,
  options: PagesOptions,
): Promise<PagedAnswer> {
  const items: unknown[] = []
  const counts = { pages: 0, attempts: 0 }
  for (const input of paged.inputs) {
    const failure = await readAll(api, paged, input, items, counts, options)
    if (failure !== null) return { ok: false, failure, ...counts }
  }
  return { ok: true, items: paged.inputs.length > 1 ? distinct(items) : items, ...counts }
}

async function readAll(
  api: Ec2Api,
  { action, call, maxResults }: AnyPagedCall,
  input: Record<string, unknown>,
  items: unknown[],
  counts: { pages: number; attempts: number },
  { region, callSeconds, deadline, deadlineSeconds }: PagesOptions,
): Promise<ApiFailure | null> {
  const seen = new Set<string>()
  let token: string | null = null
  for (;;) {
    const limit = AbortSignal.timeout(callSeconds * 1000)
    const signal = AbortSignal.any([deadline, limit])
    const answer = await api.call(
      action,
      {
        ...input,
        ...(maxResults !== null && { MaxResults: maxResults }),
        ...(token !== null && { NextToken: token }),
      },
      signal,
    )
    counts.pages++
    counts.attempts += answer.attempts
    const hostname = answer.ok ? 'EC2' : answer.hostname
    if (!answer.ok) {
      const endedAfterSeconds = deadline.aborted ? deadlineSeconds : limit.aborted ? callSeconds : null
      const { permission } = call
      return failureOf(answer.error, {
        permission,
        hostname,
        region,
        endedAfterSeconds,
        lastAnswer: answer.lastAnswer,
      })
    }
    const found = answer.output[call.key]
    const list = call.single === true && typeof found === 'object' && found !== null ? [found] : found
    if (!Array.isArray(list)) return notAnAnswer(call.permission, hostname, `it has no "${call.key}"`)
    for (const item of list) items.push(item)
    const next = answer.output['NextToken']
    if (next === undefined || next === null || next === '') return null
    if (typeof next !== 'string' || seen.has(next))
      return endless(call.permission, 'the same NextToken came twice')
    if (seen.size + 1 >= mostPages) return endless(call.permission, `there are more than ${mostPages} pages`)
    seen.add(next)
    token = next
  }
}

function endless(permission: string, why: string): ApiFailure {
  return {
    reason: 'invalid',
    code: 'paging',
    detail: `the pages of ${permission} do not end: ${why}`,
    nextStep: 'see what answers in place of the EC2 API',
  }
}

/** Equal elements of several answers count once; of different ones with the same id both stay, for the decoder to see. */
function distinct(items: readonly unknown[]): unknown[] {
  const byText = new Map(items.map((item) => [JSON.stringify(item), item]))
  return [...byText.values()]
}
