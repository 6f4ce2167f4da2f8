/** The policy of whoever writes a shared snapshot, and what reading flow logs in S3 costs. */
import { expect, it } from 'vitest'
import { readPlace } from '../../agent/account/shared-snapshot-place.ts'
import { configCommand } from '../../agent/cli/config.ts'
import { costsOf } from '../../agent/config/cost.ts'
import { parseConfig } from '../../agent/config/load.ts'
import { sharePolicy } from '../../agent/iam/share.ts'
import { ec2Actions, postureActions } from '../../aws/snapshot-api-calls.ts'
import { say } from '../support/io.ts'

function configOf(text: string) {
  const loaded = parseConfig(`version: 1\n${text}`, 'f', 0)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  return loaded.config
}

const place = readPlace('s3://my-bucket/pathproof/eu-west-1')
if (place === null) throw new Error('no place')

it('is the reading of the account and one object, whatever else the configuration enables', () => {
  const config = configOf(
    'topology: { source: s3, s3: { bucket: my-shared, key: k } }\ncloudwatch: { every: 5m }\ntargets: [{ name: t, service: s3, region: cn-north-1 }]\n',
  )
  const { Statement } = sharePolicy(place, config)
  expect(Statement.flatMap(({ Action }) => Action).sort()).toEqual(
    [...[...ec2Actions, ...postureActions].map((action) => `ec2:${action}`), 's3:PutObject'].sort(),
  )
  expect(Statement.at(-1)?.Resource).toEqual(['arn:aws-cn:s3:::my-bucket/pathproof/eu-west-1'])
  expect(sharePolicy({ kind: 'file', path: '/srv/x' }, config).Statement).toHaveLength(2)
})

it('costs of flow logs in a bucket that is named are bounded from below, and say what they leave out', () => {
  const [cost] = costsOf(configOf('flow_logs: { enabled: true, every: 60s, s3: { bucket: my-flow-logs } }\n'))
  // 1,440 LISTs at 0.005 USD for a thousand, 288 GETs at 0.0004, 30 days
  expect(cost?.requestsPerDay).toBe(1728)
  expect(cost?.dollarsPerMonth).toBeCloseTo(0.216 + 0.003456, 6)
  expect(cost?.text).toContain('Not estimated: more than one file in five minutes')
  const [unnamed] = costsOf(configOf('flow_logs: { enabled: true }\n'))
  expect(unnamed?.dollarsPerMonth).toBeNull()
})

it('is printed by the command, which takes no other place', async () => {
  const run = (...argv: string[]) => say((io) => configCommand(['iam', ...argv], io))
  const printed = await run('--share', 's3://my-bucket/pathproof/eu-west-1')
  expect(printed.code).toBe(0)
  expect(JSON.parse(printed.stdout)).toEqual(sharePolicy(place, configOf('')))
  const wrong = await run('--share', 's3://my-bucket')
  expect([wrong.code, wrong.stdout]).toEqual([64, ''])
  expect(wrong.stderr).toContain('expected a file, or s3://BUCKET/KEY')
})
