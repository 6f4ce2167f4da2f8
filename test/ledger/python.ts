import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Files } from './tamper.ts'

export const script = resolve(import.meta.dirname, '../../docs/verify-ledger.py')

export async function laidOut(files: Files): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pathproof-verify-'))
  for (const [path, content] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  return folder
}

/** The independent verifier as one process for many ledgers. They lie in one folder, one after the other. */
export function batch(argv: string[]): { said(files: Files): Promise<string>; end(): Promise<void> } {
  const child = spawn('python3', [script, '--batch', ...argv], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  let folder = ''
  let lying = new Map<string, Buffer>()
  /** Writes only what the one before did not have: most of a ledger that was tampered with is as it was. */
  async function lay(files: Files): Promise<void> {
    if (folder === '') folder = await laidOut(new Map())
    for (const path of lying.keys())
      if (!files.has(path)) {
        await rm(join(folder, path))
        // only if it is empty now
        await rmdir(dirname(join(folder, path))).catch(() => undefined)
      }
    const next = new Map<string, Buffer>()
    for (const [path, content] of files) {
      const before = lying.get(path)
      const same = before?.equals(content) === true
      next.set(path, same ? before : Buffer.from(content))
      if (same) continue
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), content)
    }
    lying = next
  }
  return {
    async said(files) {
      await lay(files)
      child.stdin.write(`${folder}\n`)
      const line = await lines.next()
      if (line.done === true) throw new Error('the verifier ended')
      return line.value
    },
    async end() {
      child.stdin.end()
      await ended
      if (folder !== '') await rm(folder, { recursive: true, force: true })
    },
  }
}

/** One call, as an auditor makes it. */
export async function once(argv: string[]): Promise<{ code: number; text: string }> {
  const child = spawn('python3', [script, ...argv], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8')
  })
  const code = await new Promise<number>((resolve) => child.on('close', (status) => resolve(status ?? -1)))
  return { code, text }
}
