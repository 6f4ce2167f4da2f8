import { EventEmitter } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runInNamespace } from '../../lab/namespace.ts'
import { needs, titled } from '../support/needs.ts'

const missing = await needs('namespaces', 'ip')

describe.skipIf(missing !== null)(titled('AWS’s records in namespaces', missing), () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'pathproof-records-namespace-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  it('are at AWS’s own names, of packets with real-looking addresses and their own ports', async () => {
    const scenario = join(directory, 'mine.yaml')
    const result = join(directory, 'result.json')
    writeFileSync(
      scenario,
      `name: mine
title: Mine
story: S3 by its gateway endpoint, the rest by the NAT gateway.
world:
  flowLogs: [{ id: fl-0a000001, resource: eni-0a000050, noData: false, deliverySeconds: 0 }]
records:
  trail: { latenessSeconds: 60 }
  metrics: { latenessSeconds: 0 }
  s3:
    buckets:
      - name: canary
        objects: [{ key: control }, { key: positive }, { key: negative }]
        policy:
          Statement:
            - { Effect: Deny, Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::canary/positive', Condition: { StringNotEquals: { 'aws:SourceVpce': vpce-0a000053 } } }
            - { Effect: Deny, Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::canary/negative', Condition: { 'Null': { 'aws:SourceVpce': 'false' } } }
names: [{ target: s3, hostname: canary.s3.us-east-1.amazonaws.com }]
expect: [{ hostname: canary.s3.us-east-1.amazonaws.com, state: private }]
`,
    )
    const code = await runInNamespace({
      command: [
        process.execPath,
        fileURLToPath(new URL('inside/records.ts', import.meta.url)),
        result,
        scenario,
      ],
      environment: process.env,
      listen: null,
      nameServers: ['10.0.0.2'],
      signals: new EventEmitter(),
    })
    expect(code).toBe(0)
    const { visited, recorded } = JSON.parse(readFileSync(result, 'utf8'))
    expect(visited).toEqual([200, 200, 403])
    expect(recorded.trail).toEqual(['vpce-0a000053', '10.0.1.50'])
    expect(recorded.metrics).toEqual([['nat', 'Complete']])
    const out = recorded.lines.filter((line: string) => / 10\.0\.1\.50 \S+ \d{4,5} 443 6 /u.test(line))
    expect(out.length).toBeGreaterThan(0)
    expect(out.every((line: string) => / S3 egress 7 /u.test(line))).toBe(true)
  }, 30_000)
})
