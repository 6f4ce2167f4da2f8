import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
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

/** The independent verifier as one process for many ledgers. */
export function batch(argv: string[]): { said(files: Files): Promise<string>; end(): Promise<void> } {
  const child = spawn('python3', [script, '--batch', ...argv], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  return {
    async said(files) {
      const folder = await laidOut(files)
      try {
        child.stdin.write(`${folder}\n`)
        const line = await lines.next()
        if (line.done === true) throw new Error('the verifier ended')
        return line.value
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
    async end() {
      child.stdin.end()
      await ended
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
