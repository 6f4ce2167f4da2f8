import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { realFiles } from '../../ledger/files.ts'
import { type VerifierKey, parseVkey } from '../../ledger/note.ts'
import { type ProofResult, checkProof, proveConsistency, proveInclusion } from '../../ledger/prove.ts'
import { type Verification, outcomeOf } from '../../ledger/verification.ts'
import { verifyLedger } from '../../ledger/verify.ts'
import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import { exit } from './exit-code.ts'
import { troubleOf } from './file-trouble.ts'
import type { Io } from './io.ts'
import { verificationDocument, verificationText } from './render-ledger.ts'
import { type CommandSpec, chooseCommand, parseCommand } from './usage.ts'

const summaries = {
  verify: 'whether the records of a directory are those that were written',
  prove: 'a proof for others: one record, or that nothing changed between two checkpoints',
  replay: 'judges what is stored with the rules of this version, and shows which verdicts change',
}

const specs = {
  verify: {
    name: 'ledger verify',
    summary:
      'Verifies a ledger: the chain, the tree, every checkpoint and its signature, what is declared as missing. Needs no configuration, no daemon and no network. A file instead of a directory is taken as a proof of ledger prove.',
    options: {
      key: {
        type: 'string',
        value: 'VKEY',
        multiple: true,
        help: 'a verifier key that is trusted; without one the signer is not verified',
      },
      anchor: {
        type: 'string',
        value: 'FILE',
        multiple: true,
        help: 'a checkpoint that was kept elsewhere; without one a roll-back can not be told',
      },
      json: { type: 'boolean', help: 'one JSON document (schema pathproof.ledger-verify/1)' },
    },
    positionals: {
      label: 'DIRECTORY',
      min: 1,
      max: 1,
      help: "the ledger's directory, or the file of a proof",
    },
    examples: [
      'pathproof ledger verify /var/lib/pathproof/ledger',
      'pathproof ledger verify ./ledger --key "$VKEY" --anchor last-quarter.note',
      'pathproof ledger verify proof.json --key "$VKEY"',
    ],
    notes:
      'Exit codes: 0 intact, complete and signed by a given key; 4 intact, with doubts (gaps, recoveries, an unsigned tail, signer not verified); 3 it was changed; 1 it can not be read; 64 wrong usage.',
  },
  prove: {
    name: 'ledger prove',
    summary:
      'Prints a proof as JSON: that one record stands in the ledger (--seq), or that nothing changed since a checkpoint that was kept elsewhere (--from). pathproof ledger verify FILE checks it, and needs no ledger for that.',
    options: {
      seq: { type: 'string', value: 'NUMBER', help: 'the number of the record' },
      from: { type: 'string', value: 'FILE', help: 'the earlier checkpoint' },
      to: {
        type: 'string',
        value: 'FILE',
        help: 'the checkpoint to prove for (default: the newest of the directory)',
      },
    },
    positionals: { label: 'DIRECTORY', min: 1, max: 1, help: "the ledger's directory" },
    examples: [
      'pathproof ledger prove /var/lib/pathproof/ledger --seq 4711 > proof.json',
      'pathproof ledger prove ./ledger --from last-quarter.note',
    ],
    notes: 'Exit codes: 0 proven, 1 it can not be read or proven, 64 wrong usage.',
  },
} as const satisfies Record<string, CommandSpec>

/** No proof is longer: it holds one line and some hundred hashes. */
const maxProofBytes = 1024 * 1024

/** `pathproof ledger verify|prove|replay`. */
export async function ledgerCommand(argv: readonly string[], io: Io): Promise<number> {
  const chosen = chooseCommand(
    'ledger',
    'Verifies the ledger, and proves single records of it.',
    summaries,
    argv,
  )
  if (!chosen.ok) {
    ;(chosen.code === 0 ? io.stdout : io.stderr)(chosen.text)
    return chosen.code
  }
  try {
    if (chosen.command === 'replay')
      return await (await import('./ledger-replay.ts')).ledgerReplayCommand(chosen.argv, io)
    return await (chosen.command === 'verify' ? verify(chosen.argv, io) : prove(chosen.argv, io))
  } catch (error) {
    io.stderr(`pathproof ledger ${chosen.command}: ${troubleOf(error)}\n`)
    return exit.failed
  }
}

async function verify(argv: readonly string[], io: Io): Promise<number> {
  const parsed = parseCommand(specs.verify, argv)
  if (!parsed.ok) {
    ;(parsed.code === 0 ? io.stdout : io.stderr)(parsed.text)
    return parsed.code
  }
  const [path = ''] = parsed.positionals
  const { key = [], anchor = [], json = false } = parsed.values
  const keys: VerifierKey[] = []
  for (const text of key) {
    const read = parseVkey(text.trim())
    if (read === null)
      return wrong(
        io,
        'verify',
        `--key ${shown(text)}: expected NAME+ID+BASE64 of an Ed25519 key whose id fits`,
      )
    keys.push(read)
  }
  const anchors = await Promise.all(
    anchor.map(async (name) => ({ name: shown(name), bytes: await readFile(name) })),
  )
  if ((await stat(path)).isFile()) return verifyProof(path, keys, json, io)
  const result = await verifyLedger(realFiles(), resolve(path), { keys, anchors })
  if (!result.ok) {
    io.stderr(
      `pathproof ledger verify: the ledger has format version ${result.newer}, newer than this program knows. Next step: verify it with the version of pathproof that wrote it\n`,
    )
    return exit.failed
  }
  const { problems, end, checkpoints } = result.seen
  if (problems.some(({ kind }) => kind === 'no_ledger') && end + checkpoints.length + anchors.length === 0)
    throw new Error(`there is no ledger in ${shown(path)}`)
  io.stdout(
    json ? `${JSON.stringify(verificationDocument(result.seen))}\n` : verificationText(result.seen, io.color),
  )
  return codeOf(result.seen)
}

function codeOf(seen: Verification): number {
  return { ok: exit.met, doubt: exit.undetermined, tampered: exit.notMet }[outcomeOf(seen)]
}

async function verifyProof(path: string, keys: VerifierKey[], json: boolean, io: Io): Promise<number> {
  if ((await stat(path)).size > maxProofBytes) throw new Error(`${shown(path)} is too long for a proof`)
  let document: unknown
  try {
    document = JSON.parse(await readFile(path, 'utf8'))
  } catch {
    throw new Error(`${shown(path)} is no JSON`)
  }
  const checked = checkProof(document, keys)
  const answer = checked.ok
    ? {
        schema: 'pathproof.ledger-verify/1',
        proof: { holds: true, signedBy: checked.by, text: checked.text },
      }
    : { schema: 'pathproof.ledger-verify/1', proof: { holds: false, signedBy: [], text: checked.problem } }
  const signer =
    answer.proof.signedBy.length > 0 ? `signed by ${answer.proof.signedBy.join(', ')}` : 'signer not verified'
  io.stdout(json ? `${JSON.stringify(answer)}\n` : `${answer.proof.text}${checked.ok ? `; ${signer}` : ''}\n`)
  if (!checked.ok) return exit.notMet
  return checked.by.length > 0 ? exit.met : exit.undetermined
}

async function prove(argv: readonly string[], io: Io): Promise<number> {
  const parsed = parseCommand(specs.prove, argv)
  if (!parsed.ok) {
    ;(parsed.code === 0 ? io.stdout : io.stderr)(parsed.text)
    return parsed.code
  }
  const { seq, from, to } = parsed.values
  const directory = resolve(parsed.positionals[0] ?? '')
  if ((seq === undefined) === (from === undefined))
    return wrong(io, 'prove', 'one of --seq and --from is needed')
  if (seq !== undefined && !/^(?:0|[1-9][0-9]{0,15})$/.test(seq))
    return wrong(io, 'prove', `--seq ${shown(seq)}: expected the number of a record`)
  const later = to === undefined ? null : await readFile(to)
  const files = realFiles()
  const result: ProofResult<object> =
    from === undefined
      ? await proveInclusion(files, directory, Number(seq), later)
      : await proveConsistency(files, directory, await readFile(from), later)
  if (!result.ok) throw new Error(result.problem)
  io.stdout(`${JSON.stringify(result.proof)}\n`)
  return exit.met
}

function wrong(io: Io, command: string, problem: string): number {
  io.stderr(`pathproof ledger ${command}: ${problem}\nNext step: pathproof ledger ${command} --help\n`)
  return exit.usage
}

function shown(text: unknown): string {
  return safeText(redact(safeText(text, 4096)), 300)
}
