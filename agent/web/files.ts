import { readFileSync, statSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import { maxConfigBytes } from '../config/defaults.ts'
import { type Problem, problemText } from '../config/problems.ts'
import { type WebConfig, type WebTls, parseWebConfig } from './config.ts'
import { type WebTlsFiles, contextOptions } from './tls.ts'

/** A web configuration with what its files held at one moment. */
export interface WebMaterial {
  config: WebConfig
  /** Null: plain HTTP. */
  tls: { config: WebTls; files: WebTlsFiles } | null
}

export type WebLoad = (
  | { ok: true; material: WebMaterial }
  /** Lines as `config check` prints them. */
  | { ok: false; problems: Problem[] }
) & {
  /** The files that were looked at, and `signatureOf` them right before. */
  looked: readonly string[]
  signature: string
}

const largestPem = 1024 * 1024

/** Which file, which version of it; `-` where there is none. */
function versionOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join('.')
  } catch {
    return '-'
  }
}

/** Signature of files as they are now; a system call for each, no content is read. */
export function signatureOf(files: readonly string[]): string {
  return files.map(versionOf).join(' ')
}

function bytesOf(path: string, most: number): Buffer {
  const stats = statSync(path)
  // a FIFO or device would hold the whole agent
  if (!stats.isFile()) throw new Error('is no regular file')
  if (stats.size > most) throw new Error(`is larger than ${most} bytes`)
  return readFileSync(path)
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  // OpenSSL's codes and Node's say what; their messages may hold anything
  if (code !== undefined) return reasons[code] ?? `can't be used (${safeText(code, 60)})`
  return safeText(redact(message), 200)
}

function problemOf(file: string, problem: string, expected = ''): Problem {
  return { file: safeText(redact(file), 300), line: 0, col: 0, path: '', problem, expected, suggestion: null }
}

/**
 * Reads a web configuration and every file that it names, and tries whether certificate and key fit. It is read at once and
 * blocks: a few small files, at start and when one of them has changed. Never throws.
 */
export function loadWebConfig(file: string): WebLoad {
  // Versions come first: what changes while it is read is seen as changed the next time.
  let looked = [file]
  let signature = signatureOf(looked)
  const refused = (...problems: Problem[]): WebLoad => ({ ok: false, problems, looked, signature })
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(file, maxConfigBytes))
  } catch (error) {
    return refused(problemOf(file, reasonOf(error), 'a web configuration of at most 1 MiB in UTF-8'))
  }
  const parsed = parseWebConfig(text, file)
  if (!parsed.ok) return refused(...parsed.problems)
  const { config } = parsed
  const { tls } = config
  if (tls === null) return { ok: true, material: { config, tls: null }, looked, signature }
  const further = [tls.certFile, tls.keyFile, ...(tls.clientCaFile === null ? [] : [tls.clientCaFile])]
  looked = [file, ...further]
  signature = `${signature} ${signatureOf(further)}`
  const problems: Problem[] = []
  const read = (path: string): Buffer => {
    try {
      return bytesOf(path, largestPem)
    } catch (error) {
      problems.push(problemOf(path, reasonOf(error), 'a file in PEM form'))
      return Buffer.alloc(0)
    }
  }
  const files: WebTlsFiles = {
    cert: read(tls.certFile),
    key: read(tls.keyFile),
    clientCa: tls.clientCaFile === null ? null : read(tls.clientCaFile),
  }
  if (problems.length > 0) return refused(...problems)
  if (files.clientCa !== null && !files.clientCa.includes('-----BEGIN CERTIFICATE-----')) {
    return refused(problemOf(tls.clientCaFile ?? '', 'holds no certificate', 'certificates in PEM form'))
  }
  try {
    createSecureContext(contextOptions(tls, files))
  } catch (error) {
    const problem = `cert_file and key_file ${reasonOf(error)}`
    return refused(problemOf(file, problem, 'a certificate and its own key, in PEM form'))
  }
  return { ok: true, material: { config, tls: { config: tls, files } }, looked, signature }
}

/** The problems as lines for a person. */
export function webProblemText(problems: readonly Problem[]): string {
  return problems.map(problemText).join('\n')
}
