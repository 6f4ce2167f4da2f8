import { EventEmitter } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runInNamespace } from '../../lab/namespace.ts'
import { needs, titled } from '../support/needs.ts'

const missing = await needs('namespaces', 'ip')

describe.skipIf(missing !== null)(titled('the APIs in namespaces', missing), () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'pathproof-api-namespace-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  it('are at AWS’s own names for AWS’s own client, and no longer when the route is gone', async () => {
    const scenario = join(directory, 'mine.yaml')
    const result = join(directory, 'result.json')
    writeFileSync(
      scenario,
      `name: mine
title: Mine
story: The API is reached by the NAT gateway, then by an interface endpoint with private DNS, then not at all.
world:
  interfaces:
    - { id: eni-0a0000a1, type: vpc_endpoint, requesterManaged: true, ipv4: [{ address: 10.0.1.101, primary: true, public: null }] }
names: [{ target: ec2, hostname: ec2.us-east-1.amazonaws.com }]
steps:
  - after: 1s
    name: endpoint
    title: An endpoint takes over, and NAT is gone
    change:
      endpoints: [{ id: vpce-0a0000a1, service: com.amazonaws.us-east-1.ec2, interfaces: [eni-0a0000a1], privateDns: true, reaches: ec2 }]
      tables: [{ id: rtb-0a000001, removeRoutes: [0.0.0.0/0] }]
  - { after: 2s, name: denied, title: The permission is gone, api: { deny: [DescribeVpcs] } }
  - { after: 3s, name: gone, title: The endpoint is gone, change: { remove: [vpce-0a0000a1] } }
  - { after: 4s, name: off, title: No metadata, metadata: off }
expect: [{ hostname: ec2.us-east-1.amazonaws.com, state: public }]
`,
    )
    const code = await runInNamespace({
      command: [process.execPath, fileURLToPath(new URL('inside/api.ts', import.meta.url)), result, scenario],
      environment: process.env,
      listen: null,
      nameServers: ['10.0.0.2'],
      signals: new EventEmitter(),
    })
    expect(code).toBe(0)
    expect(JSON.parse(readFileSync(result, 'utf8'))).toEqual({
      seen: [
        ['vpc-0a000001'],
        ['vpc-0a000001'],
        'UnauthorizedOperation',
        'AbortError',
        'CredentialsProviderError',
      ],
      urls: [null, null],
      requests: ['ok', 'ok', 'UnauthorizedOperation'].map((outcome) => ({
        action: 'DescribeVpcs',
        account: '111122223333',
        outcome,
      })),
    })
  }, 30_000)
})
