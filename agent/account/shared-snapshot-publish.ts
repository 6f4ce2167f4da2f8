import { mostSharedBytes, packShared } from '../../aws/shared-snapshot.ts'
import type { SnapshotFile } from '../../aws/snapshot-decode-file.ts'
import type { ReaderDeps } from '../child.ts'
import { nameOfPlace } from './shared-snapshot-place.ts'
import type { SharedPlace } from './shared-snapshot-request.ts'
import { askShared } from './shared-snapshot-source.ts'

const deadlineSeconds = 60

/**
 * Puts what was read of an account in the place of the shared snapshot, whole or not at all, in a process of its own. Null:
 * it is there; else why not, and what to do. Never rejects.
 */
export async function publishShared(
  place: SharedPlace,
  reading: {
    files: Readonly<Record<string, SnapshotFile>>
    account: string | null
    region: string
    vpcIds: readonly string[]
  },
  deps: ReaderDeps,
): Promise<string | null> {
  const { account, region } = reading
  const bytes = await packShared({
    account,
    region,
    vpcIds: [...reading.vpcIds],
    files: new Map(Object.entries(reading.files)),
  })
  if (bytes.length > mostSharedBytes) {
    const sizes = `${bytes.length} bytes, more than the ${mostSharedBytes} that agents read`
    return `${nameOfPlace(place)} would have ${sizes}; narrow it with --vpc, one snapshot for each`
  }
  const answer = await askShared(
    {
      place,
      region: place.kind === 's3' ? region : null,
      deadlineSeconds,
      put: Buffer.from(bytes).toString('base64'),
      mark: null,
      known: {},
    },
    deps,
  )
  if (answer.outcome === 'written') return null
  if (answer.outcome === 'failed') return `${answer.failure.detail}; ${answer.failure.nextStep}`
  return `${nameOfPlace(place)}: it is not known whether it was written`
}
