import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Pem {
  cert: string
  key: string
}

/** A directory with certificates by openssl. */
export interface WebFiles {
  directory: string
  path(name: string): string
  write(name: string, content: string): string
  /** `ca` null: it signs itself. `san` as openssl has it, such as `DNS:localhost`. */
  certificate(name: string, ca: Pem | null, san: string, days?: number): Pem
  remove(): void
}

export function webFiles(): WebFiles {
  const directory = mkdtempSync(join(tmpdir(), 'pathproof-web-'))
  const path = (name: string) => join(directory, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe', cwd: directory })
  return {
    directory,
    path,
    write(name, content) {
      writeFileSync(path(name), content)
      return path(name)
    },
    certificate(name, ca, san, days = 2) {
      const made = { cert: path(`${name}.pem`), key: path(`${name}.key`) }
      const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${san}`]
      const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', made.key]
      const signer = ca === null ? [] : ['-CA', ca.cert, '-CAkey', ca.key]
      openssl('req', '-x509', ...key, '-out', made.cert, '-days', String(days), ...subject, ...signer)
      return made
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}
