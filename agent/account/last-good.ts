import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { readRawFile } from '../../aws/snapshot-directory.ts'
import { type Snapshot, snapshotParts } from '../../model/topology.ts'
import { isSnapshot } from './snapshot-request.ts'
import { writeStateFile } from '../state-file.ts'

/** The last good reading of the account on disk, so that a restart while the API is away starts with what was known. */
export interface LastGood {
  /** The copy with the dates that it had; null: there is none, or it is not to be used. Never rejects. */
  read(): Promise<Snapshot | null>
  /** Puts `snapshot` in the place of the copy, whole or not at all. Never rejects. */
  write(snapshot: Snapshot): Promise<void>
}

export interface LastGoodOptions {
  /** The agent's own state directory (`stateDirectoryOf`). */
  directory: string
  /** Default `snapshot.json`. */
  fileName?: string
  /** What the copy must be of; null: not known, then anything is. */
  account: string | null
  region: string | null
  /** A copy that another version wrote is not used: its fields may mean something else. */
  version: string
  wallMs(): number
  onProblem(problem: string): void
}

const schema = 'pathproof.last-good/1'
const mostBytes = 256 * 1024 * 1024
/** How far a date may lie ahead of this host's clock. */
const clockToleranceMs = 60_000

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : 'unknown error'
}

export function createLastGood(options: LastGoodOptions): LastGood {
  const { directory, fileName = 'snapshot.json', onProblem } = options
  const path = join(directory, fileName)
  let writing: Promise<void> = Promise.resolve()
  const ignore = (why: string): null => {
    onProblem(`the last good copy ${path} is not used: ${why}`)
    return null
  }

  const writeNow = async (snapshot: Snapshot): Promise<void> => {
    const body = JSON.stringify(snapshot)
    const { version } = options
    const head = JSON.stringify({ schema, version, sha256: sha256(body) })
    try {
      await writeStateFile(directory, fileName, `${head}\n${body}\n`)
    } catch (error) {
      onProblem(`the last good copy ${path} can't be written (${codeOf(error)})`)
    }
  }

  return {
    async read() {
      const raw = await readRawFile(path, mostBytes)
      if (raw === null) return null
      if ('unreadable' in raw) return ignore(raw.unreadable)
      const [head = '', body = ''] = Buffer.from(raw.bytes).toString('utf8').split('\n')
      const known = headOf(head)
      if (known === null) return ignore('it is damaged')
      if (known.version !== options.version)
        return ignore(`it was written by version ${known.version}, this is ${options.version}`)
      if (known.sha256 !== sha256(body)) return ignore('it is damaged: its SHA-256 differs')
      const snapshot = parsed(body)
      if (!isSnapshot(snapshot)) return ignore('it is damaged')
      const { account, region } = snapshot
      if (options.account !== null && account !== null && account !== options.account)
        return ignore('it is of another account')
      if (options.region !== null && region !== options.region) return ignore('it is of another region')
      return withoutFuture(snapshot, options.wallMs() + clockToleranceMs)
    },
    write(snapshot) {
      writing = writing.then(() => writeNow(snapshot))
      return writing
    },
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function headOf(text: string): { version: string; sha256: string } | null {
  const head = parsed(text)
  if (typeof head !== 'object' || head === null) return null
  const { schema: found, version, sha256: hash } = head as Record<string, unknown>
  if (found !== schema || typeof version !== 'string' || !/^[\w.+-]{1,64}$/.test(version)) return null
  return typeof hash === 'string' ? { version, sha256: hash } : null
}

/** What is dated after now would never grow old: it counts as not read, and lists without a usable date as unread too. */
function withoutFuture(snapshot: Snapshot, latestMs: number): Snapshot {
  const source = `copy on disk of: ${snapshot.source.replace(/^copy on disk of: /, '')}`
  const kept: Snapshot = { ...snapshot, source, parts: { ...snapshot.parts }, problems: [] }
  const detail = 'the copy on disk is dated in the future'
  for (const part of snapshotParts) {
    const status = kept.parts[part]
    if (!status.read || status.atMs === null || status.atMs <= latestMs) continue
    kept.parts[part] = { read: false, reason: 'invalid', detail }
    kept[part] = []
  }
  kept.prefixLists = kept.prefixLists.map((list) =>
    list.atMs !== null && list.atMs > latestMs ? { ...list, entries: null, complete: false } : list,
  )
  return kept
}
