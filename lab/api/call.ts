/** A request of the Query protocol (EC2 API reference, "Query Requests"): a form, in the body or the query string. */
import type { IncomingMessage } from 'node:http'

export interface ApiCall {
  action: string
  version: string
  /** As on the wire (`Filter.1.Name`), without `Action` and `Version`. */
  params: ReadonlyMap<string, string>
}

const maxBodyBytes = 1_048_576

/** Reads a request's body; null if it is longer than 1 MiB. Rejects when the client goes away. */
export async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length <= maxBodyBytes) chunks.push(chunk)
  }
  return length > maxBodyBytes ? null : Buffer.concat(chunks)
}

/** Reads a form of either place; of a name given twice the last counts. */
export function readCall(form: string): ApiCall {
  const params = new Map(new URLSearchParams(form))
  const action = params.get('Action') ?? ''
  const version = params.get('Version') ?? ''
  params.delete('Action')
  params.delete('Version')
  return { action, version, params }
}

/** `Name.1`, `Name.2`, … in order. */
export function listOf(params: ReadonlyMap<string, string>, name: string): string[] {
  const found: { index: number; value: string }[] = []
  for (const [key, value] of params) {
    const index = key.startsWith(`${name}.`) ? indexOf(key.slice(name.length + 1)) : null
    if (index !== null) found.push({ index, value })
  }
  return found.toSorted((a, b) => a.index - b.index).map(({ value }) => value)
}

export interface Filter {
  name: string
  values: string[]
}

/** `Filter.1.Name`, `Filter.1.Value.1`, … in order. */
export function filtersOf(params: ReadonlyMap<string, string>): Filter[] {
  const indexes = new Set<number>()
  for (const key of params.keys()) {
    const index = indexOf(/^Filter\.(\d+)\./u.exec(key)?.[1] ?? '')
    if (index !== null) indexes.add(index)
  }
  return [...indexes]
    .toSorted((a, b) => a - b)
    .map((index) => ({
      name: params.get(`Filter.${index}.Name`) ?? '',
      values: listOf(params, `Filter.${index}.Value`),
    }))
}

function indexOf(text: string): number | null {
  return /^[1-9]\d{0,5}$/u.test(text) ? Number(text) : null
}
