/** The sample for Alertmanager: who is told, and what is kept silent by what, as Alertmanager itself does it. */
import { spawnSync } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFeed } from '../support/feed.ts'
import { needs, titled } from '../support/needs.ts'
import { endAll, root, start } from '../support/processes.ts'
import { alertCases } from './alert-cases.ts'

const missing = await needs('prometheus-alertmanager', 'amtool')
const sample = join(root, 'deploy/alertmanager/alertmanager.yml')

/** What each alert keeps silent on the same agent, target and name; written from docs/alerts.md. */
const names = [...new Set(alertCases.map(({ alert }) => alert))]
const silences: Record<string, string[]> = {
  PathproofAgentDown: names.filter((alert) => alert !== 'PathproofAgentDown'),
  PathproofNoAgents: ['PathproofAgentDown'],
  PathproofRequirementNotMet: [
    ...['PathproofMixedPath', 'PathproofPublicPath', 'PathproofPathUndetermined'],
    ...['PathproofEvidenceConflict', 'PathproofPathTainted', 'PathproofRequirementUnstable'],
  ],
  PathproofPathTainted: ['PathproofPathUndetermined', 'PathproofEvidenceConflict'],
  PathproofTopologyStale: ['PathproofPathUndetermined', 'PathproofTopologyErrors'],
  PathproofLedgerNotWritable: ['PathproofLedgerGap', 'PathproofCheckpointStale', 'PathproofAnchorStale'],
  PathproofWaiverActive: [
    ...['PathproofMixedPath', 'PathproofPathUndetermined', 'PathproofEvidenceConflict'],
    ...['PathproofResolverDiffers', 'PathproofFirstLegChanged'],
  ],
}

interface Notification {
  to: string
  status: 'firing' | 'resolved'
  alerts: { status: string; labels: Record<string, string> }[]
}

let directory = ''
let receiver: Server | null = null
let base = ''
const told = createFeed<Notification>((all) => JSON.stringify(all.slice(-2)))

beforeAll(async () => {
  if (missing !== null) return
  directory = mkdtempSync(join(tmpdir(), 'pathproof-alertmanager-test-'))
  receiver = createServer((request, response) => {
    let text = ''
    request.on('data', (piece) => {
      text += piece
    })
    request.on('end', () => {
      response.end()
      told.push({ to: request.url ?? '', ...(JSON.parse(text) as Omit<Notification, 'to'>) })
    })
  })
  await new Promise<void>((listening) => receiver?.listen(0, '127.0.0.1', listening))
  const { port } = receiver.address() as AddressInfo
  // The sample itself, only faster and with this receiver.
  const text = readFileSync(sample, 'utf8')
    .replaceAll('127.0.0.1:9095', `127.0.0.1:${port}`)
    .replace(/group_wait: \d+s/g, 'group_wait: 1s')
    .replace(/group_interval: \d+m/, 'group_interval: 1s')
  writeFileSync(join(directory, 'alertmanager.yml'), text)
  const server = start('prometheus-alertmanager', [
    `--config.file=${join(directory, 'alertmanager.yml')}`,
    `--storage.path=${join(directory, 'data')}`,
    '--web.listen-address=127.0.0.1:0',
    '--cluster.listen-address=',
  ])
  const own = await server.output.until(
    'its port',
    () => /"Listening on" address=127\.0\.0\.1:(\d+)/.exec(server.stderr())?.[1],
    60,
  )
  base = `http://127.0.0.1:${own}/api/v2`
})
afterAll(async () => {
  await endAll()
  receiver?.closeAllConnections()
  receiver?.close()
  if (directory !== '') rmSync(directory, { recursive: true, force: true })
})

async function post(alerts: { labels: Record<string, string>; over?: boolean }[]): Promise<void> {
  const { ok } = await fetch(`${base}/alerts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify(
      alerts.map(({ labels, over }) => ({
        labels,
        startsAt: new Date(Date.now() - 60_000).toISOString(),
        ...(over === true && { endsAt: new Date(Date.now() - 1000).toISOString() }),
      })),
    ),
  })
  expect(ok).toBe(true)
}

const all = async () =>
  (await (await fetch(`${base}/alerts`, { headers: { connection: 'close' } })).json()) as {
    labels: Record<string, string>
    status: { state: string; inhibitedBy: string[] }
  }[]

const labelsOf = (alert: string, instance: string): Record<string, string> => {
  const one = alertCases.find((each) => each.alert === alert)
  return {
    ...one?.labels,
    alertname: alert,
    severity: one?.severity ?? '',
    job: 'pathproof',
    ...(one?.ofAgent === false ? {} : { instance }),
  }
}

describe.skipIf(missing !== null)(titled('Alertmanager', missing), () => {
  it('amtool finds no fault with the sample', () => {
    const { status, stdout } = spawnSync('amtool', ['check-config', sample], { encoding: 'utf8' })
    expect([status, stdout]).toEqual([0, expect.stringContaining('7 inhibit rules')])
  })

  it('wakes somebody for what is critical, and for nothing else', () => {
    for (const alert of names) {
      const severity = alertCases.find((one) => one.alert === alert)?.severity ?? 'info'
      const args = [
        'config',
        'routes',
        'test',
        `--config.file=${sample}`,
        `alertname=${alert}`,
        `severity=${severity}`,
      ]
      const { stdout } = spawnSync('amtool', args, { encoding: 'utf8' })
      expect(stdout.trim(), alert).toBe({ critical: 'pager', warning: 'tickets', info: 'nobody' }[severity])
    }
  })

  it('keeps silent what is told by something else, and nothing besides', async () => {
    const pairs = Object.keys(silences).flatMap((source) =>
      names.filter((alert) => alert !== source).map((alert) => ({ source, alert })),
    )
    // Each pair on an agent of its own, and the second once more on an agent where nothing else fires. Of one there is only one in a job.
    const of = ({ source, alert }: (typeof pairs)[number]) => ({
      instance: `${source}+${alert}`,
      job: `${source}+${alert}`,
    })
    await post(
      pairs.flatMap((pair) => [
        { labels: { ...labelsOf(pair.source, ''), ...jobOf(pair.source, of(pair)) } },
        { labels: { ...labelsOf(pair.alert, ''), ...jobOf(pair.alert, of(pair)) } },
      ]),
    )
    const silent = async (): Promise<string[]> => {
      const seen = await all()
      const state = new Map(
        seen.map(({ labels, status }) => [`${labels['job']} ${labels['alertname']}`, status.state]),
      )
      expect(state.size).toBe(2 * pairs.length)
      return pairs
        .filter((pair) => state.get(`${of(pair).job} ${pair.alert}`) === 'suppressed')
        .map(({ source, alert }) => `${source} > ${alert}`)
        .toSorted()
    }
    const expected = pairs.filter(
      // What concerns no agent is not silenced by one.
      ({ source, alert }) => silences[source]?.includes(alert) === true && alert !== 'PathproofNoAgents',
    )
    // What silences is learnt beside the alerts themselves, a moment later.
    await expect
      .poll(silent, { timeout: 30_000 })
      .toEqual(expected.map(({ source, alert }) => `${source} > ${alert}`).toSorted())
  })

  it('tells the one, not the other, and the other as soon as the one is over', async () => {
    const page = labelsOf('PathproofRequirementNotMet', 'del:1')
    const behind = labelsOf('PathproofMixedPath', 'del:1')
    // The same group, on an agent and on a target of its own where nothing else fires.
    const control = labelsOf('PathproofMixedPath', 'ctl:1')
    await post([{ labels: page }])
    const of = (labels: Record<string, string>, status: string, to: string) =>
      told.items.some(
        (one) =>
          one.to === to &&
          one.alerts.some(
            (alert) =>
              alert.status === status &&
              alert.labels['instance'] === labels['instance'] &&
              alert.labels['alertname'] === labels['alertname'],
          ),
      )
    await told.until('the page', () => of(page, 'firing', '/pager'), 30)
    await post([{ labels: behind }, { labels: control }])
    await told.until('the control', () => of(control, 'firing', '/tickets'), 30)
    expect(of(behind, 'firing', '/tickets')).toBe(false)
    await post([{ labels: page, over: true }])
    await told.until('the other', () => of(behind, 'firing', '/tickets'), 30)
    await told.until('the end of the page', () => of(page, 'resolved', '/pager'), 30)
    // Nobody is told of waivers.
    expect(
      told.items.flatMap(({ alerts }) => alerts).some(({ labels }) => labels['severity'] === 'info'),
    ).toBe(false)
  })
})

function jobOf(alert: string, { job, instance }: { job: string; instance: string }): Record<string, string> {
  return alert === 'PathproofNoAgents' ? { job } : { job, instance }
}
