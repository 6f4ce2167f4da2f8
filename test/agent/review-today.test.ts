import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runSharedReader } from '../../agent/account/shared-snapshot-reader.ts'
import { parseSharedAnswer } from '../../agent/account/shared-snapshot-request.ts'
import { whyMisdated, latestOf } from '../../agent/account/shared-snapshot-accept.ts'
import { readSharedFile } from '../../agent/account/shared-snapshot-file.ts'
import { packShared } from '../../aws/shared-snapshot.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pathproof-review-'))
})
afterEach(() => rm(directory, { recursive: true }))

const pack = (atMs: number) =>
  packShared({
    account: '111122223333',
    region: 'us-east-1',
    vpcIds: [],
    files: new Map([
      ['describe-nat-gateways.json', { text: '{"NatGateways":[]}', atMs, dated: 'api' as const }],
    ]),
  })

describe('a shared snapshot in a file', () => {
  it('that was put there long before it says it was read is of a clock that is wrong', async () => {
    const path = join(directory, 'shared')
    // This host's clock is three minutes behind the writer's; by it, the file came three minutes before it was read.
    await writeFile(path, await pack(Date.now() + 180_000), { mode: 0o644 })
    let text = ''
    const request = {
      place: { kind: 'file', path },
      region: null,
      deadlineSeconds: 5,
      put: null,
      mark: null,
      known: {},
    }
    const later = performance.now()
    // Three minutes later its date no longer lies in the future, and it would count as read just now.
    const wallMs = () => Date.now() + 180_000
    async function* input() {
      yield JSON.stringify(request)
    }
    await runSharedReader(input(), async (said) => void (text = said), wallMs)
    const answer = parseSharedAnswer(text)
    if (answer?.outcome !== 'read') throw new Error(text)
    const { found } = answer
    expect(performance.now()).toBeGreaterThanOrEqual(later)
    // What has lain there for three minutes by then.
    const lain = { ...found, modifiedMs: (found.modifiedMs ?? Number.NaN) - 180_000 }
    expect(whyMisdated({ ...lain, latestMs: latestOf(found.snapshot) }, wallMs())).toMatch(
      /after it was put there/,
    )
  })

  it('that anybody could have put there is refused', async () => {
    const open = join(directory, 'open')
    await mkdir(open)
    for (const mode of [0o1777, 0o777]) {
      await chmod(open, mode)
      await writeFile(join(open, 'shared'), await pack(Date.now()), { mode: 0o644 })
      expect(await readSharedFile(join(open, 'shared'), 10_000)).toMatchObject({
        ok: false,
        code: 'writable',
      })
    }
    await chmod(open, 0o755)
    expect(await readSharedFile(join(open, 'shared'), 10_000)).toMatchObject({ ok: true })
  })
})
