/** What can be wrong with a shared snapshot: none of it is ever used, and what was read before stands for three minutes. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { ProgramCommand } from '../../agent/child.ts'
import { mostSharedBytes } from '../../aws/shared-snapshot.ts'
import { readerWithin } from '../support/reader-within.ts'
import { filesAt, packLab } from '../support/shared-writer.ts'
import { accountScenario } from './account-faults.ts'
import { type MidRun, playMidRun } from './play.ts'
import { type Stage, startStage, until } from './stage.ts'

const name = { target: 'artifacts', hostname: 'artifacts-lab.s3.us-east-1.amazonaws.com' }

let directory = ''
let path = ''
let stage: Stage
/** What the writer writes before each cycle; null: it stands still. */
let writes: ((stage: Stage) => Promise<Uint8Array>) | null = null

const well = (of: Stage): Promise<Uint8Array> => packLab(of.lab, of.clock.wallMs())

/** As the writer does: whole, under another name first. */
function put(bytes: Uint8Array): void {
  rmSync(path, { recursive: true, force: true })
  writeFileSync(`${path}.new`, bytes)
  renameSync(`${path}.new`, path)
}

let underWay = 0

function counted(program: ProgramCommand): ProgramCommand {
  if (!('within' in program)) return program
  return {
    async within(input, environment, job) {
      underWay++
      try {
        return await program.within(input, environment, job)
      } finally {
        underWay--
      }
    },
  }
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'pathproof-shared-faults-'))
  path = join(directory, 'snapshot.shared')
  writes = well
  const real = await startStage({
    scenario: accountScenario,
    targets: [{ name: name.target, hostname: name.hostname, every: '30s', timeout: '2s' }],
    document: () => ({ topology: { source: 'file', file: path, refresh: '30s' } }),
    program: (wallMs) => counted(readerWithin(wallMs)),
  })
  stage = {
    ...real,
    async cycle() {
      if (writes !== null) put(await writes(real))
      await real.cycle()
      // time moves by hand, while what is unpacked takes the time that it takes
      await until('the reading', () => underWay === 0)
      await real.daemon.settled()
    },
  }
})
afterAll(async () => {
  await stage.stop()
  rmSync(directory, { recursive: true, force: true })
})

async function outlive(of: Stage): Promise<void> {
  for (let cycle = 0; cycle < 12; cycle++) await of.cycle()
}

const errors = (reason: string) => `pathproof_topology_errors_total{part="routeTables",reason="${reason}"}`

const fault = (
  what: string,
  problem: RegExp,
  written: ((stage: Stage) => Promise<Uint8Array>) | null,
  more: Partial<MidRun> = {},
): MidRun => ({
  fault: what,
  reread: null,
  begin() {
    writes = written
  },
  pass: outlive,
  end() {
    rmSync(path, { recursive: true, force: true })
    writes = well
  },
  state: 'undetermined',
  metrics: { [errors('invalid')]: { grewBy: 1 } },
  log: { event: 'topology_problem', level: 'warn', problem },
  ...more,
})

/** Something that is no good file lies there, and the writer stands still. */
const instead = (what: string, problem: RegExp, make: () => void, more: Partial<MidRun> = {}): MidRun =>
  fault(what, problem, null, {
    begin() {
      writes = null
      rmSync(path, { recursive: true, force: true })
      make()
    },
    ...more,
  })

let held: Uint8Array = new Uint8Array()

const rows: MidRun[] = [
  fault('half of it is written', /cut off/, async (of) => (await well(of)).subarray(0, 900)),
  fault('the beginning of one and the end of another', /SHA-256 differs/, async (of) => {
    const [head, , hash] = gunzipSync(await packLab(of.lab, of.clock.wallMs()))
      .toString()
      .split('\n')
    const [, body] = gunzipSync(
      await packLab(of.lab, of.clock.wallMs(), {
        files: new Map([...(await filesAt(of.lab, of.clock.wallMs()))].slice(3)),
      }),
    )
      .toString()
      .split('\n')
    return gzipSync(`${head}\n${body}\n${hash}\n`)
  }),
  fault('one letter of an answer is another', /SHA-256 differs/, async (of) =>
    gzipSync(
      gunzipSync(await well(of))
        .toString()
        .replaceAll('vpce-0a000053', 'vpce-0a000054'),
    ),
  ),
  fault('it is of the future', /dated \d+ s in the future/, (of) =>
    packLab(of.lab, of.clock.wallMs() + 200_000),
  ),
  fault('its writer stands still', /too old; is its writer running\?|read too long ago/, null),
  fault('its writer reads an account of ten minutes ago again and again', /goes back in time|too old/, (of) =>
    packLab(of.lab, of.clock.wallMs() - 600_000),
  ),
  fault(
    'an older one comes back, young enough to be believed',
    /goes back in time: its routeTables were read at .*Z, and those in use at /,
    () => Promise.resolve(held),
    {
      async begin(of) {
        held = await packLab(of.lab, of.clock.wallMs() - 60_000)
        writes = () => Promise.resolve(held)
      },
    },
  ),
  fault('it is of another account', /is of account 999988887777, this host is in 111122223333/, (of) =>
    packLab(of.lab, of.clock.wallMs(), { account: '999988887777' }),
  ),
  fault('it does not say of which account it is', /does not say of which account/, (of) =>
    packLab(of.lab, of.clock.wallMs(), { account: null }),
  ),
  fault('it is of another region', /is of region eu-west-1, this host is in us-east-1/, (of) =>
    packLab(of.lab, of.clock.wallMs(), { region: 'eu-west-1' }),
  ),
  fault('it was narrowed to another VPC', /narrowed to other VPCs than vpc-0a000001/, (of) =>
    packLab(of.lab, of.clock.wallMs(), { vpcIds: ['vpc-0b000009'] }),
  ),
  fault(
    'its writer lost the permission to read route tables',
    /ec2:DescribeRouteTables is missing/,
    async (of) => {
      const files = await filesAt(of.lab, of.clock.wallMs())
      const refused = { reason: 'denied', detail: 'ec2:DescribeRouteTables is missing' } as const
      files.set('describe-route-tables.json', { text: '', atMs: null, dated: 'api', refused })
      return packLab(of.lab, of.clock.wallMs(), { files })
    },
    { metrics: { [errors('denied')]: { grewBy: 1 } } },
  ),
  instead(
    'it unpacks to very much',
    /unpacks to more than/,
    () => put(gzipSync(Buffer.alloc(260 * 1024 * 1024), { level: 1 })),
    // what was read before stands for a while; to wait for its end would cost as much again and again
    { pass: (of) => of.cycle(), state: 'private' },
  ),
  instead('it is gone', /there is no such file/, () => undefined),
  instead('a symbolic link lies there', /symbolic link, which is not followed/, () => {
    renameSync(`${path}.good`, `${path}.other`)
    symlinkSync(`${path}.other`, path)
  }),
  instead('a directory lies there', /no regular file/, () => mkdirSync(path)),
  instead('a pipe lies there', /no regular file/, () => void execFileSync('mkfifo', [path])),
  instead('it is huge', /bytes, more than/, () => {
    writeFileSync(path, '')
    truncateSync(path, mostSharedBytes + 1)
  }),
  instead('anybody may write it', /anybody on this host may write it/, () => {
    renameSync(`${path}.good`, path)
    chmodSync(path, 0o666)
  }),
]

describe('what is wrong with a shared snapshot leaves its state, its metric and its line in the log', () => {
  for (const row of rows)
    it(row.fault, async () => {
      // good by itself, for what is only wrong with how it lies there
      writeFileSync(`${path}.good`, await packLab(stage.lab, stage.clock.wallMs() + 30_000))
      await playMidRun(stage, row, name)
    })
})
