import { formatCidr, parseCidr } from '../net/cidr.ts'
import { fieldsOf, shown } from './snapshot-decode-fields.ts'
import type { PrefixList } from '../model/topology.ts'
import type { Fields, Notes } from './snapshot-decode-fields.ts'

/** The CIDRs of one list as one source gives them. */
export interface ListEntries {
  cidrs: string[]
  /** False when an entry was not understood or a page is missing. */
  complete: boolean
  atMs: number | null
}

const families: Readonly<Record<string, 4 | 6>> = { ipv4: 4, ipv6: 6 }

/**
 * States in which the entries that the API gives are those in force. In all others a version is being made or taken
 * back, and which one routes packets is not known.
 */
const settledStates: ReadonlySet<string> = new Set(['create-complete', 'modify-complete', 'restore-complete'])

/** One element of `PrefixLists` of describe-managed-prefix-lists, still without entries. */
export interface ManagedList extends PrefixList {
  settled: boolean
}

export function decodeManagedList(entry: Fields): ManagedList {
  const family = entry.word('AddressFamily')
  const state = entry.word('State')
  const known = family === null ? null : (families[family.toLowerCase()] ?? null)
  return {
    id: entry.requiredWord('PrefixListId'),
    name: entry.word('PrefixListName') ?? '',
    ownerId: entry.word('OwnerId') ?? '',
    family: known,
    version: entry.number('Version'),
    entries: null,
    complete: false,
    atMs: null,
    settled: state === null || settledStates.has(state),
  }
}

/** Reads CIDRs one by one; what is none is noted, and more may be in the list than was read. */
function readCidrs(
  texts: { place: string; text: unknown }[],
  notes: Notes,
): { cidrs: string[]; complete: boolean } {
  const cidrs = new Set<string>()
  let complete = true
  for (const { place, text } of texts) {
    if (typeof text !== 'string') {
      notes.add(place, `${shown(text)} stands here`, 'a CIDR')
      complete = false
      continue
    }
    const parsed = parseCidr(text)
    if (parsed.ok) cidrs.add(formatCidr(parsed.value))
    else {
      notes.add(place, parsed.error, 'a CIDR')
      complete = false
    }
  }
  return { cidrs: [...cidrs], complete }
}

/** The entries of `get-managed-prefix-list-entries/<id>.json`. */
export function decodeListEntries(
  entries: readonly unknown[],
  atMs: number | null,
  notes: Notes,
): ListEntries {
  const texts = entries.flatMap((value, index) => {
    const entry = fieldsOf(value, `Entries[${index}]`, notes)
    return entry === null ? [] : [{ place: `${entry.place}.Cidr`, text: entry.raw('Cidr') }]
  })
  const { cidrs, complete } = readCidrs(texts, notes)
  return { cidrs, complete: complete && texts.length === entries.length, atMs }
}

export interface AwsList {
  id: string
  name: string
  entries: ListEntries
}

/** One element of `PrefixLists` of describe-prefix-lists: AWS's own lists, with their CIDRs inline. */
export function decodeAwsList(entry: Fields, atMs: number | null): AwsList {
  const { notes } = entry
  const place = `${entry.place}.Cidrs`
  const found = entry.raw('Cidrs')
  let read = { cidrs: [] as string[], complete: false }
  if (Array.isArray(found)) {
    read = readCidrs(
      found.map((text, index) => ({ place: `${place}[${index}]`, text })),
      notes,
    )
  } else notes.add(place, `${shown(found)} stands here`, 'a list of CIDRs')
  return {
    id: entry.requiredWord('PrefixListId'),
    name: entry.word('PrefixListName') ?? '',
    entries: { ...read, atMs },
  }
}

/** The older of two times; unknown if either is. */
export function older(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : Math.min(a, b)
}

/**
 * What two readings of one list say together. Where they differ, only what both hold is sure to be in the list, and more
 * may be: an address in one reading only may then take the list's route or the next best.
 */
function joinEntries(a: ListEntries, b: ListEntries, id: string, notes: Notes): ListEntries {
  const inB = new Set(b.cidrs)
  const common = a.cidrs.filter((cidr) => inB.has(cidr))
  const same = common.length === a.cidrs.length && common.length === b.cidrs.length
  if (!same) {
    notes.add(
      id,
      `the entries differ from those of describe-prefix-lists.json: ${common.length} are in both, ${a.cidrs.length} here, ${b.cidrs.length} there`,
      'the same entries in both files',
      'read both again at the same time; until then only entries in both count as certain',
    )
  }
  return { cidrs: common, complete: same && a.complete && b.complete, atMs: older(a.atMs, b.atMs) }
}

/** Entries of the other family are nonsense: they are left out, and the list is not whole. */
function ofFamily(list: PrefixList, notes: Notes): PrefixList {
  if (list.entries === null || list.family === null) return list
  const kept = list.entries.filter((cidr) => cidr.includes(':') === (list.family === 6))
  if (kept.length === list.entries.length) return list
  const strange = list.entries.length - kept.length
  notes.add(
    list.id,
    `${strange} of ${list.entries.length} entries are not IPv${list.family}`,
    `entries of the list's AddressFamily`,
  )
  return { ...list, entries: kept, complete: false }
}

/** The family that all CIDRs share, null if they do not, or if there are none. */
function commonFamily(cidrs: readonly string[]): 4 | 6 | null {
  const [first] = cidrs
  if (first === undefined) return null
  const six = first.includes(':')
  return cidrs.every((cidr) => cidr.includes(':') === six) ? (six ? 6 : 4) : null
}

/** All that the files said of prefix lists; each map is by list id. */
export interface ListSources {
  managed: readonly ManagedList[]
  managedAtMs: number | null
  /** Null: the file is there but its entries could not be read. */
  entries: ReadonlyMap<string, ListEntries | null>
  aws: readonly AwsList[]
  /** Ids of which there were two different descriptions. */
  disputed: ReadonlySet<string>
}

/** Joins the three sources to one list per id. `notes` is of the file for which a difference is noted. */
export function joinLists(sources: ListSources, notes: (id: string) => Notes): PrefixList[] {
  const managed = new Map(sources.managed.map((list) => [list.id, list]))
  const aws = new Map(sources.aws.map((list) => [list.id, list]))
  const ids = new Set([...managed.keys(), ...aws.keys(), ...sources.entries.keys(), ...sources.disputed])
  return [...ids].map((id) => {
    const described = managed.get(id)
    const inline = aws.get(id)
    const read = sources.entries.get(id)
    const unread: PrefixList = {
      id,
      name: described?.name ?? inline?.name ?? '',
      ownerId: described?.ownerId ?? (inline === undefined ? '' : 'AWS'),
      family: described?.family ?? null,
      version: described?.version ?? null,
      entries: null,
      complete: false,
      atMs: described === undefined ? null : sources.managedAtMs,
    }
    if (sources.disputed.has(id)) return { ...unread, family: null }
    if (described?.settled === false) {
      notes(id).add(
        id,
        'the list is being changed',
        'a state that ends in "-complete"',
        'read the list again in a minute',
      )
      return unread
    }
    const both = read && inline ? joinEntries(read, inline.entries, id, notes(id)) : (read ?? inline?.entries)
    if (both === undefined) return unread
    const atMs = described === undefined ? both.atMs : older(both.atMs, sources.managedAtMs)
    const guessed = both.complete ? commonFamily(both.cidrs) : null
    const family = described === undefined ? guessed : unread.family
    // a list of AWS's own without any range can't be what AWS routes by: nothing may be concluded from it
    const hollow = unread.ownerId === 'AWS' && both.complete && both.cidrs.length === 0
    if (hollow)
      notes(id).add(id, "AWS's own list has no entries", 'at least one entry', 'read the list again')
    const complete = both.complete && !hollow
    return ofFamily({ ...unread, family, entries: both.cidrs, complete, atMs }, notes(id))
  })
}
