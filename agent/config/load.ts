import { open } from 'node:fs/promises'
import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import { checkNetwork } from './check-network.ts'
import { checkSections } from './check-sections.ts'
import { checkTargets } from './check-targets.ts'
import { configFrom } from './config.ts'
import type { Config } from './config.ts'
import { maxConfigBytes } from './defaults.ts'
import { draftOf } from './draft.ts'
import { configHash } from './effective.ts'
import { createFindings } from './findings.ts'
import type { Fit } from './fit.ts'
import { pathText } from './problems.ts'
import type { Finding, Problem } from './problems.ts'
import { schemaFindings } from './schema-findings.ts'
import { configSchema } from './schema.ts'
import { readSource } from './source.ts'

export type LoadResult =
  | {
      ok: true
      config: Config
      warnings: Problem[]
      /** SHA-256 (hex) of the effective configuration. */
      hash: string
      fit: Fit
    }
  | { ok: false; problems: Problem[] }

/** More problems than anybody reads at once; the rest is counted. */
const maxProblems = 100

function inOrder(problems: Problem[], file: string): Problem[] {
  const sorted = problems.sort((a, b) => a.line - b.line || a.col - b.col)
  const rest = sorted.length - maxProblems
  if (rest <= 0) return sorted
  const more = {
    file,
    line: 0,
    col: 0,
    path: '',
    problem: `and ${rest} more problems`,
    expected: '',
    suggestion: null,
  }
  return [...sorted.slice(0, maxProblems), more]
}

function wholeFile(file: string, problem: string, expected: string): LoadResult {
  return { ok: false, problems: [{ file, line: 0, col: 0, path: '', problem, expected, suggestion: null }] }
}

/** The name of the file as it may be printed. */
function printable(file: string): string {
  return safeText(redact(file), 300)
}

/**
 * Reads a configuration from its text; `file` is only for the messages, `nowMs` (Unix milliseconds) tells waivers that are
 * over. All that is wrong comes at once, in the order of the lines. Never throws, whatever the text is.
 */
export function parseConfig(text: string, file: string, nowMs: number): LoadResult {
  const name = printable(file)
  const source = readSource(text)
  if (!source.ok) {
    return {
      ok: false,
      problems: inOrder(
        source.troubles.map((trouble) => ({ file: name, path: '', ...trouble })),
        name,
      ),
    }
  }
  const located = (finding: Finding): Problem => {
    const { path, problem, expected, suggestion } = finding
    return { file: name, ...source.placeOf(finding), path: pathText(path), problem, expected, suggestion }
  }
  const findings = createFindings()
  const draft = draftOf(source.value)
  const fit = checkTargets(findings, draft, nowMs)
  checkNetwork(findings, draft)
  checkSections(findings, draft)
  const parsed = configSchema.safeParse(source.value, { reportInput: true })
  const schemaErrors = parsed.success ? [] : schemaFindings(configSchema, parsed.error.issues)
  const errors = [...schemaErrors, ...findings.errors]
  if (!parsed.success || errors.length > 0) return { ok: false, problems: inOrder(errors.map(located), name) }
  const config = configFrom(parsed.data)
  return {
    ok: true,
    config,
    warnings: inOrder(findings.warnings.map(located), name),
    hash: configHash(config),
    fit,
  }
}

function unreadable(file: string, code: unknown): LoadResult {
  if (code === 'ENOENT')
    return wholeFile(file, 'there is no such file', 'a configuration: "pathproof config example" prints one')
  if (code === 'EACCES' || code === 'EPERM') {
    return wholeFile(file, 'this user may not read it', 'a file that is readable for the user of the agent')
  }
  if (code === 'EISDIR') return wholeFile(file, 'is a directory', 'a file')
  return wholeFile(file, `can't be read (${safeText(String(code), 40)})`, 'a readable file')
}

/** The first bytes of a file, one more than a configuration may have at most. */
async function firstBytes(path: string): Promise<Buffer> {
  const handle = await open(path, 'r')
  try {
    const bytes = Buffer.alloc(maxConfigBytes + 1)
    let length = 0
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, null)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return bytes.subarray(0, length)
  } finally {
    await handle.close()
  }
}

/** Reads a configuration from a file, as `parseConfig` does. A file that can't be read, or is no UTF-8, is a problem too. */
export async function loadConfig(path: string, nowMs: number): Promise<LoadResult> {
  const file = printable(path)
  let bytes: Buffer
  try {
    bytes = await firstBytes(path)
  } catch (error) {
    return unreadable(file, (error as NodeJS.ErrnoException).code)
  }
  if (bytes.length > maxConfigBytes) return wholeFile(file, 'is larger than 1 MiB', 'at most 1048576 bytes')
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return wholeFile(file, utf16 ? 'is written in UTF-16' : 'is not UTF-8', 'text in UTF-8')
  }
  return parseConfig(text, path, nowMs)
}
