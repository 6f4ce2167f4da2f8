import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { needs, titled } from '../support/needs.ts'
import { root } from '../support/processes.ts'

const missing = await needs('systemd-analyze')
const unit = readFileSync(join(root, 'systemd', 'pathproof.service'), 'utf8')
const dropIns = readdirSync(join(root, 'systemd', 'drop-ins')).toSorted()

/** What exposure may be, times ten. The trace needs a capability, and a user namespace would take it away. */
const limits: Record<string, number> = { 'trace.conf': 17 }

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pathproof-unit-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

/** The program need not be installed here where the unit expects it. */
const runnable = (text: string): string =>
  text.replaceAll(/(^ExecStart=)\/(?:usr|opt\/pathproof)\/bin\/pathproof/gm, '$1/bin/true')

function analyze(...args: string[]): { status: number | null; lines: string[] } {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], SYSTEMD_UNIT_PATH: `${directory}:` },
  })
  return { status, lines: `${stdout}${stderr}`.split('\n').filter((line) => line.includes('pathproof')) }
}

function install(text: string, dropIn?: string): void {
  writeFileSync(join(directory, 'pathproof.service'), runnable(text))
  mkdirSync(join(directory, 'pathproof.service.d'), { recursive: true })
  if (dropIn !== undefined) writeFileSync(join(directory, 'pathproof.service.d', 'x.conf'), runnable(dropIn))
}

/** systemd before 253 does not know it, says so and goes on: the agent then starts systemd-notify. */
const reasoned = /Unknown key(?: name)? 'OpenFile' in section (?:\[Service\]|'Service'), ignoring/

function faults(): string[] {
  return analyze('verify', '--man=no', 'pathproof.service').lines.filter((line) => !reasoned.test(line))
}

describe.skipIf(missing !== null)(titled('the unit', missing), () => {
  it('is understood by systemd, but for the one key that older ones do not know', () => {
    install(unit)
    expect(faults()).toEqual([])
    // It does find faults.
    install(unit.replace('ProtectHome=', 'ProtectHom='))
    expect(faults()).toEqual([expect.stringContaining('ProtectHom')])
  })

  it('exposes at most 1.3', () => {
    install(unit)
    const security = (limit: number) =>
      analyze('security', '--offline=true', `--threshold=${limit}`, 'pathproof.service').status
    expect(security(13)).toBe(0)
    install(unit.replace('CapabilityBoundingSet=\n', ''))
    expect(security(13)).not.toBe(0)
  })

  it.each(dropIns)('%s fits it', (file) => {
    install(unit, readFileSync(join(root, 'systemd', 'drop-ins', file), 'utf8'))
    expect(faults()).toEqual([])
    const { status } = analyze(
      'security',
      '--offline=true',
      `--threshold=${limits[file] ?? 13}`,
      'pathproof.service',
    )
    expect(status).toBe(0)
  })
})

describe('what the unit says', () => {
  it('agrees with the program', () => {
    const value = (key: string) =>
      [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map((match) => match[1])
    expect(value('Type')).toEqual(['notify'])
    // agent/notify.ts looks for a descriptor of this name
    expect(value('OpenFile')).toEqual(['/run/systemd/notify:notify:graceful'])
    expect(value('RestartPreventExitStatus')).toEqual(['64 78'])
    expect(value('StateDirectory')).toEqual(['pathproof'])
    expect(value('WatchdogSec')).toEqual(['60s'])
    // a dump of its memory may hold credentials
    expect(value('LimitCORE')).toEqual(['0'])
  })
})

const writer = ['pathproof-snapshot.service', 'pathproof-snapshot.timer'].map(
  (name) => [name, readFileSync(join(root, 'systemd', name), 'utf8')] as const,
)

describe.skipIf(missing !== null)(titled('the units of the writer of a shared snapshot', missing), () => {
  const place = (): void => {
    for (const [name, text] of writer) writeFileSync(join(directory, name), runnable(text))
  }

  it.each(writer.map(([name]) => name))('%s is understood by systemd', (name) => {
    place()
    expect(analyze('verify', '--man=no', name).lines).toEqual([])
    writeFileSync(join(directory, name), `${readFileSync(join(directory, name), 'utf8')}\n[Unit]\nWrong=1\n`)
    expect(analyze('verify', '--man=no', name).lines).toEqual([expect.stringContaining('Wrong')])
  })

  it('exposes at most 1.3', () => {
    place()
    const status = (limit: number) =>
      analyze('security', '--offline=true', `--threshold=${limit}`, 'pathproof-snapshot.service').status
    expect(status(13)).toBe(0)
    expect(status(5)).not.toBe(0)
  })
})

describe('what the units of the writer say', () => {
  const [[, service], [, timer]] = writer as [readonly [string, string], readonly [string, string]]

  it('is what the command takes, and the exit code that still wrote', () => {
    expect(service).toMatch(/^ExecStart=\/usr\/bin\/pathproof snapshot --share \$\{PATHPROOF_SHARE\} /m)
    expect(service).toMatch(/^SuccessExitStatus=4$/m)
    // a dump of its memory may hold credentials
    expect(service).toMatch(/^LimitCORE=0$/m)
  })

  it('is a reading before what agents hold gets too old, even where two fail', () => {
    const seconds = Number(/^OnUnitInactiveSec=(\d+)s$/m.exec(timer)?.[1])
    expect(seconds).toBeGreaterThanOrEqual(10)
    expect(3 * (seconds + 5) + 60).toBeLessThan(180)
  })
})
