/** What the network of real packets needs of a machine. */
import { execFileSync, spawnSync } from 'node:child_process'
import { needs } from '../support/needs.ts'

/** Programs with the Debian packages that bring them. */
const programs = {
  nft: 'nftables',
  bird: 'bird2',
  strace: 'strace',
  python3: 'python3',
  nsenter: 'util-linux',
} as const

export const unshareFlags = [
  '--user',
  '--map-root-user',
  '--net',
  '--mount',
  '--pid',
  '--fork',
  '--mount-proc',
  '--kill-child',
] as const

/** The system's own programs first: what stands in front of them in somebody's PATH need not work in a namespace. */
export const systemPath = (): string => `/usr/sbin:/usr/bin:/sbin:/bin:${process.env['PATH'] ?? ''}`

/** Everything that the stage will need, tried once where it can do no harm. */
const rehearsal = `set -e
mount -t tmpfs none /run
mkdir -p /run/netns
ip netns add a
ip -n a link add v0 type veth peer name v1
ip -n a link add b0 type bridge
ip -n a tuntap add dev t0 mode tun
nsenter --net=/run/netns/a sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
nsenter --net=/run/netns/a nft -f - <<'END'
table ip t {
  chain loss {
    numgen random mod 100 < 5 counter drop
  }
  chain post {
    type nat hook postrouting priority srcnat
    ip saddr 10.0.0.1 snat to 10.0.0.2
  }
}
END
mount --bind /dev/null "$(readlink -f "$(command -v ip)")"`

/** The file that `ip` really is, wherever PATH finds it. */
export function ipProgram(): string {
  const options = { env: { PATH: systemPath() }, encoding: 'utf8' } as const
  return execFileSync('sh', ['-c', 'readlink -f "$(command -v ip)"'], options).trim()
}

/**
 * Null if everything is there, else the reason to skip by; where CI=true an error.
 */
export async function lackOfNetwork(): Promise<string | null> {
  const missing = (await needs('namespaces', 'ip')) ?? programsMissing() ?? notAllowed()
  if (missing !== null && process.env['CI'] === 'true')
    throw new Error(`${missing}; with CI=true this test must run`)
  return missing
}

function programsMissing(): string | null {
  for (const [program, debian] of Object.entries(programs)) {
    const { error } = spawnSync(program, ['--version'], { stdio: 'ignore', env: { PATH: systemPath() } })
    if (error !== undefined) return `no ${program} here (Debian package ${debian})`
  }
  return null
}

function notAllowed(): string | null {
  const env = { PATH: systemPath(), LC_ALL: 'C' }
  const options = { env, encoding: 'utf8', timeout: 20_000 } as const
  const { status, stderr, error } = spawnSync('unshare', [...unshareFlags, 'sh', '-c', rehearsal], options)
  if (status === 0) return null
  const said = String(stderr ?? '')
    .trim()
    .split('\n')
    .at(-1)
  return `no network of namespaces here: ${said || error?.message || `status ${status}`}`
}
