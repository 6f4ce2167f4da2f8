import { createHmac, randomBytes } from 'node:crypto'
import type { ComparePassword } from './password.ts'

export type Allowed = 'yes' | 'no' | 'busy' | 'failed'

export interface WebAuthDeps {
  compare: ComparePassword
  /** Resolves after so many seconds. */
  wait(seconds: number): Promise<void>
  onError(error: unknown): void
  /** Comparisons that wait for their turn; beyond it `busy`. Default 8. */
  mostWaiting?: number
  /** After a wrong password no other is compared for so long. Default 0.5. */
  pauseSeconds?: number
  /** Right and wrong answers that are remembered, of each kind. Default 100. */
  mostRemembered?: number
}

/**
 * Basic authentication (RFC 7617) against bcrypt. Passwords are compared one after the other; what was compared once is
 * remembered under a keyed hash, so that scrapes cost nothing. A flood of wrong passwords thus costs a bounded share of a
 * processor, and is told to come back later, while those who are remembered get in.
 */
export interface WebAuth {
  /** `authorization`: the header as it came. No users: everybody is allowed. Never rejects. */
  allows(users: ReadonlyMap<string, string>, authorization: string | undefined): Promise<Allowed>
}

const longestHeader = 4096

export function createWebAuth(deps: WebAuthDeps): WebAuth {
  const { compare, wait, onError, mostWaiting = 8, pauseSeconds = 0.5, mostRemembered = 100 } = deps
  const key = randomBytes(32)
  const right = createMemory(mostRemembered)
  const wrong = createMemory(mostRemembered)
  const underWay = new Map<string, Promise<Allowed>>()
  let turn: Promise<unknown> = Promise.resolve()

  const compared = async (password: string, hash: string, known: boolean, id: string): Promise<Allowed> => {
    try {
      const same = (await compare(password, hash)) && known
      ;(same ? right : wrong).add(id)
      return same ? 'yes' : 'no'
    } catch (error) {
      onError(error)
      return 'failed'
    }
  }

  return {
    async allows(users, authorization) {
      if (users.size === 0) return 'yes'
      const given = credentialsOf(authorization)
      if (given === null) return 'no'
      const own = users.get(given.user)
      // Who is unknown costs as much as who is known.
      const hash = own ?? fakeHash(users)
      const id = fingerprint(key, [given.user, hash, given.password])
      if (own !== undefined && right.has(id)) return 'yes'
      if (wrong.has(id)) return 'no'
      const already = underWay.get(id)
      if (already !== undefined) return await already
      if (underWay.size >= mostWaiting) return 'busy'
      const work = turn.then(() => compared(given.password, hash, own !== undefined, id))
      turn = work.then((allowed) => (allowed === 'yes' ? undefined : wait(pauseSeconds)))
      underWay.set(id, work)
      void work.then(() => underWay.delete(id))
      return await work
    },
  }
}

/** The last `most` of what was added. */
function createMemory(most: number): { has(id: string): boolean; add(id: string): void } {
  const ids = new Set<string>()
  return {
    has: (id) => ids.has(id),
    add(id) {
      ids.add(id)
      for (const oldest of ids) {
        if (ids.size <= most) break
        ids.delete(oldest)
      }
    },
  }
}

/** No two lists of texts give the same: each goes in with its length. */
function fingerprint(key: Buffer, parts: readonly string[]): string {
  const hmac = createHmac('sha256', key)
  for (const part of parts) hmac.update(`${Buffer.byteLength(part)}:`).update(part)
  return hmac.digest('base64')
}

function credentialsOf(header: string | undefined): { user: string; password: string } | null {
  if (header === undefined || header.length > longestHeader) return null
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header.trim()) ?? []
  if (encoded === undefined) return null
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** Of no password, as dear to compare as that of the first user. */
function fakeHash(users: ReadonlyMap<string, string>): string {
  const [first = '$2b$10$'] = users.values()
  return `${first.slice(0, 7)}${'.'.repeat(53)}`
}
