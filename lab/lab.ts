/** A running lab: a world, its servers, and what an agent touches of a machine, played on top of them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Endpoint, HostAccess } from '../model/host.ts'
import { awsEnvironment } from './api/environment.ts'
import { firstFaults, withFaults } from './api/faults-schema.ts'
import { type ApiCredentials, hostRole, partitionOf } from './api/principals.ts'
import { type ApiRequest, createApi } from './api/server.ts'
import { createAuthority } from './certificates.ts'
import { startDnsServer, type DnsServer } from './dns.ts'
import { hostAddresses, hostRoute } from './host.ts'
import { createMetadataService, metadataAddress } from './imds.ts'
import { startMapped } from './mapped.ts'
import { apiDoor, playLoopback } from './play-loopback.ts'
import { layNetwork, startListeners } from './namespace-servers.ts'
import { createRecords, handleLoopbackS3, type Records } from './records.ts'
import { firstWorld, type Scenario, type ScenarioStep } from './scenario.ts'
import { createServices } from './services.ts'
import { createSnapshotDirectory } from './snapshot.ts'
import { traceIn } from './trace.ts'
import { nameTruth, type NameTruth } from './truth.ts'
import { metadataOf } from './world/metadata.ts'
import { resolveName } from './world/names.ts'
import { travel } from './world/simulate.ts'
import type { Packet, World } from './world/types.ts'
import { changeWorld } from './world/world.ts'

export interface LabOptions {
  /** `namespace`: this process is inside one (`namespace.ts`); `mapped`: everything on loopback. */
  mode: 'namespace' | 'mapped'
  /** Unix milliseconds. */
  clock: { wallMs(): number }
  /** Take the scenario's steps when their time has come, counted from the start; else only by `apply`. */
  timed: boolean
  /** Called when a step has been taken, world, routes and snapshot included. */
  onStep?: (step: ScenarioStep) => void
  /** Called when the lab itself fails after its start (disk full, `ip` refused). */
  onError?: (error: unknown) => void
}

export interface Lab {
  scenario: Scenario
  /** As the account's API shows it. */
  world(): World
  /** As the packets meet it: the same, with what the scenario puts beneath. */
  truly(): World
  /** Flow logs, CloudWatch, CloudTrail and S3. */
  records: Records
  /** The same machine with the lab in place of the network, the name service and the kernel's routes. */
  hostAccess(real: HostAccess): HostAccess
  /** What `--snapshot` reads. A symbolic link, whole at every moment; rewritten at each change and every 20 s. */
  snapshotDirectory: string
  /** PEM of the authority behind AWS's services here, to be trusted as the public roots are. */
  caFile: string
  /** PEM of the authority of the world's TLS proxies: at most in the host's own store. */
  interceptorFile: string
  /** The host's own store, PEM: the proxies' authority if the scenario says so, else nothing. */
  hostRoots(): string[]
  /** The world's name servers: name, and address and port as the world says them. */
  resolvers: { name: string; address: string; port: number }[]
  /**
   * EC2's and STS's APIs in plain HTTP on loopback, for `AWS_ENDPOINT_URL_EC2` and `AWS_ENDPOINT_URL_STS`. Null in a
   * namespace, where they are at their own names with a certificate by `caFile`, if the world's network leads there.
   */
  apiUrl: string | null
  /** S3 on loopback by path, for `AWS_ENDPOINT_URL_S3`; null in a namespace. */
  s3Url: string | null
  /** The metadata service on loopback, for `AWS_EC2_METADATA_SERVICE_ENDPOINT`; null in a namespace and off EC2. */
  metadataUrl: string | null
  /** Credentials of the host's role, as the metadata service has them. */
  apiCredentials(): ApiCredentials
  /** Every request that has come to the APIs, refused ones too; the last 10,000. */
  apiRequests(): readonly ApiRequest[]
  /** Takes a step of the scenario now. Rejects if there is none of that name. */
  apply(step: string): Promise<void>
  truth(hostname: string): NameTruth
  /** Ends servers, timers and connections, and takes its files away. */
  close(): Promise<void>
}

const rewriteSeconds = 20

/** Starts a scenario. What was started is ended again if a later part fails. */
export async function startLab(scenario: Scenario, options: LabOptions): Promise<Lab> {
  const closers: (() => unknown)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer()
  }
  try {
    return await start(scenario, options, closers, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function start(
  scenario: Scenario,
  options: LabOptions,
  closers: (() => unknown)[],
  close: () => Promise<void>,
): Promise<Lab> {
  let current = firstWorld(scenario)
  let beneath = scenario.beneath
  const world = (): World => current
  let both = { current, beneath, truth: changeWorld(current, beneath) }
  const truly = (): World => {
    if (both.current !== current || both.beneath !== beneath)
      both = { current, beneath, truth: changeWorld(current, beneath) }
    return both.truth
  }
  const nowMs = (): number => options.clock.wallMs()

  const directory = await mkdtemp(join(tmpdir(), 'pathproof-lab-'))
  closers.push(() => rm(directory, { recursive: true, force: true }))
  const authority = createAuthority({ commonName: 'pathproof lab root', nowMs: nowMs() })
  const interceptor = createAuthority({ commonName: 'pathproof lab TLS proxy', nowMs: nowMs() })
  const caFile = join(directory, 'ca.pem')
  const interceptorFile = join(directory, 'proxy-ca.pem')
  await writeFile(caFile, authority.certificate)
  await writeFile(interceptorFile, interceptor.certificate)
  const snapshot = createSnapshotDirectory(directory, { manifest: scenario.dump.manifest })
  const dumpedMs = (): number => nowMs() - scenario.dump.age * 1000
  await snapshot.write(current, dumpedMs())

  const records = createRecords({ world: truly, first: scenario.records, nowMs })
  const api = createApi({
    world,
    faults: firstFaults(scenario.api),
    nowMs,
    json: records.services,
    served: records.served,
    arrival: records.arrival,
  })
  closers.push(api.close)
  const s3 = records.s3(api.principals)
  closers.push(s3.close)
  const services = createServices({
    world: truly,
    travel,
    recorder: records.recorder,
    authority,
    interceptor,
    nowMs,
    buckets: scenario.buckets,
    api: (request, response, { service, region }, arrival) => {
      if (service === 's3') return s3.handle(request, response, region, arrival())
      const door = apiDoor(request, service)
      if (door === null) return false
      api.handle(request, response, door, arrival())
      return true
    },
  })
  closers.push(services.close)
  const metadata = createMetadataService({
    metadata: () => metadataOf(current),
    role: () => ({
      name: hostRole,
      arn: `arn:${partitionOf(current.region)}:iam::${current.account}:instance-profile/${hostRole}`,
      credentials: api.credentials(),
    }),
    mode: scenario.metadata,
    delaySeconds: scenario.metadataDelay,
    nowMs,
  })
  closers.push(metadata.close)
  const receive = (socket: Socket, packet: Packet): void => {
    if (packet.destination === metadataAddress) metadata.receive(socket)
    else services.receive(socket, packet)
  }

  const played = resolversOf(current)
  const network = options.mode === 'namespace' ? await layNetwork(truly(), [...played.keys()]) : null
  const servers = new Map<string, DnsServer>()
  for (const [address, resolver] of played) {
    const server = await startDnsServer({
      ...(network === null ? { address: '127.0.0.1', port: 0 } : { address, port: 53 }),
      answer: (hostname) => resolveName(truly(), hostname, resolver),
      rotate: scenario.rotate,
    })
    closers.push(server.close)
    servers.set(address, server)
  }
  const urls =
    network === null
      ? await playLoopback(current, api, handleLoopbackS3(s3, records, current.region), metadata, closers)
      : { apiUrl: null, s3Url: null, metadataUrl: null }
  const playHost =
    network === null
      ? await playMapped(truly, receive, records, servers, urls.metadataUrl, closers)
      : await playNamespace(truly, receive, closers)

  const rewrite = async (): Promise<void> => {
    try {
      await snapshot.write(current, dumpedMs())
    } catch (error) {
      options.onError?.(error)
    }
  }
  const timer = setInterval(() => void rewrite(), rewriteSeconds * 1000)
  const alarms = new Set<NodeJS.Timeout>()
  let changing: Promise<void> = Promise.resolve()
  closers.push(async () => {
    clearInterval(timer)
    for (const alarm of alarms) clearTimeout(alarm)
    // a writing under way would make the directory anew after it was taken away
    await changing.catch(() => undefined)
    await snapshot.idle()
  })

  const take = async (step: ScenarioStep): Promise<void> => {
    current = changeWorld(current, step.change)
    if (step.beneath !== undefined) beneath = step.beneath
    if (step.records !== undefined) records.change(step.records)
    records.recorder.changed()
    if (step.api !== undefined) api.setFaults(withFaults(api.faults(), step.api))
    if (step.metadata !== undefined) metadata.setMode(step.metadata)
    await network?.update(truly())
    await snapshot.write(current, dumpedMs())
    options.onStep?.(step)
  }
  const apply = (name: string): Promise<void> => {
    const step = scenario.steps.find((each) => each.name === name)
    if (step === undefined)
      return Promise.reject(new RangeError(`scenario ${scenario.name} has no step "${name}"`))
    changing = changing.catch(() => undefined).then(() => take(step))
    return changing
  }
  if (options.timed) {
    for (const step of scenario.steps) {
      const alarm = setTimeout(() => {
        alarms.delete(alarm)
        apply(step.name).catch((error: unknown) => options.onError?.(error))
      }, step.afterSeconds * 1000)
      alarms.add(alarm)
    }
  }

  return {
    scenario,
    world,
    truly,
    records,
    hostAccess: (real) => ({
      ...real,
      ...playHost(real),
      ...playKernel(
        world,
        real,
        awsEnvironment(current, {
          credentials: api.credentials(),
          apiUrl: urls.apiUrl,
          s3Url: urls.s3Url,
          caFile,
          given: current.host.kind === 'on-prem' || scenario.credentials === 'environment',
        }),
      ),
    }),
    snapshotDirectory: snapshot.path,
    caFile,
    interceptorFile,
    hostRoots: () => (scenario.proxyTrusted ? [interceptor.certificate] : []),
    resolvers: current.resolvers.flatMap(({ name, address }) =>
      address === null ? [] : [{ name, address, port: 53 }],
    ),
    ...urls,
    apiCredentials: api.credentials,
    apiRequests: api.requests,
    apply,
    truth: (hostname) => nameTruth(truly(), hostname),
    close,
  }
}

/** Address → name of the world's resolver there; of several names for one address the first. */
function resolversOf(world: World): Map<string, string> {
  const played = new Map<string, string>()
  for (const { name, address } of world.resolvers) {
    if (address !== null && !played.has(address)) played.set(address, name)
  }
  return played
}

/** The name servers of the world's host, as its resolv.conf has them. */
export function systemServersOf(world: World): Endpoint[] {
  return world.resolvers.flatMap(({ name, address }) =>
    name === 'system' && address !== null ? [{ address, port: 53 }] : [],
  )
}

type PlayedNetwork = Pick<HostAccess, 'dial' | 'lookup' | 'serverAddress'>

/** Device, MAC and routes are the world's in both modes: neither has the host's hardware. */
function playKernel(
  world: () => World,
  real: HostAccess,
  aws: Readonly<Record<string, string>>,
): Pick<HostAccess, 'systemServers' | 'hostRoute' | 'addresses' | 'trace' | 'environment'> {
  // nobody's real credentials, profiles and endpoints, nor this machine's proxies, have a place in the world
  const foreign = /^(https?|all|no)_proxy$|^aws_|^node_extra_ca_certs$/iu
  const kept = Object.entries(real.environment).filter(([name]) => !foreign.test(name))
  return {
    systemServers: () => systemServersOf(world()),
    hostRoute: (destination, source) => Promise.resolve(hostRoute(world(), destination, source)),
    addresses: () => hostAddresses(world()),
    trace: (to) => Promise.resolve(traceIn(world(), to)),
    environment: Object.fromEntries([
      ...kept,
      ...Object.entries(aws),
      ...world().host.proxyVariables.map((name) => [name, 'http://proxy.corp.example:3128'] as const),
    ]),
  }
}

async function playMapped(
  world: () => World,
  receive: (socket: Socket, packet: Packet) => void,
  records: Records,
  servers: ReadonlyMap<string, DnsServer>,
  metadataUrl: string | null,
  closers: (() => unknown)[],
): Promise<(real: HostAccess) => PlayedNetwork> {
  const mapped = await startMapped({
    world,
    travel,
    receive,
    lost: records.recorder.lost,
    metadataPort: metadataUrl === null ? null : Number(new URL(metadataUrl).port),
    nameServers: [...servers].map(([address, { port }]) => ({ address, port })),
    systemServer: systemServersOf(world())[0]?.address ?? null,
  })
  closers.push(mapped.close)
  const { dial, lookup, serverAddress } = mapped
  return () => ({ dial, lookup, serverAddress })
}

async function playNamespace(
  world: () => World,
  receive: (socket: Socket, packet: Packet) => void,
  closers: (() => unknown)[],
): Promise<(real: HostAccess) => PlayedNetwork> {
  await startListeners(world(), receive, closers)
  // sockets and the name service are the real ones: the namespace is around all of this process
  return ({ dial, lookup, serverAddress }) => ({ dial, lookup, serverAddress })
}
