/**
 * Where peers and product meet the same far ends: a user and network namespace with an instance of EC2 as far as it can be
 * seen from the host (metadata, resolver, S3's addresses), and nginx with TLS 1.3 and an ECDSA P-256 certificate behind them.
 * Nothing leaves the machine. Where the wire is watched it takes root, for tcpdump.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { createAuthority } from '../../lab/certificates.ts'

export const root = resolve(import.meta.dirname, '../..')
export const zone = 's3.us-east-1.amazonaws.com'
export const nameOf = (number: number) => `t${number}.${zone}`

/** As `nameOf` names answer: one of a /17 of S3's own range. */
export const addressOf = (number: number) => `52.216.${(number >> 7) & 127}.${1 + (number & 127)}`

export interface Bed {
  directory: string
  caFile: string
  snapshot: string
  /** The account loses the route to S3's endpoint. */
  loseRoute(): void
  close(): Promise<void>
}

/** Runs this program's `inside` half in new namespaces and gives the JSON that it prints last. Throws if it fails. */
export async function inBed(group: string, args: readonly string[] = []): Promise<unknown> {
  const command = [process.execPath, join(import.meta.dirname, 'inside.ts'), group, ...args]
  // tcpdump gives up its rights by means that a user namespace of one user does not have
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
  const child = spawn('unshare', [...user, '--net', '--mount', ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PATH: `/usr/sbin:/sbin:${process.env['PATH'] ?? ''}` },
  })
  let last = ''
  createInterface({ input: child.stdout }).on('line', (line) => {
    last = line
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${group}: exit code ${code}`)
  return JSON.parse(last)
}

export function has(program: string): boolean {
  return ['/usr/bin', '/usr/sbin', '/bin', '/sbin', '/usr/local/bin'].some((d) =>
    existsSync(join(d, program)),
  )
}

const network = `set -e
mount -t tmpfs none /run
mkdir -p /run/netns
ip netns add aws
ip link set lo up
ip link add ens5 address 02:1a:00:00:00:50 type veth peer name gw netns aws
ip addr add 10.0.1.50/24 dev ens5
ip link set ens5 up
ip -n aws link set lo up
ip -n aws addr add 10.0.1.1/24 dev gw
ip -n aws link set gw up
ip -n aws addr add 10.0.0.2/32 dev lo
ip -n aws addr add 169.254.169.254/32 dev lo
ip -n aws route add local 52.216.0.0/15 dev lo
ip route add default via 10.0.1.1
mount --bind "$1/resolv.conf" /etc/resolv.conf
mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf
`

/** Inside the namespaces only. `answers`: A records of each name. */
export async function layBed({ answers = 1 }: { answers?: number } = {}): Promise<Bed> {
  const directory = mkdtempSync(join(tmpdir(), 'pathproof-bed-'))
  const file = (name: string, text: string) => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  file('resolv.conf', 'nameserver 10.0.0.2\n')
  file('nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n')
  execFileSync('sh', ['-c', network, 'sh', directory], { stdio: ['ignore', 'inherit', 'inherit'] })
  const authority = createAuthority({ commonName: 'bench root', nowMs: Date.now() })
  const leaf = authority.issue({ names: [`*.${zone}`, zone] })
  const caFile = file('ca.pem', authority.certificate)
  file('leaf.pem', leaf.certificate)
  file('leaf.key', leaf.key)
  const nginx = file(
    'nginx.conf',
    `daemon off; user root root; master_process off; pid ${directory}/nginx.pid; error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path ${directory}/b; proxy_temp_path ${directory}/p;
  fastcgi_temp_path ${directory}/f; uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s;
  server {
    listen 443 ssl backlog=4096; ssl_certificate ${directory}/leaf.pem; ssl_certificate_key ${directory}/leaf.key;
    ssl_protocols TLSv1.3; ssl_session_tickets on;
    location / { default_type text/plain; add_header x-amz-request-id BENCH; return 200 "ok"; }
  }
}
`,
  )
  const children: ChildProcess[] = []
  const inAws = (args: string[], output: 'pipe' | 'inherit' = 'inherit') => {
    const child = spawn('nsenter', ['--net=/run/netns/aws', ...args], { stdio: ['pipe', output, 'inherit'] })
    children.push(child)
    return child
  }
  inAws(['nginx', '-c', nginx, '-p', directory])
  const far = inAws(
    [process.execPath, join(import.meta.dirname, 'far-end.ts'), directory, String(answers)],
    'pipe',
  )
  const [line] = (await once(createInterface({ input: far.stdout! }), 'line')) as [string]
  const { snapshot } = JSON.parse(line) as { snapshot: string }
  return {
    directory,
    caFile,
    snapshot,
    loseRoute: () => void far.kill('SIGUSR2'),
    async close() {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        child.kill('SIGTERM')
        await once(child, 'close')
      }
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

const ticksPerSecond = 100

/** CPU seconds of one process, those of its children that have ended included. Linux: proc(5), fields 14 to 17 of `stat`. */
export function cpuSecondsOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) / ticksPerSecond
}

/** Seconds that the hypervisor gave to others while a processor of this machine had work. Linux: proc(5), eighth field of `cpu`. */
export function stolenSeconds(stat: string): number {
  return Number(/^cpu +(.*)$/m.exec(stat)?.[1]?.split(' ')[7] ?? 0) / ticksPerSecond
}

/** CPU seconds of the living descendants of a process. */
export function cpuSecondsBelow(pid: number): number {
  let sum = 0
  const children = (of: number) =>
    readdirSync(`/proc/${of}/task`).flatMap((task) =>
      readFileSync(`/proc/${of}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    )
  for (const child of children(pid)) {
    try {
      sum += cpuSecondsOf(readFileSync(`/proc/${child}/stat`, 'utf8')) + cpuSecondsBelow(child)
    } catch {
      // it has ended meanwhile, and is counted with its parent
    }
  }
  return sum
}
