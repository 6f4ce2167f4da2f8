import * as z from 'zod'
import { pathClasses } from '../../model/path.ts'
import { nameStyles } from '../../model/target.ts'
import { defaults } from './defaults.ts'
import { choice, count, duration, name, readable, word } from './fields.ts'
import { readCron, readHostname, readSource } from './readers.ts'
import { parseUntil } from './units.ts'

const waiver = z
  .strictObject(
    {
      reason: word(
        'Why the requirement need not be met for now.',
        'a text of 1 to 500 characters',
        /^[\s\S]{0,499}\S\s*$/,
      ),
      ticket: word(
        'Where the waiver was decided.',
        'a text of 1 to 100 characters (numbers in quotes)',
        /^[^\n]{1,100}$/,
      ).optional(),
      until: readable(
        {
          description: 'When the waiver ends: a date (its end, UTC) or a time of RFC 3339.',
          expected: 'a date like 2027-01-31',
          pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt].*)?$',
          examples: ['2027-01-31', '2027-01-31T18:00:00Z'],
        },
        parseUntil,
      ),
    },
    { error: 'a map with reason and until' },
  )
  .meta({
    description: 'Excuses the requirement until a date; the verdict and the gauge stay what they are.',
  })

const require = z
  .union(
    [
      z.enum(['private', 'blocked']),
      z
        .array(z.enum(pathClasses, { error: `a class of path: ${pathClasses.join(', ')}` }))
        .min(1, { error: 'at least one class of path' }),
    ],
    { error: 'private, blocked, or a list of classes of path' },
  )
  .meta({
    description:
      'What is demanded: private (every way is private), blocked (no way at all), or a list of the classes of path that are allowed.',
  })

const resolverNames = (description: string) =>
  z
    .array(name('The name of a resolver of this file, or system for the host’s own.'), {
      error: 'a list of names of resolvers',
    })
    .meta({ description })

/** One thing to prove. What concerns several keys at once is checked in `check-targets.ts`. */
export const targetSchema = z
  .strictObject(
    {
      name: name('The name of the target: the label `target` of its metrics.'),
      service: word(
        'The AWS service as in its host names (s3, sts, dynamodb, …). Instead of hostname.',
        'the name of an AWS service as in its host names, like s3',
        /^[a-z0-9][a-z0-9.-]{0,62}$/,
        ['s3', 'sts'],
      ).optional(),
      region: word(
        'The region of the service.',
        'the name of a region like us-east-1',
        /^[a-z]{2,10}(-[a-z]{2,20}){1,3}-[0-9]{1,2}$/,
        ['us-east-1'],
      ).optional(),
      bucket: word(
        'The S3 bucket whose names are watched.',
        'the name of a bucket: 3 to 63 lower-case letters, digits, "." and "-" (numbers in quotes)',
        /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
      ).optional(),
      styles: z
        .array(choice('A kind of host name.', nameStyles), { error: 'a list of kinds of host name' })
        .min(1, { error: 'at least one kind of host name' })
        .meta({
          description:
            'The kinds of host name to watch. Left out: those that common software uses (S3: global, regional, dualstack; others: regional).',
        })
        .optional(),
      hostname: readable(
        {
          description: 'One DNS name to watch. Instead of service.',
          expected: 'a DNS name like sts.amazonaws.com, without scheme, port and path',
          examples: ['sts.amazonaws.com'],
          pattern: '^[A-Za-z0-9_-]{1,63}([.][A-Za-z0-9_-]{1,63})+[.]?$',
        },
        readHostname,
      ).optional(),
      port: count('The TCP port.', 1, 65_535).prefault(defaults.target.port),
      require: require.prefault(defaults.target.require),
      min_proof: choice(
        'The weakest proof that meets the requirement: configured (route tables), observed (flow records) or attested (AWS’s own request context).',
        ['configured', 'observed', 'attested'],
      ).prefault(defaults.target.min_proof),
      require_first_leg: choice('The way out of the site that is demanded, for hosts on-prem.', [
        'any',
        'direct_connect',
        'vpn',
      ]).prefault(defaults.target.require_first_leg),
      every: duration(
        `Time between two cycles; ${defaults.target.every} if neither every nor cron is given.`,
        1,
        86_400,
        '30s',
      )
        .meta({ default: defaults.target.every })
        .optional(),
      cron: readable(
        {
          description: 'The slots as a cron expression of five fields in UTC, instead of every.',
          expected: 'five fields like "*/5 * * * *" (UTC)',
          pattern: '^ *[^ @]+( +[^ ]+){4} *$',
          examples: ['*/5 * * * *'],
        },
        readCron,
      ).optional(),
      timeout: duration(
        'The time that one connection may take, up to the end of its request.',
        0.1,
        60,
        '5s',
      ).prefault(defaults.target.timeout),
      source: readable(
        {
          description: 'The address or the interface to connect from. Left out: the kernel chooses.',
          expected: 'an address like 10.0.1.50 or an interface like eth0',
          examples: ['10.0.1.50', 'eth0'],
        },
        readSource,
      ).optional(),
      resolvers: resolverNames('Whose answers count.')
        .min(1, { error: 'at least one resolver' })
        .prefault([...defaults.target.resolvers]),
      compare_resolvers: resolverNames('Whose answers are only compared.').prefault([]),
      waiver: waiver.optional(),
      evidence_age: duration(
        'How long an attempt that observed or attested evidence settled stays good. Left out: no longer than any other.',
        60,
        7 * 86_400,
        '1h',
      ).optional(),
      confirm_within: duration(
        'How long ago a confirmation may lie that min_proof observed or attested asks for.',
        60,
        7 * 86_400,
        '30m',
      ).prefault(defaults.target.confirm_within),
    },
    { error: 'a map with name and service or hostname' },
  )
  .meta({ description: 'One thing to prove.' })
