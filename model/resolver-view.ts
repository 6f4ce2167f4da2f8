/** What one resolver says of one name, beside what the others say. */

/**
 * The kind of a resolver's answers. `mixed`: private and public addresses; `none`: the name is there and has no address;
 * `absent`: NXDOMAIN; `failed`: a family was not answered, and the other one had no address.
 */
export const answerKinds = ['private', 'public', 'mixed', 'none', 'absent', 'failed'] as const

export type AnswerKind = (typeof answerKinds)[number]

/**
 * A compared resolver beside those that count: `same` kind of answers (and, where they are private, an address in common);
 * `different`; `failed`: it gave no answer, or those that count gave none to compare with.
 */
export const resolverStates = ['same', 'different', 'failed'] as const

export type ResolverState = (typeof resolverStates)[number]

export interface ResolverView {
  /** Name as configured; `system` is the host's own. */
  resolver: string
  /** Who was asked: address and port, or `getaddrinfo`. */
  server: string
  /** False: it is only compared. */
  counts: boolean
  kind: AnswerKind
  /** Null for those that count. */
  state: ResolverState | null
  /** The first few, private ones first. */
  addresses: string[]
  /** For a person; null where nothing is remarkable. */
  because: string | null
  /** Unix milliseconds since when it has answered like this; null: not known (a one-off look). */
  sinceMs: number | null
}
