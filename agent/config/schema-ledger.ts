import * as z from 'zod'
import { defaults } from './defaults.ts'
import { choice, duration, path, readable, word } from './fields.ts'
import { parseSize } from './units.ts'

const map = { error: 'a map' }

const section = <T extends z.ZodRawShape>(description: string, shape: T) =>
  z.strictObject(shape, map).meta({ description })

/** What concerns several keys at once is checked in `check-ledger.ts`. */
export const ledgerSchema = section('The append-only record of what was seen and judged.', {
  directory: path('Where it is written.'),
  name: word(
    'The name of this ledger and of its key, in every checkpoint: who observes. Left out: pathproof/ and the name of the host.',
    'a name like example.com/pathproof/host-1',
    /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+){0,5}$/,
  ).optional(),
  key_file: path(
    'The Ed25519 key that signs checkpoints; the systemd credential ledger-key goes before it.',
  ).optional(),
  previous_key_file: path(
    'The key that signed before this one: it signs once, that another one does from then on, and can go then. The systemd credential ledger-key-previous goes before it.',
  ).optional(),
  kms_key: word(
    'The id, alias or ARN of a key of AWS KMS (ECC_NIST_EDWARDS25519, SIGN_VERIFY) that signs checkpoints instead.',
    'the id, alias or ARN of a key of KMS',
    /^[A-Za-z0-9:/_-]{1,256}$/,
  ).optional(),
  previous_kms_key: word(
    'The key of KMS that signed before this one, instead of previous_key_file: it signs once, that another one does from then on.',
    'the id, alias or ARN of a key of KMS',
    /^[A-Za-z0-9:/_-]{1,256}$/,
  ).optional(),
  checkpoint_every: duration('Time between two checkpoints.', 60, 86_400, '5m').prefault(
    defaults.ledger.checkpoint_every,
  ),
  segment_size: readable(
    {
      description: 'The size at which a segment is sealed.',
      expected: 'a size like 64MiB',
      pattern: '^[0-9]{1,6}(KiB|MiB|GiB)$',
      examples: ['64MiB'],
    },
    parseSize,
  ).prefault(defaults.ledger.segment_size),
  retention: duration('How long sealed segments are kept.', 86_400, 3650 * 86_400, '400d').prefault(
    defaults.ledger.retention,
  ),
  on_full: choice(
    'What happens when its disk is full: the agent goes on without it and counts what is lost, or it ends with exit code 1.',
    ['continue', 'exit'],
  ).prefault(defaults.ledger.on_full),
  anchors: section('Where checkpoints are kept outside the host.', {
    cloudwatch_logs: section('A log group that receives checkpoints.', {
      log_group: word(
        'The log group; it must be there.',
        'the name of a log group',
        /^[A-Za-z0-9._/#-]{1,512}$/,
      ),
    }).optional(),
    s3: section('A bucket that receives sealed segments and checkpoints.', {
      bucket: word('The bucket.', 'the name of a bucket', /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
      prefix: word('The beginning of the keys.', 'the key of an object', /^[^/\n][^\n]{0,1023}$/).optional(),
      object_lock: choice(
        'How objects are locked for as long as segments are kept; off: as the bucket does it by default.',
        ['compliance', 'governance', 'off'],
      ).prefault(defaults.ledger.object_lock),
    }).optional(),
  }).optional(),
})
