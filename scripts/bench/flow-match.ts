// Finding the records of 1,000 connections among 1,000,000 lines: the scan of this program against grep and mawk, each in
// a process of its own, on the same file and in turn.
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { shown } from './figure.ts'
import type { Figure, Line } from './figure.ts'

const lines = 1_000_000
const keyCount = 1000
const recordsOfKey = 3
const rounds = 5

const v2 =
  'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status'
/** All fields up to version 5. */
const v5 = `${v2} vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path`

/** xorshift32 with a fixed seed: every run has the same records. */
function sequence(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

interface Flow {
  remote: string
  port: number
}

/** From where AWS's public addresses mostly are. */
function addressOf(random: () => number): string {
  const n = random()
  return `${[3, 13, 16, 18, 35, 44, 52, 54][n & 7]}.${(n >>> 3) & 255}.${(n >>> 11) & 255}.${(n >>> 19) & 255}`
}

/** One host and its connections to 4,000 addresses, as its interface's log has them: out and back in turn. */
function writeRecords(path: string, wide: boolean, keys: readonly Flow[]): void {
  const random = sequence(7)
  const remotes = Array.from({ length: 4000 }, () => addressOf(random))
  const every = Math.floor(lines / (keys.length * recordsOfKey))
  const file = openSync(path, 'w')
  let text: string[] = []
  for (let i = 0; i < lines; i++) {
    const key = i % every === 0 ? keys[(i / every) % keys.length] : undefined
    const mine = key !== undefined && i / every < keys.length * recordsOfKey
    const { remote, port } = mine
      ? key
      : { remote: remotes[random() % remotes.length]!, port: 32_768 + (random() % 28_232) }
    const out = mine || (i & 1) === 0
    const start = 1_790_000_000 + (i >> 6)
    const ends = out ? `10.0.1.50 ${remote} ${port} 443` : `${remote} 10.0.1.50 443 ${port}`
    const service = ['S3', 'DYNAMODB', 'AMAZON', '-'][random() & 3]
    const head = `${wide ? 5 : 2} 123456789010 eni-0a1b2c3d4e5f67890 ${ends} 6 ${10 + (random() % 90)} ${random() % 99_999} ${start} ${start + 58} ACCEPT OK`
    const packets = out ? `10.0.1.50 ${remote}` : `${remote} 10.0.1.50`
    const rest = `vpc-0a1b2c3d4e5f67890 subnet-0a1b2c3d4e5f67890 i-0a1b2c3d4e5f67890 19 IPv4 ${packets} eu-west-1 euw1-az1 - - ${out ? `- ${service} egress ${(random() & 3) === 0 ? 8 : 7}` : `${service} - ingress -`}`
    text.push(wide ? `${head} ${rest}\n` : `${head}\n`)
    if (text.length === 10_000) {
      writeSync(file, text.join(''))
      text = []
    }
  }
  writeSync(file, text.join(''))
  closeSync(file)
}

/** CPU seconds (user and system) and number of lines printed of a command that only prints what it finds. */
function timed(command: string): { cpuSeconds: number; hits: number } {
  const script = `export LC_ALL=C TIMEFORMAT='%U %S'; time ${command} | wc -l`
  const said = execFileSync('bash', ['-c', `{ ${script}; } 2>&1`], { encoding: 'utf8' })
    .trim()
    .split(/\s+/)
  const [hits = 0, user = NaN, system = NaN] = said.map(Number)
  return { cpuSeconds: user + system, hits }
}

function there(program: string): boolean {
  try {
    execFileSync('bash', ['-c', `command -v ${program}`])
    return true
  } catch {
    return false
  }
}

function figure(name: string, unit: string, values: number[], ceiling?: number): Figure {
  const sorted = values.toSorted((a, b) => a - b)
  return {
    name,
    unit,
    value: sorted[sorted.length >> 1]!,
    spread: [sorted[0]!, sorted.at(-1)!],
    ...(ceiling !== undefined && { ceiling }),
  }
}

function benchFormat(directory: string, label: string, format: string): Line[] {
  const random = sequence(3)
  const keys = Array.from({ length: keyCount }, () => ({
    remote: addressOf(random),
    port: 32_768 + (random() % 28_232),
  }))
  const records = join(directory, 'records')
  const keysFile = join(directory, 'keys')
  writeRecords(records, format !== v2, keys)
  // As the columns stand side by side in both formats; a space at each end, so that no port is a part of another.
  const patterns = keys.map(({ remote, port }) => `${remote} ${port} 443 6`)
  writeFileSync(keysFile, `${patterns.join('\n')}\n`)
  const grepKeys = join(directory, 'grep-keys')
  writeFileSync(grepKeys, `${patterns.map((p) => ` ${p} `).join('\n')}\n`)
  const scan = (kind: string) =>
    JSON.parse(
      execFileSync(
        process.execPath,
        [join(import.meta.dirname, 'flow-scan.ts'), kind, records, keysFile, format],
        { encoding: 'utf8' },
      ),
    ) as { cpuSeconds: number; hits: number; mebibytes: number }
  const mawk = there('mawk')
  const grep = there('grep')
  const runs = Array.from({ length: rounds }, () => {
    const run = {
      plain: scan('plain'),
      census: scan('census'),
      grep: grep ? timed(`grep -F -f ${grepKeys} ${records}`) : null,
      mawk: mawk ? timed(`mawk 'NR==FNR{k[$0];next} ($5" "$6" "$7" "$8) in k' ${keysFile} ${records}`) : null,
    }
    for (const one of Object.values(run))
      if (one !== null && one.hits !== keyCount * recordsOfKey)
        throw new Error(`${one.hits} hits instead of ${keyCount * recordsOfKey}`)
    return run
  })
  const ratio = (other: 'grep' | 'mawk', kind: 'plain' | 'census'): number[] =>
    runs.flatMap((run) => (run[other] === null ? [] : [run[kind].cpuSeconds / run[other].cpuSeconds]))
  const seconds = (kind: 'plain' | 'census' | 'grep' | 'mawk'): number[] =>
    runs.flatMap((run) => (run[kind] === null ? [] : [run[kind].cpuSeconds]))
  const all = [
    figure(`${label}: CPU of the scan`, 's', seconds('plain')),
    figure(`${label}: CPU with census`, 's', seconds('census')),
    ...(grep
      ? [
          figure(`${label}: CPU of grep -F`, 's', seconds('grep')),
          figure(`${label}: scan to grep -F`, '×', ratio('grep', 'plain'), 1),
          figure(`${label}: with census to grep -F`, '×', ratio('grep', 'census'), 3),
        ]
      : []),
    ...(mawk
      ? [
          figure(`${label}: CPU of mawk`, 's', seconds('mawk')),
          figure(`${label}: scan to mawk`, '×', ratio('mawk', 'plain')),
        ]
      : [{ skipped: `${label}: mawk`, because: 'no mawk here (Debian package)' }]),
    figure(
      `${label}: memory over idle, with census`,
      'MiB',
      runs.map((run) => run.census.mebibytes),
      64,
    ),
  ]
  return all
}

/** 1,000,000 records of the default format and of 29 fields. Takes a minute or two, and 350 MB of temporary files. */
export function benchFlowMatching(): Line[] {
  const directory = mkdtempSync(join(tmpdir(), 'pathproof-bench-'))
  try {
    return [...benchFormat(directory, '14 fields', v2), ...benchFormat(directory, '29 fields', v5)]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

if (import.meta.main) for (const line of benchFlowMatching()) console.log(shown(line))
