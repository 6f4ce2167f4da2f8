import type { LedgerFile, LedgerFiles } from '../../ledger/files.ts'

/**
 * A disk in memory that forgets, at a crash, what was not synchronised, as disks may: appended bytes survive up to any
 * byte (the rest is gone, or zeros), names made, changed and removed survive up to any of them, in their order.
 * Each change is a step, and any step can be made to fail or be the last one.
 */
export interface MemoryDisk {
  files: LedgerFiles
  /** Steps so far. */
  steps(): number
  /** From this step on nothing happens any more: the process is dead. */
  crashAt(step: number): void
  /** Settles when the crash has come. */
  crashed: Promise<void>
  /** While it gives a code, steps of that name fail with it; an append then writes half. */
  fail(rule: ((step: string, path: string) => string | null) | null): void
  /** What a new process finds after a loss of power; `random` gives numbers from 0 to below 1. */
  afterPowerLoss(random: () => number): MemoryDisk
  /** What a new process finds after a kill: everything that was written. */
  afterKill(): MemoryDisk
  content(path: string): Buffer | null
  put(path: string, content: Buffer | null): void
  paths(): string[]
}

interface Inode {
  now: Buffer
  /** What a loss of power leaves at least. */
  safe: Buffer
}

type NameChange = { path: string; inode: Inode | null }

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))
const failure = (code: string, path: string): Error =>
  Object.assign(new Error(`${code}: ${path.split('/').at(-1)}`), { code })

export function createMemoryDisk(start: ReadonlyMap<string, Buffer> = new Map()): MemoryDisk {
  const names = new Map<string, Inode>()
  const safeNames = new Map<string, Inode>()
  const pending: NameChange[] = []
  for (const [path, bytes] of start) {
    const inode = { now: bytes, safe: bytes }
    names.set(path, inode)
    safeNames.set(path, inode)
  }
  let count = 0
  let last = Number.POSITIVE_INFINITY
  let dead = false
  let rule: ((step: string, path: string) => string | null) | null = null
  const { promise: crashed, resolve: die } = Promise.withResolvers<void>()
  const never = <T>(): Promise<T> => new Promise<T>(() => undefined)

  /** Null: the process dies in this step. A fraction says how much of it still happens. */
  async function step(name: string, path: string): Promise<{ dies: boolean; code: string | null }> {
    if (dead) return never()
    count++
    if (count >= last) {
      dead = true
      die()
      return { dies: true, code: null }
    }
    return { dies: false, code: rule?.(name, path) ?? null }
  }

  async function change(name: string, path: string, act: () => void): Promise<void> {
    const { dies, code } = await step(name, path)
    if (dies) return never()
    if (code !== null) throw failure(code, path)
    act()
  }

  function setName(path: string, inode: Inode | null): void {
    if (inode === null) names.delete(path)
    else names.set(path, inode)
    pending.push({ path, inode })
  }

  function inodeAt(path: string): Inode {
    const inode = names.get(path)
    if (inode === undefined) throw failure('ENOENT', path)
    return inode
  }

  function opened(inode: Inode, path: string): LedgerFile {
    return {
      async append(bytes) {
        const { dies, code } = await step('append', path)
        const part = dies || code !== null ? bytes.subarray(0, Math.floor(bytes.length / 2)) : bytes
        inode.now = Buffer.concat([inode.now, part])
        if (dies) return never()
        if (code !== null) throw failure(code, path)
      },
      sync: () =>
        change('sync', path, () => {
          inode.safe = inode.now
        }),
      async close() {
        if (dead) return never()
      },
    }
  }

  const alive = async (): Promise<void> => (dead ? never() : undefined)
  const files: LedgerFiles = {
    makeDirectory: alive,
    async list(path) {
      await alive()
      return [...names.keys()]
        .filter((name) => parentOf(name) === path)
        .map((name) => name.slice(path.length + 1))
    },
    async *read(path) {
      await alive()
      const { now } = inodeAt(path)
      // In small pieces, so that lines are met in the middle.
      for (let at = 0; at < now.length; at += 700) yield now.subarray(at, at + 700)
    },
    async size(path) {
      await alive()
      return names.get(path)?.now.length ?? null
    },
    async create(path) {
      const inode: Inode = { now: Buffer.alloc(0), safe: Buffer.alloc(0) }
      await change('create', path, () => {
        if (names.has(path)) throw failure('EEXIST', path)
        setName(path, inode)
      })
      return opened(inode, path)
    },
    async append(path) {
      await alive()
      return opened(inodeAt(path), path)
    },
    cut: (path, bytes) =>
      change('cut', path, () => {
        const inode = inodeAt(path)
        inode.now = inode.now.subarray(0, bytes)
        inode.safe = inode.now
      }),
    rename: (from, to) =>
      change('rename', to, () => {
        const inode = inodeAt(from)
        // Journalling file systems make a rename in one piece.
        names.delete(from)
        names.set(to, inode)
        pending.push({ path: from, inode: null }, { path: to, inode })
      }),
    remove: (path) =>
      change('remove', path, () => {
        inodeAt(path)
        setName(path, null)
      }),
    syncDirectory: (path) =>
      change('syncDirectory', path, () => {
        for (const { path: name, inode } of pending.splice(0).filter((entry) => keepPending(entry, path)))
          apply(name, inode)
      }),
  }

  function keepPending(entry: NameChange, directory: string): boolean {
    if (parentOf(entry.path) === directory) return true
    pending.push(entry)
    return false
  }

  function apply(path: string, inode: Inode | null): void {
    if (inode === null) safeNames.delete(path)
    else safeNames.set(path, inode)
  }

  function survivor(inode: Inode, random: () => number): Buffer {
    const { now, safe } = inode
    if (now.length <= safe.length) return random() < 0.5 ? now : safe
    const kept = safe.length + Math.floor(random() * (now.length - safe.length + 1))
    const rest = Buffer.alloc(random() < 0.3 ? now.length - kept : 0)
    return Buffer.concat([now.subarray(0, kept), rest])
  }

  return {
    files,
    steps: () => count,
    crashAt(wanted) {
      last = wanted
    },
    crashed,
    fail(wanted) {
      rule = wanted
    },
    afterPowerLoss(random) {
      const left = new Map(safeNames)
      const kept = Math.floor(random() * (pending.length + 1))
      for (const [index, { path, inode }] of pending.entries()) {
        const half = inode !== null && pending[index - 1]?.inode === null && index === kept
        if (index >= kept && !half) break
        if (inode === null) left.delete(path)
        else left.set(path, inode)
      }
      return createMemoryDisk(new Map([...left].map(([path, inode]) => [path, survivor(inode, random)])))
    },
    afterKill: () => createMemoryDisk(new Map([...names].map(([path, { now }]) => [path, now]))),
    content: (path) => names.get(path)?.now ?? null,
    put(path, content) {
      if (content === null) names.delete(path)
      else names.set(path, { now: content, safe: content })
    },
    paths: () => [...names.keys()].sort(),
  }
}
