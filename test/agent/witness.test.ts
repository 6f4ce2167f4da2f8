import { afterEach, describe, expect, it } from 'vitest'
import { attestInChild } from '../../agent/evidence/attest-child.ts'
import type { AttestAnswer, AttestRequest } from '../../agent/evidence/attest-request.ts'
import type { KnownName } from '../../agent/evidence/canary.ts'
import { targetsOf } from '../../agent/config/targets.ts'
import { tlsFor } from '../../agent/watch/dial-address.ts'
import { createShared } from '../../agent/watch/shared.ts'
import { noEndpoints, readerDeps } from '../../agent/account/snapshot-source.ts'
import { createTaintBook } from '../../agent/evidence/taint.ts'
import { type TrailWord, type WitnessResult, createWitness } from '../../agent/evidence/witness.ts'
import { contentHash } from '../../aws/snapshot-content.ts'
import { readSnapshotDirectory } from '../../aws/snapshot-files.ts'
import { findVantage } from '../../agent/account/vantage.ts'
import { type Lab, startLab } from '../../lab/lab.ts'
import { usualTrail } from '../../lab/flow/types.ts'
import { systemHost } from '../../probes/host.ts'
import { config as parsed, scenario } from '../support/lab-daemon.ts'
import { readerWithin } from '../support/reader-within.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

const minuteMs = 60_000

/** A witness over the lab, with a monotonic clock that is moved by hand. */
async function play(targets: object[], { scenario: name = 'gateway-endpoint', mostPending = 256 } = {}) {
  const real = systemHost(process.env)
  const lab: Lab = await startLab(await scenario(name), { mode: 'mapped', clock: real.clock, timed: false })
  closers.push(() => lab.close())
  lab.records.change({ trail: { ...usualTrail, latenessSeconds: 0, requestsPerSecond: 100 } })
  const host = lab.hostAccess(real)
  const config = parsed({
    version: 1,
    topology: { source: 'directory', directory: lab.snapshotDirectory },
    partition_roots: [{ partition: 'aws', file: lab.caFile }],
    targets,
  })
  const signal = new AbortController().signal
  const vantage = await findVantage({
    host,
    readText: () => Promise.resolve(null),
    configured: 'auto',
    signal,
  })
  const snapshot = await readSnapshotDirectory(lab.snapshotDirectory, {
    nowMs: Date.now(),
    undated: 'refuse',
  })
  let sequence = 0
  const shared = createShared({
    config,
    configuration: () => null,
    host,
    vantage: () => vantage,
    version: '0',
    nextId: () => `w${++sequence}`,
    reading: () => ({ snapshot, content: contentHash(snapshot) }),
    observed: () => undefined,
    taint: createTaintBook(),
    hostRoots: () => [],
  })
  const known: KnownName[] = []
  for (const target of targetsOf(config).targets) {
    for (const name of target.names) {
      const found = await host.lookup(name.hostname).catch(() => [{ address: '52.216.1.1' }])
      known.push({ target, name, addresses: found.map(({ address }) => address) })
    }
  }
  const state = { offsetMs: 0, attest: null as ((request: AttestRequest) => Promise<AttestAnswer>) | null }
  const made: WitnessResult[] = []
  const words: TrailWord[] = []
  const problems: string[] = []
  const asked: AttestRequest[] = []
  const program = readerWithin()
  const witness = createWitness({
    everySeconds: 900,
    clock: {
      wallMs: host.clock.wallMs,
      monotonicMs: () => host.clock.monotonicMs() + state.offsetMs,
    },
    region: () => 'us-east-1',
    names: () => known,
    tls: ({ target, name }, address) =>
      tlsFor(target, name, { address, resolvers: [], dnsSeconds: null }, shared, signal),
    topology: () => ({ ...shared.surroundings(), readings: [snapshot] }),
    attest: (request) => {
      asked.push(request)
      const deps = readerDeps({ host, program, signal, onLine: () => undefined }, vantage, noEndpoints)
      return state.attest?.(request) ?? attestInChild(request, deps)
    },
    attempted: (result) => made.push(result),
    told: (word) => words.push(word),
    problem: (text) => problems.push(text),
    mostPending,
    sleep: () => Promise.resolve(),
    random: () => 0,
    signal,
  })
  const later = async (minutes: number) => {
    state.offsetMs += minutes * minuteMs
    await witness.look()
  }
  return { lab, witness, later, made, words, problems, asked, state }
}

const bucket = {
  name: 's3',
  service: 's3',
  region: 'us-east-1',
  bucket: 'artifacts-lab',
  styles: ['regional'],
}
const sts = { name: 'sts', hostname: 'sts.us-east-1.amazonaws.com' }

describe('witness', () => {
  it('looks up the record of a call that came in by the gateway endpoint', async () => {
    const { lab, witness, later, made, words, problems } = await play([bucket, sts])
    const owner = lab.world().account
    const own = { name: 'artifacts-lab', region: 'us-east-1', owner, policy: null, objects: [] }
    lab.records.change({ s3: { ...lab.records.options().s3, buckets: [own] } })
    await witness.round()
    expect(problems).toEqual([])
    expect(made.map(({ witness: { eventName, status }, pending }) => [eventName, status, pending])).toEqual([
      ['GetBucketLocation', 200, true],
      ['GetCallerIdentity', 200, true],
    ])
    for (const { attempt, witness: seen } of made) {
      expect(attempt.http?.requestId).toBe(seen.requestId)
      expect(seen.attemptId).toBe(attempt.stamp.id)
    }
    await later(4)
    expect(words).toEqual([])
    await later(2)
    const [s3, token] = words.toSorted((a, b) => (a.attemptId < b.attemptId ? -1 : 1))
    expect(s3).toMatchObject({
      attemptId: made[0]?.attempt.stamp.id,
      result: 'named',
      trails: [
        { vpcEndpointId: 'vpce-0a000053', sourceIpAddress: '10.0.1.50', eventName: 'GetBucketLocation' },
      ],
    })
    expect(token).toMatchObject({ result: 'not_named', evidence: [{ rule: 'cloudtrail.not_named' }] })
    expect(s3?.evidence).toMatchObject([
      { rule: 'cloudtrail.own_address_gateway', possible: ['gateway_endpoint'], rank: 'attested' },
    ])
    expect(witness.pending()).toBe(0)
  })

  it('waits for late records, then gives up', async () => {
    const { lab, witness, later, words } = await play([sts])
    lab.records.change({ trail: { lost: 1 } })
    await witness.round()
    await later(6)
    await later(6)
    await later(6)
    expect(words).toEqual([])
    expect(witness.pending()).toBe(1)
    await later(6)
    expect(words).toMatchObject([{ result: 'no_record', evidence: [], trails: [] }])
    expect(witness.pending()).toBe(0)
  })

  it('a look-up that fails is said once, and tried again', async () => {
    const { witness, later, words, problems, state } = await play([sts])
    await witness.round()
    const failure = {
      reason: 'denied' as const,
      code: 'AccessDenied',
      detail: 'AWS refused',
      nextStep: 'allow it',
    }
    state.attest = () =>
      Promise.resolve({ schema: 'pathproof.attest/1', failure, signed: {}, policy: null, lookups: [] })
    await later(6)
    await later(6)
    expect(problems).toEqual(['AWS refused; allow it'])
    expect(words).toEqual([])
    state.attest = null
    await later(6)
    expect(words).toMatchObject([{ result: 'not_named' }])
  })

  it('bounds what it waits for, and rotates through names and addresses', async () => {
    const targets = ['a-b', 'b-b', 'c-b'].map((name) => ({
      name,
      hostname: `${name}.s3.us-east-1.amazonaws.com`,
    }))
    const { witness, made, problems } = await play(targets, { mostPending: 7 })
    for (let round = 0; round < 3; round++) await witness.round()
    expect(witness.pending()).toBe(7)
    expect(made.map(({ pending }) => pending)).toEqual([...Array<boolean>(7).fill(true), false, false])
    expect(problems).toEqual([expect.stringContaining('7 calls')])
    const first = made.filter(({ attempt }) => attempt.hostname.startsWith('a-b'))
    expect(new Set(first.map(({ attempt }) => attempt.address)).size).toBe(3)
  })

  it('names that no call is known for are left alone, and the requests to the signer hold no secret', async () => {
    const { lab, witness, made, asked } = await play([{ name: 'x', hostname: 'example.com' }, sts])
    await witness.round()
    expect(made).toHaveLength(1)
    const { secretAccessKey, sessionToken } = lab.apiCredentials()
    const text = JSON.stringify([asked, made])
    for (const secret of [secretAccessKey, sessionToken, 'AWS4-HMAC-SHA256'])
      expect(text).not.toContain(secret)
  })
})
