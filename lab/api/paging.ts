/** Pages with opaque tokens (EC2 API reference, "Pagination"). */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Json } from './json.ts'

export interface Page {
  items: Json[]
  nextToken: string | null
}

export interface Pager {
  /**
   * The page behind `token` (null: the first) of at most `size` items. Null: the token is not one of these, or was
   * given for another request (`about`: action and parameters). Items that went or came between two pages shift
   * nothing: the next page begins behind the last item that was given. `endless`: after the last page comes the first.
   */
  page(items: readonly Json[], request: PageRequest): Page | null
}

export interface PageRequest {
  about: string
  /** Member that names an item. */
  key: string
  size: number
  token: string | null
  endless: boolean
}

/** `secret` makes the tokens of one pager worthless to another. */
export function createPager(secret: Uint8Array): Pager {
  const seal = (text: string): Buffer => createHmac('sha256', secret).update(text).digest()
  const issue = (about: string, count: number, last: string): string => {
    // a token is new each time, so nobody can tell an endless listing by a token that comes again
    const body = JSON.stringify([count, last, randomBytes(6).toString('base64url')])
    return Buffer.concat([seal(`${about} ${body}`), Buffer.from(body)]).toString('base64url')
  }
  const open = (about: string, token: string): { count: number; last: string } | null => {
    const bytes = token.length <= 1000 ? Buffer.from(token, 'base64url') : Buffer.alloc(0)
    const body = bytes.subarray(32).toString()
    if (bytes.length <= 32 || !timingSafeEqual(bytes.subarray(0, 32), seal(`${about} ${body}`))) return null
    const [count, last] = JSON.parse(body) as [number, string, string]
    return { count, last }
  }

  const page: Pager['page'] = (items, { about, key, size, token, endless }) => {
    const at = token === null ? { count: 0, last: '' } : open(about, token)
    if (at === null) return null
    const found = at.last === '' ? -1 : items.findIndex((item) => String(item[key]) === at.last)
    const start = found < 0 ? Math.min(at.count, items.length) : found + 1
    const given = items.slice(start, start + size)
    const end = start + given.length
    if (end >= items.length) return { items: given, nextToken: endless ? issue(about, 0, '') : null }
    return { items: given, nextToken: issue(about, end, String(given.at(-1)?.[key] ?? '')) }
  }
  return { page }
}
