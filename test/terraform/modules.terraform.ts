import { spawnSync } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canaryPolicy } from '../../aws/bucket-policy.ts'
import { titled } from '../support/needs.ts'
import { root } from '../support/processes.ts'
import { type Workbench, providerMirror, workbench } from './tool.ts'

const mirror = providerMirror()
const missing =
  spawnSync('terraform', ['version']).error !== undefined
    ? 'no terraform here'
    : mirror === null
      ? 'the AWS provider of Terraform is not installed here'
      : null

const folders = (kind: string): string[] =>
  globSync(`${kind}/*/main.tf`, { cwd: join(root, 'deploy', 'terraform') })
    .map((file) => file.slice(0, -'/main.tf'.length))
    .toSorted()

let bench: Workbench
beforeAll(() => {
  bench = workbench(mirror)
})
afterAll(() => bench.remove())

describe.skipIf(missing !== null)(titled('the Terraform modules', missing), () => {
  it('are formatted as Terraform does it', () => {
    expect(bench.terraform('.', 'fmt', '-check', '-recursive')).toMatchObject({ status: 0, output: '' })
  })

  it.each([...folders('modules'), ...folders('examples')])('%s is valid', (folder) => {
    const args = ['-no-color', '-input=false']
    expect(bench.terraform(folder, 'init', '-backend=false', ...args).output).toContain(
      'successfully initialized',
    )
    expect(bench.terraform(folder, 'validate', '-no-color').output).toContain('The configuration is valid.')
  })

  it.each(folders('modules'))('%s does what it says and refuses what it should', (folder) => {
    const { status, output } = bench.terraform(folder, 'test', '-no-color')
    expect(output).toMatch(/Success! [1-9]\d* passed, 0 failed\./)
    expect(status).toBe(0)
  })

  it("the canary's policy is that of pathproof canary policy, the flow log's format that of the documentation", () => {
    const vpcId = 'vpc-0123456789abcdef0'
    const wanted = canaryPolicy({
      partition: 'aws',
      bucket: 'my-canary',
      positive: 'positive',
      negative: 'negative',
      endpoint: 'vpce-0123456789abcdef0',
      vpcId,
      sourceAddresses: ['10.0.1.50', '10.0.1.51'],
    })
    const documented =
      /--log-format '(.*)'/.exec(readFileSync(join(root, 'docs', 'records.md'), 'utf8'))?.[1] ?? ''
    expect(documented.split(' ').length).toBeGreaterThan(20)
    const quoted = (text: string) => JSON.stringify(text).replaceAll('${', () => '$${')
    const assert = (left: string, right: string) =>
      `assert {\n condition = ${left} == ${right}\n error_message = "differs"\n}\n`
    writeFileSync(
      join(bench.directory, 'modules/canary/tests/same.tftest.hcl'),
      `mock_provider "aws" {
        mock_data "aws_partition" {
          defaults = { partition = "aws" }
        }
      }
      variables {
        bucket = "my-canary"
        endpoint_id = "vpce-0123456789abcdef0"
        vpc_id = "${vpcId}"
        source_addresses = ["10.0.1.50", "10.0.1.51"]
      }
      run "same" {
        command = plan
        ${assert('jsonencode(jsondecode(output.policy_json))', `jsonencode(jsondecode(${quoted(JSON.stringify(wanted))}))`)}
      }`,
    )
    writeFileSync(
      join(bench.directory, 'modules/flow-log/tests/same.tftest.hcl'),
      `mock_provider "aws" {}
      run "same" {
        command = plan
        variables {
          vpc_id = "${vpcId}"
        }
        ${assert('output.format', quoted(documented))}
      }`,
    )
    for (const folder of ['modules/canary', 'modules/flow-log']) {
      expect(bench.terraform(folder, 'test', '-no-color', '-filter=tests/same.tftest.hcl').output).toContain(
        'Success! 1 passed, 0 failed.',
      )
    }
  })

  it('a misspelt argument is found', () => {
    const file = join(bench.directory, 'modules/flow-log/main.tf')
    const { status, output } = (() => {
      const before = readFileSync(file, 'utf8')
      writeFileSync(file, before.replace('traffic_type ', 'trafic_type '))
      const result = bench.terraform('modules/flow-log', 'validate', '-no-color')
      writeFileSync(file, before)
      return result
    })()
    expect(output).toContain('trafic_type')
    expect(status).not.toBe(0)
  })
})
