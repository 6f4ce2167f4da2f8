import * as z from 'zod'
import { roleArn } from '../../aws/role-arn.ts'
import { path, readable, word } from './fields.ts'
import { readApiEndpoint } from './readers.ts'

/** A further account. What concerns several keys at once is checked in `check-topology.ts`. */
export const alsoSchema = z
  .strictObject(
    {
      directory: path('A directory of AWS CLI output of that account.').optional(),
      role_arn: word(
        'The role that is assumed to read that account’s endpoints, network interfaces and VPCs. Instead of directory.',
        'the ARN of a role, like arn:aws:iam::444455556666:role/pathproof-read',
        roleArn,
        ['arn:aws:iam::444455556666:role/pathproof-read'],
      ).optional(),
      external_id: word(
        'The external id that the role’s trust policy asks for. It is no secret.',
        'an external id: 2 to 1224 letters, digits and characters of _+=,.@:/-',
        /^[\w+=,.@:/-]{2,1224}$/,
      ).optional(),
      region: word(
        'The region that is read there. Left out: that of this host.',
        'the name of a region like us-east-1',
        /^[a-z]{2,10}(-[a-z]{2,20}){1,3}-[0-9]{1,2}$/,
        ['us-east-1'],
      ).optional(),
    },
    { error: 'a map' },
  )
  .meta({ description: 'A further account: a directory, or a role in it.' })

const apiEndpoint = (api: string, example: string) =>
  readable(
    {
      description: `Where ${api} is asked in this host’s region, in place of AWS’s own name: https, or http on loopback.`,
      expected: `a URL like ${example}`,
      pattern: '^https?://',
      examples: [example],
    },
    readApiEndpoint,
  ).optional()

export const apiEndpointsSchema = z
  .strictObject(
    {
      ec2: apiEndpoint('EC2', 'https://vpce-0123456789abcdef0-abcdefgh.ec2.eu-west-1.vpce.amazonaws.com'),
      sts: apiEndpoint('STS', 'https://vpce-0123456789abcdef0-abcdefgh.sts.eu-west-1.vpce.amazonaws.com'),
    },
    { error: 'a map' },
  )
  .meta({
    description:
      'Endpoints of the APIs by which accounts are read. They come before AWS_ENDPOINT_URL_EC2 and …_STS.',
  })
