/** Starts the stage in namespaces of its own and drives it from outside. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TargetVerdict } from '../../model/verdict.ts'
import { createFeed, type Feed } from '../support/feed.ts'
import { systemPath, unshareFlags } from './needs.ts'
import { type NamespaceName, networkScript } from './network.ts'
import { type SeenPacket, type StageCommand, type StageEvent, listening } from './plan.ts'
import { endpointRanges, firstWorld, hostMac, publicRanges } from './world.ts'

export interface Stage {
  directory: string
  caFile: string
  snapshotDirectory: string
  packets: SeenPacket[]
  /** Does one thing inside; rejects with what went wrong there. */
  tell(command: StageCommand): Promise<unknown>
  startAgent(agent: AgentOptions): Promise<Agent>
  /** Ends all of it and takes the files away. Rejects if anything had ended by itself before. */
  close(): Promise<void>
}

export interface AgentOptions {
  name: string
  ns: NamespaceName
  nameServer: string
  /** The configuration's document. */
  config: object
  /** Put before the command line. */
  arguments?: string[]
  environment?: Record<string, string>
}

/** What an agent said at one moment. */
export interface Sample {
  ms: number
  /** Series of `/metrics` by their whole name. */
  metrics: ReadonlyMap<string, number>
}

export interface Agent {
  name: string
  samples: Feed<Sample>
  /** Text of one of its pages. */
  get(path: string): Promise<string>
  verdicts(): Promise<VerdictsDocument>
  log(): string
}

/** As `/api/v1/verdicts` gives it. */
export interface VerdictsDocument {
  targets: (Pick<TargetVerdict, 'target'> & {
    names: { hostname: string; state: string; because: string[]; attempts: AttemptDocument[] }[]
  })[]
}

export interface AttemptDocument {
  address: string
  state: string
  proof: string | null
  assumptions: string[]
  because?: string
}

const here = import.meta.dirname
const sampleMs = 400

/** A listening socket of this side: the agents' pages are served on it from inside. */
function listen(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(server))
  })
}

const fdOf = (server: Server): number => (server as unknown as { _handle: { fd: number } })._handle.fd

/**
 * `ip` as the agent finds it: the kernel's own answers, but that the hosts' veth devices are shown as hardware is. It is the
 * only thing that is played, for a namespace has no hardware.
 */
const ipWrapper = (real: string) => `#!/bin/sh
case "$*" in
  *"link show"*) exec_real() { '${real}' "$@" | sed -e 's/"linkinfo":{"info_kind":"veth"[^}]*},\\{0,1\\}//' -e 's/"link_type":"ether"/"link_type":"ether","parentbus":"virtio"/'; }; exec_real "$@" ;;
  *) exec '${real}' "$@" ;;
esac
`

function filesFor(directory: string, name: string, nameServer: string): string {
  const files = join(directory, `files-${name}`)
  mkdirSync(join(files, 'empty'), { recursive: true })
  writeFileSync(join(files, 'resolv.conf'), `nameserver ${nameServer}\noptions timeout:1 attempts:2\n`)
  writeFileSync(join(files, 'nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n')
  writeFileSync(join(files, 'hosts'), '127.0.0.1 localhost\n')
  writeFileSync(join(files, 'ip'), ipWrapper(join(directory, 'ip')), { mode: 0o755 })
  return files
}

function parseMetrics(text: string): Map<string, number> {
  const series = new Map<string, number>()
  for (const line of text.split('\n')) {
    const at = line.lastIndexOf(' ')
    if (!line.startsWith('#') && at > 0) series.set(line.slice(0, at), Number(line.slice(at + 1)))
  }
  return series
}

/** `agents`: how many may be started. Resolves when everything answers; BGP may still be coming up. */
export async function startStage(agents: number, ipProgram: string): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'pathproof-netns-'))
  const pages = await Promise.all(Array.from({ length: agents }, listen))
  const ports = pages.map((server) => (server.address() as AddressInfo).port)
  cpSync(ipProgram, join(directory, 'ip'))
  const ranges = { publicRanges: publicRanges(firstWorld()), endpointRanges, mac: hostMac }
  writeFileSync(join(directory, 'network.sh'), networkScript(ranges))
  writeFileSync(join(directory, 'sockets.json'), JSON.stringify(listening))
  const script =
    '. "$1/network.sh"; exec python3 -B "$2/sockets.py" "$1/sockets.json" "$3" "$2/stage.ts" "$1"'
  const args = [...unshareFlags, 'sh', '-c', script, 'sh', directory, join(here, 'inside'), process.execPath]
  const env = { PATH: systemPath(), LC_ALL: 'C' }
  const child = spawn('unshare', args, {
    stdio: ['pipe', 'pipe', 'pipe', ...pages.map(fdOf)],
    env,
  }) as ChildProcessWithoutNullStreams
  for (const page of pages) page.close()
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.on('error', () => undefined)
  const events = createFeed<StageEvent>(() => stderr)
  const packets: SeenPacket[] = []
  const troubles: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line) as StageEvent
    if (event.event === 'packet') packets.push(event.packet)
    else events.push(event)
    if (event.event === 'ended') troubles.push(`${event.name} ended with ${event.how}`)
  })
  const over = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      events.end(error.message)
      resolve()
    })
    child.once('close', (code, signal) => {
      events.end(`the stage ended with ${code ?? signal}`)
      resolve()
    })
  })
  const samplers = new Set<() => void>()
  const close = async (): Promise<void> => {
    for (const stop of samplers) stop()
    const before = [...troubles]
    child.stdin.end()
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await over
    clearTimeout(late)
    rmSync(directory, { recursive: true, force: true })
    if (before.length > 0) throw new Error(`${before.join('; ')}\n${stderr}`)
  }
  const ready = await events
    .until('the stage', (all) => all.find((each) => each.event === 'ready'), 40)
    .catch(async (error: Error) => {
      await close().catch(() => undefined)
      throw error
    })
  let commands = 0
  const tell = async (command: StageCommand): Promise<unknown> => {
    const id = ++commands
    child.stdin.write(`${JSON.stringify({ ...command, id })}\n`)
    const answer = await events.until(`the end of ${command.do}`, (all) =>
      all.find((each) => (each.event === 'done' || each.event === 'failed') && each.id === id),
    )
    if (answer.event === 'failed') throw new Error(answer.error)
    return answer.event === 'done' ? answer.result : null
  }
  let started = 0
  const startAgent = async (options: AgentOptions): Promise<Agent> => {
    const { name, ns, nameServer, config, arguments: before = [], environment = {} } = options
    const number = started++
    const port = ports[number]
    if (port === undefined) throw new RangeError('more agents than were asked for')
    const files = filesFor(directory, name, nameServer)
    const file = join(directory, `${name}.yml`)
    writeFileSync(file, JSON.stringify(config, null, 1))
    await tell({
      do: 'agent',
      name,
      ns,
      files,
      config: file,
      descriptor: 3 + number,
      arguments: before,
      environment,
    })
    const log = () => readFileSync(join(directory, `${name}.log`), 'utf8')
    const samples = createFeed<Sample>(() => log().split('\n').slice(-25).join('\n'))
    const get = async (path: string): Promise<string> => {
      const signal = AbortSignal.timeout(10_000)
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        headers: { connection: 'close' },
        signal,
      })
      return answer.text()
    }
    let stopped = false
    let timer: NodeJS.Timeout | undefined
    const sample = async (): Promise<void> => {
      const ms = Date.now()
      try {
        samples.push({ ms, metrics: parseMetrics(await get('/metrics')) })
      } catch {
        // not there yet, or gone: what it does not say it does not claim
      }
      if (!stopped) timer = setTimeout(() => void sample(), sampleMs)
    }
    samplers.add(() => {
      stopped = true
      clearTimeout(timer)
    })
    void sample()
    return {
      name,
      samples,
      get,
      verdicts: async () => JSON.parse(await get('/api/v1/verdicts')) as VerdictsDocument,
      log,
    }
  }
  const { caFile, snapshotDirectory } = ready
  return { directory, caFile, snapshotDirectory, packets, tell, startAgent, close }
}
