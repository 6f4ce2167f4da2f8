import { awsListsCall, entriesCall, listEntriesFile, partCalls } from './snapshot-decode-calls.ts'
import { notesFor } from './snapshot-decode-fields.ts'
import { readAnswer, readPart } from './snapshot-decode-file.ts'
import { decodeAwsList, decodeListEntries, decodeManagedList, joinLists } from './snapshot-decode-lists.ts'
import type { PartReading, PrefixList } from '../model/topology.ts'
import type { Fields, ProblemList } from './snapshot-decode-fields.ts'
import type { SnapshotFile } from './snapshot-decode-file.ts'
import type { ListEntries } from './snapshot-decode-lists.ts'

const weakestFirst = ['undated', 'mtime', 'manifest', 'api'] as const

/** The date of a part that rests on several files: the oldest, and as sure as the least sure of them. */
function jointDate(used: readonly SnapshotFile[]): { atMs: number | null; dated: SnapshotFile['dated'] } {
  const times = used.map((file) => file.atMs)
  const known = times.filter((time) => time !== null)
  return {
    atMs: known.length < times.length ? null : Math.min(...known),
    dated: weakestFirst.find((dated) => used.some((file) => file.dated === dated)) ?? 'undated',
  }
}

/**
 * The prefix lists from their three sources: descriptions of all lists (describe-managed-prefix-lists), the entries of
 * each (get-managed-prefix-list-entries/<id>.json), and AWS's own lists with entries (describe-prefix-lists). One source
 * is enough for the part to count as read; a source that is there but is broken makes the part unread, while one that is
 * missing or denied leaves its lists without entries.
 */
export function readPrefixLists(
  files: ReadonlyMap<string, SnapshotFile>,
  list: ProblemList,
): { reading: PartReading; items: PrefixList[] } {
  const used: SnapshotFile[] = []
  const take = <T extends { id: string }>(call: typeof awsListsCall, decode: (entry: Fields) => T) => {
    const part = readPart(files, call, list, { idOf: (item: T) => item.id, decode, whole: false })
    const file = files.get(call.file)
    if (part.reading.read && file !== undefined) used.push(file)
    // an element without a readable id may be any list
    if (part.lost === 0) return part
    const detail = `${part.lost} elements of ${call.file} were not understood`
    return { ...part, reading: { read: false, reason: 'invalid', detail } satisfies PartReading }
  }
  const managed = take(partCalls.prefixLists, decodeManagedList)
  const aws = take(awsListsCall, (entry) => decodeAwsList(entry, files.get(awsListsCall.file)?.atMs ?? null))
  const entries = readEntries(files, list, used)
  for (const { reading } of [managed, aws]) {
    if (!reading.read && (reading.reason === 'invalid' || reading.reason === 'failed'))
      return { reading, items: [] }
  }
  if (used.length === 0) {
    const denied = [managed, aws].find(({ reading }) => !reading.read && reading.reason === 'denied')
    return { reading: (denied ?? managed).reading, items: [] }
  }
  const items = joinLists(
    {
      managed: managed.items,
      managedAtMs: files.get(partCalls.prefixLists.file)?.atMs ?? null,
      entries,
      aws: aws.items,
      disputed: new Set([...managed.disputed, ...aws.disputed]),
    },
    (id) => notesFor(entryFileOf(files, id), list, 'read the prefix lists again'),
  )
  return { reading: { read: true, ...jointDate(used) }, items }
}

/** The file that a note on list `id` is about. */
function entryFileOf(files: ReadonlyMap<string, SnapshotFile>, id: string): string {
  const own = entriesCall(id).file
  if (files.has(own)) return own
  return files.has(partCalls.prefixLists.file) ? partCalls.prefixLists.file : awsListsCall.file
}

/** The entries files, by list id; null where a file is there and holds nothing usable. */
function readEntries(
  files: ReadonlyMap<string, SnapshotFile>,
  list: ProblemList,
  used: SnapshotFile[],
): Map<string, ListEntries | null> {
  const entries = new Map<string, ListEntries | null>()
  for (const [name, file] of files) {
    const id = listEntriesFile.exec(name)?.[1]
    if (id === undefined) continue
    const answer = readAnswer(file, entriesCall(id), list)
    entries.set(id, answer.ok ? decodeListEntries(answer.values, file.atMs, answer.notes) : null)
    if (answer.ok) used.push(file)
  }
  return entries
}
