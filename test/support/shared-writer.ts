import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProgramCommand } from '../../agent/child.ts'
import { publishShared } from '../../agent/account/shared-snapshot-publish.ts'
import type { SharedPlace } from '../../agent/account/shared-snapshot-request.ts'
import { readFiles } from '../../agent/account/snapshot-child.ts'
import { packShared } from '../../aws/shared-snapshot.ts'
import type { SnapshotFile } from '../../aws/snapshot-decode-file.ts'
import type { Lab } from '../../lab/lab.ts'
import { systemHost } from '../../probes/host.ts'

/** The environment of a process on the lab's host. */
export const environmentOf = (lab: Lab) =>
  lab.hostAccess(systemHost({ PATH: process.env['PATH'] })).environment

/** Reads the lab's account by its EC2 API, as `pathproof snapshot --share` does, and puts it there. */
export async function shareByApi(lab: Lab, place: SharedPlace, program: ProgramCommand): Promise<void> {
  const { region } = lab.world()
  const deps = {
    program,
    environment: {
      ...environmentOf(lab),
      AWS_EC2_METADATA_SERVICE_ENDPOINT: lab.metadataUrl ?? undefined,
    },
    metadata: true,
    signal: new AbortController().signal,
    onLine: () => undefined,
  }
  const options = { region, vpcIds: [], deadlineSeconds: 30, instanceAccount: lab.world().account }
  const { account, files } = await readFiles(options, deps)
  const why = await publishShared(place, { files: files ?? {}, account, region, vpcIds: [] }, deps)
  if (why !== null) throw new Error(why)
}

/** The answers that lie in a lab's snapshot directory, all read at `atMs`. */
export async function filesAt(lab: Lab, atMs: number): Promise<Map<string, SnapshotFile>> {
  const names = await readdir(lab.snapshotDirectory, { recursive: true, withFileTypes: true })
  const files = new Map<string, SnapshotFile>()
  for (const entry of names) {
    if (!entry.isFile() || entry.name === 'manifest.json') continue
    const path = join(entry.parentPath, entry.name)
    const inLists = /get-managed-prefix-list-entries$/.test(entry.parentPath)
    const name = inLists ? `get-managed-prefix-list-entries/${entry.name}` : entry.name
    files.set(name, { text: await readFile(path, 'utf8'), atMs, dated: 'api' })
  }
  return files
}

/** A shared snapshot of a lab's world as it stands, read at `atMs`. */
export async function packLab(
  lab: Lab,
  atMs: number,
  change: Partial<Parameters<typeof packShared>[0]> = {},
): Promise<Uint8Array> {
  const { account, region } = lab.world()
  return await packShared({ account, region, vpcIds: [], files: await filesAt(lab, atMs), ...change })
}
