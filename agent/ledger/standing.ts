import type { LedgerBodies } from '../../ledger/records.ts'
import { redact } from '../../model/redact.ts'
import type { Target } from '../../model/target.ts'
import type { Snapshot } from '../../model/topology.ts'
import type { Config } from '../config/config.ts'
import { effectiveConfig } from '../config/effective.ts'
import type { RecordBodies } from '../record.ts'

/** A record has 64 KiB; escapes take some of them. */
const pieceLength = 12_000

/** The effective configuration in pieces, without secrets: with them a report can show what was in force. */
export function configurationParts(config: Config, hash: string): RecordBodies['configuration'][] {
  const lines = redact(effectiveConfig(config)).split(/(?<=\n)/)
  const pieces: string[] = ['']
  for (const line of lines) {
    const last = pieces.at(-1) ?? ''
    if (last !== '' && last.length + line.length > pieceLength) pieces.push('')
    // A line that is longer than a piece by itself is cut: nothing in a configuration has to be.
    pieces[pieces.length - 1] += line.slice(0, pieceLength)
  }
  return pieces.map((text, index) => ({ hash, part: index + 1, parts: pieces.length, text }))
}

/** What is recorded of a snapshot: which one, and the versions of its prefix lists. */
export function snapshotRecord(snapshot: Snapshot): RecordBodies['snapshot'] {
  const { id, account, region, source, prefixLists } = snapshot
  return {
    id,
    account,
    region,
    source,
    prefixLists: prefixLists.flatMap(({ id: list, version, entries }) =>
      entries === null ? [] : [{ id: list, version, entries: entries.length }],
    ),
  }
}

type Watched = LedgerBodies['target']

/** What is watched, as records: every change is one, and under another configuration everything is. */
export interface WatchedRecords {
  /** The records that tell `targets` under this configuration, less what was told last. */
  told(targets: readonly Target[], configuration: string | null): Watched[]
}

/** Names of one target in one record; there are hardly ever more. */
const mostNames = 300

function watched(target: Target, configuration: string | null): Watched {
  const { name, require, minProof, schedule, waiver, discovered } = target
  const names = target.names.slice(0, mostNames).map(({ hostname, style }) => ({ hostname, style }))
  return {
    event: 'watched',
    target: name,
    configuration,
    require,
    minProof,
    schedule,
    names,
    waiver,
    discovered,
  }
}

export function createWatchedRecords(): WatchedRecords {
  let last = new Map<string, Watched>()
  return {
    told(targets, configuration) {
      const now = new Map(targets.map((target) => [target.name, watched(target, configuration)]))
      const dropped = [...last.values()]
        .filter(({ target }) => !now.has(target))
        .map((one) => ({ ...one, event: 'dropped' as const, configuration }))
      const changed = [...now.values()].filter(
        (one) => JSON.stringify(one) !== JSON.stringify(last.get(one.target)),
      )
      last = now
      return [...dropped, ...changed]
    },
  }
}
