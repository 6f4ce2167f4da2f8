/** The snapshot directory of the lab: what the AWS CLI would print of the world, dated by a manifest. */
import { createHash } from 'node:crypto'
import { mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { awsFiles } from './world/aws-files.ts'
import type { World } from './world/types.ts'

/**
 * A directory that is always whole: `path` is a symbolic link, and each writing makes a new directory and turns
 * the link over to it in one step. A reader that resolves the link once sees one writing; the directory of the
 * writing before is kept until the next one.
 */
export interface SnapshotDirectory {
  path: string
  /** Writes the world as it stands; `nowMs` (Unix milliseconds) is when the reading is said to have begun. */
  write(world: World, nowMs: number): Promise<void>
  /** Resolves when no writing is under way. */
  idle(): Promise<void>
}

export interface SnapshotOptions {
  /** False: no `manifest.json`; the files' times are all there is. Default true. */
  manifest?: boolean
}

/** Prepares a snapshot directory below `parent`, which must exist. Nothing is written yet. */
export function createSnapshotDirectory(
  parent: string,
  { manifest: dated = true }: SnapshotOptions = {},
): SnapshotDirectory {
  const path = join(parent, 'snapshot')
  let number = 0
  let last: Promise<void> = Promise.resolve()
  const writeOne = async (world: World, nowMs: number): Promise<void> => {
    number += 1
    const version = `snapshot-${number}`
    const files: Record<string, string> = {}
    for (const [name, value] of Object.entries(awsFiles(world))) {
      const text = `${JSON.stringify(value, null, 4)}\n`
      const file = join(parent, version, name)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text)
      await utimes(file, nowMs / 1000, nowMs / 1000)
      files[name] = createHash('sha256').update(text).digest('hex')
    }
    const manifest = {
      schema: 'pathproof.snapshot/1',
      time: new Date(nowMs).toISOString(),
      account: world.account,
      region: world.region,
      files,
    }
    if (dated) {
      await writeFile(join(parent, version, 'manifest.json'), `${JSON.stringify(manifest, null, 4)}\n`)
    }
    await symlink(version, `${path}.new`)
    await rename(`${path}.new`, path)
    await rm(join(parent, `snapshot-${number - 2}`), { recursive: true, force: true })
  }
  const write = (world: World, nowMs: number): Promise<void> => {
    // one after the other, so that an older world never comes over a newer one
    last = last.catch(() => undefined).then(() => writeOne(world, nowMs))
    return last
  }
  return { path, write, idle: () => last.catch(() => undefined) }
}
