/** The sample scrape configuration, by Prometheus' own tool. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { defaults } from '../../agent/config/defaults.ts'
import { needs, titled } from '../support/needs.ts'
import { root } from '../support/processes.ts'
import { promtool } from './promtool.ts'

const missing = await needs('promtool')
const deployed = join(root, 'deploy/prometheus')

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'pathproof-scrape-test-'))
  for (const file of ['scrape.yml', 'pathproof.rules.yml'])
    copyFileSync(join(deployed, file), join(directory, file))
  for (const file of ['pathproof-ca.pem', 'pathproof-password']) writeFileSync(join(directory, file), '')
  writeFileSync(
    join(directory, 'pathproof-agents.json'),
    JSON.stringify([{ targets: ['db1.corp.example:10097'], labels: { site: 'dc1' } }]),
  )
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe.skipIf(missing !== null)(titled('promtool', missing), () => {
  it('finds no fault with the sample, its rules and a file of agents', () => {
    const { status, output } = promtool(['check', 'config', join(directory, 'scrape.yml')])
    expect([status, output]).toEqual([0, expect.not.stringMatching(/WARNING|FAILED/)])
    expect(output).toContain('rules found')
  })

  it('would find some', () => {
    const text = readFileSync(join(directory, 'scrape.yml'), 'utf8')
    const file = join(directory, 'broken.yml')
    for (const broken of [
      text.replace('ec2_sd_configs', 'ec2_sd_config'),
      text.replace('min_version: TLS12', 'min_version: TLS9'),
    ]) {
      writeFileSync(file, broken)
      expect(promtool(['check', 'config', file]).status).not.toBe(0)
    }
  })
})

it('agents are found by EC2 and by files, over TLS with a password, all under the job of the rules', () => {
  const { scrape_configs: jobs } = parse(readFileSync(join(deployed, 'scrape.yml'), 'utf8')) as {
    scrape_configs: Record<string, unknown>[]
  }
  expect(jobs.flatMap((job) => Object.keys(job).filter((key) => key.endsWith('_sd_configs')))).toEqual([
    'ec2_sd_configs',
    'file_sd_configs',
  ])
  for (const job of jobs) {
    expect(job).toMatchObject({ scheme: 'https', basic_auth: { password_file: expect.any(String) } })
    expect(JSON.stringify(job)).not.toContain('insecure_skip_verify')
    const relabelled = (job['relabel_configs'] as { target_label: string; replacement?: string }[]).find(
      ({ target_label }) => target_label === 'job',
    )
    expect(relabelled?.replacement ?? job['job_name']).toBe('pathproof')
  }
  const [{ port } = { port: 0 }] = jobs[0]?.['ec2_sd_configs'] as { port: number }[]
  expect(defaults.web.listen).toMatch(new RegExp(`:${port}$`))
})
