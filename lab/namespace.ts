/**
 * The lab inside a user, network and mount namespace of Linux, without root: real-looking addresses on real
 * ports, a resolv.conf of its own, and packets that get lost where the world loses them. `runInNamespace` is the
 * launcher's side, `insideNamespace` the inner process's; its network is laid by `namespace-network.ts`.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, readlink, rm, writeFile } from 'node:fs/promises'
import { createServer, Socket, type Server } from 'node:net'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'

const unshareArguments = ['--user', '--map-root-user', '--net', '--mount']

/** All that the inner process will need, tried once where it can do no harm. */
const rehearsal = `set -e
mount --bind /dev/null /etc/resolv.conf
ip link set lo up
ip link add pp0 type veth peer name pp1
ip -4 rule add pref 900 lookup local
ip -4 rule del pref 0
ip -4 route add local 192.0.2.0/24 dev lo table local`

/** Whether this machine lets us have the namespaces; `because` is for a person. Takes some 50 ms; changes nothing. */
export async function namespacesAvailable(): Promise<{ ok: true } | { ok: false; because: string }> {
  if (process.platform !== 'linux') return { ok: false, because: 'only Linux has network namespaces' }
  return new Promise((resolve) => {
    execFile(
      'unshare',
      [...unshareArguments, 'sh', '-c', rehearsal],
      { timeout: 10_000 },
      (error, _stdout, stderr) => {
        if (error === null) return resolve({ ok: true })
        const said = stderr.trim().split('\n').at(-1) ?? ''
        return resolve({ ok: false, because: said === '' ? error.message : said })
      },
    )
  })
}

export interface NamespaceRun {
  /** Program and arguments to run inside. */
  command: readonly [string, ...string[]]
  environment: Readonly<Record<string, string | undefined>>
  /** The one port that the world outside reaches: opened here, handed to the inner process as descriptor 3. Port 0: any. */
  listen: { host: string; port: number } | null
  /** Addresses for the inner resolv.conf. */
  nameServers: readonly string[]
  /** Where signals come from: `process`. */
  signals: Pick<NodeJS.EventEmitter, 'on' | 'off'>
  /** Ends the inner process as SIGTERM does. */
  signal?: AbortSignal
}

const listenVariable = 'PATHPROOF_LAB_LISTEN'
const outerVariable = 'PATHPROOF_LAB_OUTER'
const listenDescriptor = 3
const lifelineDescriptor = 4

/**
 * Runs a command inside new namespaces and gives its exit code (128 + the signal's number if a signal ended it).
 * SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGWINCH are passed on. The inner process is in a session of its
 * own, so Ctrl-C comes to it exactly once, from here; should this process be killed, the lifeline (descriptor 4)
 * ends it. Rejects if the port is taken (`EADDRINUSE`) or `unshare` is missing.
 */
export async function runInNamespace(run: NamespaceRun): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'pathproof-namespace-'))
  try {
    await writeFile(
      join(directory, 'resolv.conf'),
      run.nameServers.map((each) => `nameserver ${each}\n`).join(''),
    )
    await writeFile(join(directory, 'nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n')
    await writeFile(join(directory, 'hosts'), '127.0.0.1 localhost\n::1 localhost\n')
    await mkdir(join(directory, 'empty'))
    const listener = run.listen === null ? null : await listen(run.listen)
    const outer = await networkNamespace()
    const environment: Record<string, string | undefined> = { ...run.environment, [outerVariable]: outer }
    if (listener !== null) environment[listenVariable] = addressOf(listener)
    const child = spawn(
      'unshare',
      [...unshareArguments, 'sh', '-c', entrance, 'sh', directory, ...run.command],
      {
        stdio: [
          'inherit',
          'inherit',
          'inherit',
          listener === null ? 'ignore' : descriptorOf(listener),
          'pipe',
        ],
        env: environment,
        detached: true,
      },
    )
    // in the same turn, so that this process never accepts a connection; the inner one has the socket now
    listener?.close()
    return await ended(child, run)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/**
 * Puts the lab's name service files in place of the host's, for this mount namespace only, and becomes the command. The
 * mounts keep the files alive; their directory goes at once, so that not even a killed launcher leaves it.
 */
const entrance = `set -e
files="$1"; shift
for name in resolv.conf nsswitch.conf hosts; do
  if [ -e "/etc/$name" ]; then mount --bind "$files/$name" "/etc/$name"; fi
done
for cache in /run/nscd /var/run/nscd; do
  if [ -d "$cache" ]; then mount --bind "$files/empty" "$cache"; fi
done
rm -rf "$files"
exec "$@"`

const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGWINCH'] as const

function ended(child: ChildProcess, run: NamespaceRun): Promise<number> {
  return new Promise((resolve, reject) => {
    const passOn = (signal: NodeJS.Signals): void => void child.kill(signal)
    const abort = (): void => void child.kill('SIGTERM')
    for (const signal of passedOn) run.signals.on(signal, passOn)
    run.signal?.addEventListener('abort', abort)
    if (run.signal?.aborted === true) abort()
    const over = (): void => {
      for (const signal of passedOn) run.signals.off(signal, passOn)
      run.signal?.removeEventListener('abort', abort)
    }
    child.stdio[lifelineDescriptor]?.on('error', () => undefined)
    child.once('error', (error) => {
      over()
      reject(error)
    })
    child.once('exit', (code, signal) => {
      over()
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
}

function listen(at: { host: string; port: number }): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ ...at, exclusive: true }, () => resolve(server))
  })
}

function descriptorOf(server: Server): number {
  const { _handle: handle } = server as unknown as { _handle: { fd: number } }
  return handle.fd
}

function addressOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('not a TCP listener')
  return JSON.stringify({ host: address.address, port: address.port })
}

function networkNamespace(): Promise<string> {
  return readlink('/proc/self/ns/net')
}

/** What the launcher has left for the process that it runs inside. */
export interface Inside {
  /** Where the listener of descriptor 3 listens, outside; null: none was asked for. */
  listen: { host: string; port: number; descriptor: number } | null
  /** Aborts when the launcher has gone without a word. */
  launcherGone: AbortSignal
}

/**
 * Tells the inner process that it is inside; null anywhere else. The environment alone is not believed: the network
 * namespace must differ from the launcher's.
 */
export async function insideNamespace(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Inside | null> {
  const outer = environment[outerVariable]
  if (process.platform !== 'linux' || outer === undefined || outer === (await networkNamespace())) return null
  const listenText = environment[listenVariable]
  const gone = new AbortController()
  const lifeline = new Socket({ fd: lifelineDescriptor, readable: true, writable: false })
  const cut = (): void => gone.abort(new Error('the launcher has gone'))
  lifeline.on('error', cut).on('close', cut).resume()
  lifeline.unref()
  return {
    listen:
      listenText === undefined
        ? null
        : { ...(JSON.parse(listenText) as { host: string; port: number }), descriptor: listenDescriptor },
    launcherGone: gone.signal,
  }
}
