/** One address that a name is known to have, and what is known of it. Times are monotonic milliseconds. */
export interface HeldAddress {
  address: string
  /** Names of the resolvers that gave it within the window; for a pinned address past it, the last ones that did. */
  resolvers: string[]
  lastAnsweredMs: number
  /** Null: never. */
  lastDialledMs: number | null
  /** It showed a contradiction and stays until unpinned. */
  pinned: boolean
}

export interface HeldName {
  addresses: HeldAddress[]
  /** False while addresses that were answered within the window are missing here: then not all is known of the name. */
  complete: boolean
  /** Addresses that found no room since the start. */
  overflowed: number
}

export interface HoldWindow {
  /** For `adopt`: what is held of a name, as it is. */
  contents(hostname: string): HeldContents | null
  /** A resolver's answer (both families, or one of them; order and repeats don't matter). */
  answered(hostname: string, resolver: string, addresses: readonly string[], nowMs: number): void
  dialled(hostname: string, address: string, nowMs: number): void
  /** Keeps an address whatever the resolvers say; one that is not held comes in. */
  pin(hostname: string, address: string, nowMs: number): void
  unpin(hostname: string, address: string): void
  /** All that is known of the name now. A name never answered has no addresses and is complete. */
  known(hostname: string, nowMs: number): HeldName
  /** Takes over what another window knows of a name. */
  adopt(hostname: string, from: HoldWindow): void
  /** Drops everything about a name that is no longer watched. */
  forget(hostname: string): void
}

export type HeldContents = Readonly<Name>

interface Held {
  lastAnsweredMs: number
  lastDialledMs: number | null
  pinned: boolean
  /** When each resolver last gave it. */
  resolvers: Map<string, number>
}

interface Name {
  addresses: Map<string, Held>
  overflowed: number
  overflowedAtMs: number
}

/**
 * Remembers the addresses of each name over a window, for services rotate their answers and one leaking
 * address of sixty must not vanish with the next answer.
 *
 * `windowSeconds`: default 900. `maxAddresses` per name, default 4096; pinned addresses don't count
 * against it. When it is full, the addresses that were answered longest ago make room; each loss is
 * counted, and the name is not `complete` until the window has passed since.
 */
export function createHoldWindow({
  windowSeconds = 900,
  maxAddresses = 4096,
}: {
  windowSeconds?: number
  maxAddresses?: number
} = {}): HoldWindow {
  const windowMs = windowSeconds * 1000
  const names = new Map<string, Name>()

  const nameOf = (hostname: string): Name => {
    const name = names.get(hostname) ?? { addresses: new Map(), overflowed: 0, overflowedAtMs: -Infinity }
    names.set(hostname, name)
    return name
  }

  const dropOld = (name: Name, nowMs: number): void => {
    for (const [address, held] of name.addresses) {
      if (!held.pinned && nowMs - held.lastAnsweredMs > windowMs) name.addresses.delete(address)
    }
  }

  const dropSurplus = (name: Name, nowMs: number): void => {
    const loose = [...name.addresses].filter(([, held]) => !held.pinned)
    const surplus = loose.length - maxAddresses
    if (surplus <= 0) return
    loose.sort(([, a], [, b]) => a.lastAnsweredMs - b.lastAnsweredMs)
    for (const [address] of loose.slice(0, surplus)) name.addresses.delete(address)
    name.overflowed += surplus
    name.overflowedAtMs = nowMs
  }

  const hold = (name: Name, address: string, nowMs: number): Held => {
    const held = name.addresses.get(address) ?? {
      lastAnsweredMs: nowMs,
      lastDialledMs: null,
      pinned: false,
      resolvers: new Map<string, number>(),
    }
    name.addresses.set(address, held)
    return held
  }

  return {
    answered(hostname, resolver, addresses, nowMs) {
      const name = nameOf(hostname)
      dropOld(name, nowMs)
      for (const address of addresses) {
        const held = hold(name, address, nowMs)
        held.lastAnsweredMs = nowMs
        held.resolvers.set(resolver, nowMs)
      }
      dropSurplus(name, nowMs)
    },
    dialled(hostname, address, nowMs) {
      const held = names.get(hostname)?.addresses.get(address)
      if (held !== undefined) held.lastDialledMs = nowMs
    },
    pin(hostname, address, nowMs) {
      hold(nameOf(hostname), address, nowMs).pinned = true
    },
    unpin(hostname, address) {
      const held = names.get(hostname)?.addresses.get(address)
      if (held !== undefined) held.pinned = false
    },
    known(hostname, nowMs) {
      const name = names.get(hostname)
      if (name === undefined) return { addresses: [], complete: true, overflowed: 0 }
      dropOld(name, nowMs)
      return {
        addresses: [...name.addresses].map(([address, held]) => ({
          address,
          resolvers: resolversOf(held, nowMs - windowMs),
          lastAnsweredMs: held.lastAnsweredMs,
          lastDialledMs: held.lastDialledMs,
          pinned: held.pinned,
        })),
        complete: nowMs - name.overflowedAtMs > windowMs,
        overflowed: name.overflowed,
      }
    },
    contents: (hostname) => names.get(hostname) ?? null,
    adopt(hostname, from) {
      const kept = from.contents(hostname)
      if (kept !== null) names.set(hostname, structuredClone(kept) as Name)
    },
    forget: (hostname) => void names.delete(hostname),
  }
}

function resolversOf(held: Held, sinceMs: number): string[] {
  const recent = [...held.resolvers].filter(([, answeredMs]) => answeredMs >= sinceMs)
  return (recent.length > 0 ? recent : [...held.resolvers]).map(([resolver]) => resolver)
}

/**
 * Which addresses to dial in this cycle: `perGroup` (at least 1) of each group, longest undialled first,
 * never dialled before all. Among equals the one answered last, then by text, so that it is reproducible.
 * Each non-empty group gets its turn; over the cycles every address of a group is dialled. Of the addresses that showed a
 * contradiction, which only an attempt of their own can settle, a few more have their turn at once.
 */
export function choose(groups: readonly (readonly HeldAddress[])[], perGroup = 1): string[] {
  const chosen = new Set<string>()
  for (const group of groups) {
    const ordered = [...group].sort(byTurn)
    for (const { address } of ordered.slice(0, Math.max(1, perGroup))) chosen.add(address)
  }
  const pinned = groups.flat().filter((held) => held.pinned && !chosen.has(held.address))
  for (const { address } of pinned.sort(byTurn).slice(0, mostPinned)) chosen.add(address)
  return [...chosen]
}

/** Addresses dialled in a cycle beyond one of each group. */
const mostPinned = 4

function byTurn(a: HeldAddress, b: HeldAddress): number {
  const dialled = compare(a.lastDialledMs ?? -Infinity, b.lastDialledMs ?? -Infinity)
  return dialled || compare(b.lastAnsweredMs, a.lastAnsweredMs) || (a.address < b.address ? -1 : 1)
}

/** -Infinity minus itself would be no number. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1
}
