import { spawnSync } from 'node:child_process'
import { namespacesAvailable } from '../../lab/namespace.ts'

/** What some tests need of the machine; each with what brings it. */
const packages = {
  promtool: 'prometheus',
  prometheus: 'prometheus',
  'prometheus-alertmanager': 'prometheus-alertmanager',
  amtool: 'prometheus-alertmanager',
  openssl: 'openssl',
  curl: 'curl',
  ip: 'iproute2',
  python3: 'python3',
  'systemd-notify': 'systemd',
  'systemd-analyze': 'systemd',
  'dpkg-deb': 'dpkg',
  rpmbuild: 'rpm',
  lintian: 'lintian',
  man: 'man-db',
  shellcheck: 'shellcheck',
  chromium: 'chromium',
} as const

export type Need = keyof typeof packages | 'namespaces'

async function lack(need: Need): Promise<string | null> {
  if (need === 'namespaces') {
    const available = await namespacesAvailable()
    return available.ok ? null : `no namespaces here: ${available.because}`
  }
  const { error } = spawnSync(need, ['--version'], { stdio: 'ignore' })
  return error === undefined ? null : `no ${need} here (Debian package ${packages[need]})`
}

/**
 * Null if everything is there, else the reason to skip by. Where CI=true nothing is skipped: what is missing is an
 * error, for a test that never runs proves nothing.
 */
export async function needs(...all: Need[]): Promise<string | null> {
  for (const need of all) {
    const reason = await lack(need)
    if (reason === null) continue
    if (process.env['CI'] === 'true') throw new Error(`${reason}; with CI=true this test must run`)
    return reason
  }
  return null
}

/** The title of a group of tests, with the reason where it is skipped. */
export function titled(title: string, reason: string | null): string {
  return reason === null ? title : `${title} (skipped: ${reason})`
}
