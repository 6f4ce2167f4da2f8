import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { valueOf } from './claims.ts'
import type { Sample } from './drive.ts'
import { ssmAddresses, stsAddresses } from './plan.ts'
import { type Scene, common, cycle, refreshSeconds } from './scene.ts'
import { attemptedOf } from './truth.ts'
import { region } from './world.ts'

/**
 * An agent where there is no default route: what it and its children try at all, by their system calls (an attempt without a
 * route sends nothing), and what they send, by the capture.
 */
export async function withoutDefaultRoute({ stage, expect, notes }: Scene): Promise<void> {
  const trace = join(stage.directory, 'closed.strace')
  const calls = 'trace=connect,sendto,sendmsg,sendmmsg'
  const agent = await stage.startAgent({
    name: 'closed',
    ns: 'closed',
    nameServer: '10.0.0.2',
    arguments: ['strace', '-f', '-qq', '-e', calls, '-e', 'signal=none', '-o', trace],
    config: {
      ...common(stage),
      agent: { vantage: 'on-prem' },
      topology: { source: 'directory', directory: stage.snapshotDirectory, refresh: `${refreshSeconds}s` },
      targets: [
        { name: 'ssm', hostname: `ssm.${region}.amazonaws.com`, ...cycle },
        { name: 'sts-global', hostname: 'sts.amazonaws.com', ...cycle },
      ],
    },
  })
  const at = (sample: Sample) =>
    valueOf(sample, 'pathproof_last_verdict_timestamp_seconds', { target: 'ssm' })
  const cycles = (all: readonly Sample[]) => new Set(all.map(at).filter(Boolean)).size
  await agent.samples.until('four cycles', (all) => cycles(all) >= 4, 60)
  const allowed = new Set(['10.0.0.2', ...ssmAddresses, ...stsAddresses])
  const tried = new Set(attemptedOf(readFileSync(trace, 'utf8')).map(({ address }) => address))
  expect(
    [...tried].filter((address) => !allowed.has(address)),
    'tried',
  ).toEqual([])
  expect(tried, 'the trace does see attempts').toContain('10.0.1.101')
  const sent = new Set(
    stage.packets.filter((p) => p.at === 'closed' && p.kind !== 'icmp').map((p) => p.destination),
  )
  expect(
    [...sent].filter((address) => !allowed.has(address)),
    'sent',
  ).toEqual([])
  expect(sent, 'the capture does see packets').toContain('10.0.1.101')
  notes.push(`no default route: tried ${[...tried].join(', ')}; sent packets to ${[...sent].join(', ')}`)
}
