import * as z from 'zod'
import { readFlowFormat } from '../../aws/flow-format.ts'
import { roleArn } from '../../aws/role-arn.ts'
import { defaults } from './defaults.ts'
import { duration, flag, readable, word } from './fields.ts'
import type { Read } from './units.ts'

function readFormat(text: string): Read<string> {
  const read = readFlowFormat(text)
  return read.ok ? { ok: true, value: text } : { ok: false, problem: read.problem, sentence: true }
}

const map = { error: 'a map' }

/** What concerns several keys at once is checked in `check-flow-logs.ts`. */
export const flowLogsSchema = z
  .strictObject(
    {
      enabled: flag('Whether they are read.').prefault(false),
      every: duration('Time between two readings.', 30, 3600, '60s').prefault(defaults.flow_logs.every),
      log_group: word(
        'The log group, where ec2:DescribeFlowLogs is not allowed.',
        'the name of a log group',
        /^[A-Za-z0-9._/#-]{1,512}$/,
      ).optional(),
      s3: z
        .strictObject(
          {
            bucket: word('Its bucket.', 'the name of a bucket', /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
            prefix: word(
              'What stands before AWSLogs/ in its keys.',
              'the beginning of a key, without slashes at its ends',
              /^[A-Za-z0-9!_.*'()=-][A-Za-z0-9!_.*'()=/-]{0,200}(?<!\/)$/,
            ).optional(),
          },
          map,
        )
        .meta({ description: 'The bucket, where ec2:DescribeFlowLogs is not allowed. Instead of log_group.' })
        .optional(),
      format: readable(
        {
          description: 'The format of that flow log, as --log-format has it. Left out: the default format.',
          expected: 'field names like ${srcaddr} ${dstaddr}, separated by spaces',
          examples: ['${version} ${interface-id} ${srcaddr} ${dstaddr}'],
        },
        readFormat,
      ).optional(),
      role_arn: word(
        'A role that is assumed to read the records, for a log group or bucket of another account.',
        'the ARN of a role, like arn:aws:iam::444455556666:role/pathproof-read',
        roleArn,
        ['arn:aws:iam::444455556666:role/pathproof-read'],
      ).optional(),
    },
    map,
  )
  .meta({ description: 'Flow records as evidence, and the census of all flows of this host.' })

export const cloudwatchSchema = z
  .strictObject(
    {
      every: duration('Time between two readings.', 60, 3600, '5m').prefault(
        defaults.cloudwatch_metrics.every,
      ),
    },
    map,
  )
  .meta({
    description:
      'CloudWatch’s own metrics of endpoints and NAT gateways, shown beside the verdicts; they cost money and are off by default.',
  })
