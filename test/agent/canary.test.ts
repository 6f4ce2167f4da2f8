import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { canaryPolicy } from '../../aws/bucket-policy.ts'
import { readSnapshotDirectory } from '../../aws/snapshot-files.ts'
import { checkCanary } from '../../agent/evidence/canary-check.ts'
import { canaryNames } from '../../agent/evidence/canary-names.ts'
import { createPolicyKeeper, wantedPolicy } from '../../agent/evidence/canary-policy.ts'
import { canaryCommand } from '../../agent/cli/canary.ts'
import type { CanaryConfig } from '../../agent/config/config.ts'
import { costsOf } from '../../agent/config/cost.ts'
import { parseConfig } from '../../agent/config/load.ts'
import { targetsOf } from '../../agent/config/targets.ts'
import { attestedFindings } from '../../agent/doctor/attested.ts'
import type { Patient } from '../../agent/doctor/finding.ts'
import { iamPolicy } from '../../agent/iam/iam.ts'
import { createRotation } from '../../agent/watch/rotation.ts'
import { type Lab, startLab } from '../../lab/lab.ts'
import { usualS3 } from '../../lab/s3/types.ts'
import type { HostAccess } from '../../model/host.ts'
import { systemHost } from '../../probes/host.ts'
import { say } from '../support/io.ts'
import { config as parsed, scenario } from '../support/lab-daemon.ts'
import { readerWithin } from '../support/reader-within.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

const keys = { control: 'c/1', positive: 'p(1)', negative: 'n' }

interface Play {
  lab: Lab
  host: HostAccess
  document(more?: object, canary?: object): object
  /** Puts the policy that the configuration asks for, changed by `change`. */
  put(more?: { vpcId?: string; sourceAddresses?: string[] }, change?: (list: unknown[]) => void): void
}

async function play(name = 'gateway-endpoint'): Promise<Play> {
  const real = systemHost(process.env)
  const lab = await startLab(await scenario(name), { mode: 'mapped', clock: real.clock, timed: false })
  closers.push(() => lab.close())
  const world = lab.world()
  const endpoint = 'vpce-0a000053'
  const wanted = {
    partition: 'aws',
    bucket: 'my-canary',
    ...keys,
    endpoint,
    vpcId: null as string | null,
    sourceAddresses: null as string[] | null,
  }
  const put: Play['put'] = (more = {}, change = () => undefined) => {
    const policy = canaryPolicy({ ...wanted, ...more })
    change(policy.Statement)
    lab.records.change({
      s3: {
        ...usualS3,
        buckets: [
          {
            name: 'my-canary',
            region: 'us-east-1',
            owner: world.account,
            policy,
            objects: Object.values(keys).map((key) => ({ key, body: 'x', encryption: 'AES256' as const })),
          },
        ],
      },
    })
  }
  put()
  return {
    lab,
    host: lab.hostAccess(real),
    put,
    document: (more = {}, canary = {}) => ({
      version: 1,
      topology: { source: 'directory', directory: lab.snapshotDirectory, refresh: '10s' },
      partition_roots: [{ partition: 'aws', file: lab.caFile }],
      targets: [
        { name: 'canary-s3', service: 's3', region: 'us-east-1', bucket: 'my-canary', styles: ['regional'] },
      ],
      canary: { bucket: 'my-canary', ...keys, endpoint, ...canary },
      ...more,
    }),
  }
}

function check({ host }: Play, document: object, more: Partial<HostAccess> = {}) {
  const config = parsed(document)
  if (config.canary === null) throw new Error('no canary')
  return checkCanary(config, config.canary, {
    host: { ...host, ...more },
    version: '0',
    readText: () => Promise.resolve(null),
    hostRoots: () => [],
    signal: new AbortController().signal,
    program: readerWithin(),
  })
}

const mix = ({ sockets }: Awaited<ReturnType<typeof check>>) =>
  sockets.map(({ attested, verdict, result }) => [
    attested,
    verdict.state,
    result.evidence.map(({ rule }) => rule).join(),
  ])

/** Only what the instance metadata says: nothing of the account can be read. */
const apiDenied = { topology: { source: 'file', file: '/nowhere' } }

describe('one round over the lab', () => {
  it('by the gateway endpoint: attested private', async () => {
    const lab = await play()
    const found = await check(lab, lab.document())
    expect(found.problems).toEqual([])
    expect(mix(found)).toEqual([['private', 'private', 'canary.gateway_endpoint']])
  })

  it('API denied, with source_ip: its own name is private, attested', async () => {
    const lab = await play()
    lab.put({ vpcId: vpcOf(lab.lab), sourceAddresses: ownAddresses(lab.lab) })
    const found = await check(lab, lab.document(apiDenied, { source_ip: true }))
    expect(mix(found)).toEqual([['private', 'private', 'canary.own_address']])
    expect(found.sockets[0]?.verdict.proof).toBe('attested')
  })

  it('API denied, without source_ip: a relay remains', async () => {
    const lab = await play()
    expect(mix(await check(lab, lab.document(apiDenied)))).toEqual([
      [null, 'undetermined', 'canary.endpoint_unknown'],
    ])
  })

  it('by the NAT gateway: attested public', async () => {
    const lab = await play('route-missing')
    expect(mix(await check(lab, lab.document()))).toEqual([['public', 'public', 'canary.no_endpoint']])
  })

  it('where S3 closes after a refusal: two attempts, of which the second is attested', async () => {
    const lab = await play('route-missing')
    lab.lab.records.change({ s3: { closeAfterDenied: true } })
    expect(mix(await check(lab, lab.document()))).toEqual([
      [null, 'public', 'canary.inconclusive'],
      ['public', 'public', 'canary.no_endpoint'],
    ])
  })

  it.each([0, 1])('a statement (%i) that was taken out of the policy: never attested', async (gone) => {
    for (const name of ['gateway-endpoint', 'route-missing']) {
      const lab = await play(name)
      lab.put({}, (list) => list.splice(gone, 1))
      const found = await check(lab, lab.document(apiDenied))
      expect(mix(found).map(([attested, , rule]) => [attested, rule])).toEqual([
        [null, 'canary.inconclusive'],
      ])
    }
  })

  it('a policy that may not be read: never attested, and said', async () => {
    const lab = await play()
    const read = { Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }
    lab.lab.records.change({ s3: { identity: { Statement: [read] } } })
    const found = await check(lab, lab.document())
    expect(mix(found)).toEqual([[null, 'private', 'canary.inconclusive']])
    expect(found.problems.join()).toContain('s3:GetBucketPolicy')
    expect(found.sockets[0]?.result.canary.policy).toMatchObject({
      because: expect.stringContaining('s3:GetBucketPolicy is missing') as string,
    })
  })

  it('no credentials: nothing is sent, and said', async () => {
    const lab = await play()
    const found = await check(lab, lab.document(), {
      environment: {
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      },
      serverAddress: (server) => server,
    })
    expect(found.sockets).toEqual([])
    expect(found.problems.join()).toMatch(/no AWS credentials|region/)
  })

  it('goes by names of its own where none of the watched ones can carry it', async () => {
    const lab = await play()
    const targets = [
      {
        name: 'a',
        service: 's3',
        region: 'us-east-1',
        bucket: 'artifacts-lab',
        styles: ['regional', 'global'],
      },
    ]
    const found = await check(lab, lab.document({ targets }))
    expect(found.sockets.map(({ result }) => result.attempt.hostname).toSorted()).toEqual([
      'my-canary.s3.amazonaws.com',
      'my-canary.s3.us-east-1.amazonaws.com',
    ])
  })
})

function vpcOf(lab: Lab): string {
  const [own] = lab.world().interfaces.filter(({ id }) => id === 'eni-0a000050')
  const subnet = lab.world().subnets.find(({ id }) => id === own?.subnet)
  return subnet?.vpc ?? ''
}

function ownAddresses(lab: Lab): string[] {
  const own = lab.world().interfaces.find(({ id }) => id === 'eni-0a000050')
  return [...(own?.ipv4.map(({ address }) => address) ?? []), ...(own?.ipv6 ?? [])]
}

describe('pathproof canary', () => {
  async function command(lab: Play, argv: string[], document: object) {
    const directory = await mkdtemp(join(tmpdir(), 'pathproof-canary-'))
    closers.push(() => rm(directory, { recursive: true, force: true }))
    const file = join(directory, 'pathproof.yml')
    await writeFile(file, JSON.stringify(document, null, 1))
    return say((io) =>
      canaryCommand([...argv, '--config.file', file], io, {
        host: lab.host,
        hostRoots: () => [],
        readText: () => Promise.resolve(null),
        program: readerWithin(),
      }),
    )
  }

  it('check says what is attested, by exit code and in words', async () => {
    const good = await play()
    const found = await command(good, ['check'], good.document())
    expect(found.code).toBe(0)
    expect(found.stdout).toContain('attested private: my-canary.s3.us-east-1.amazonaws.com')
    expect(found.stdout).toContain('control 200, positive 200, negative 403 AccessDenied')
    const bad = await play('route-missing')
    expect((await command(bad, ['check'], bad.document())).code).toBe(3)
    bad.lab.records.change({ s3: { closeAfterDenied: true } })
    expect((await command(bad, ['check'], bad.document())).code).toBe(3)
    good.put({}, (list) => list.splice(0, 1))
    const loose = await command(good, ['check', '--json'], good.document())
    expect(loose.code).toBe(4)
    expect(JSON.parse(loose.stdout)).toMatchObject({
      schema: 'pathproof.canary/1',
      exitCode: 4,
      sockets: [
        { says: 'inconclusive', attested: null, next: expect.stringContaining('canary policy') as string },
      ],
    })
  })

  it('policy prints what check verifies', async () => {
    const lab = await play()
    const document = lab.document(apiDenied, { source_ip: true })
    const printed = await command(lab, ['policy'], document)
    expect(printed.code).toBe(0)
    expect(printed.stderr).toContain('put-bucket-policy')
    const policy = JSON.parse(printed.stdout) as object
    const [bucket] = lab.lab.records.options().s3.buckets
    lab.lab.records.change({ s3: { buckets: [{ ...bucket!, policy }] } })
    expect((await command(lab, ['check'], document)).code).toBe(0)
    const asJson = await command(lab, ['policy', '--json'], document)
    expect(JSON.parse(asJson.stdout)).toMatchObject({ command: 'policy', policy })
  })

  it('no output holds anything of the credentials', async () => {
    const lab = await play()
    const { accessKeyId, secretAccessKey, sessionToken } = lab.lab.apiCredentials()
    for (const argv of [['check'], ['check', '--json'], ['policy']]) {
      const { stdout, stderr } = await command(lab, argv, lab.document())
      for (const secret of [
        accessKeyId,
        secretAccessKey,
        sessionToken,
        'Signature',
        'X-Amz-Security-Token',
      ]) {
        expect(`${stdout}${stderr}`).not.toContain(secret)
      }
    }
  })

  it('needs a canary in the configuration', async () => {
    const lab = await play()
    const without = await command(lab, ['check'], { ...lab.document(), canary: undefined })
    expect(without.code).toBe(78)
    expect(without.stderr).toContain('has no section canary')
  })
})

/** Packages that some files of `agent/` load when they are loaded, by their static imports. */
function loadedBy(...files: string[]): string[] {
  const seen = new Set<string>()
  const packages = new Set<string>()
  const walk = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    const text = readFileSync(file, 'utf8')
    for (const [, what = '', from = ''] of text.matchAll(
      /^(?:import|export) ([^'"]*?)\s*from '([^']+)'/gms,
    )) {
      const names = (/^\{([^}]*)\}/.exec(what)?.[1] ?? 'all').split(',').map((name) => name.trim())
      const typesOnly = names.every((name) => name === '' || name.startsWith('type '))
      if (what.startsWith('type ') || typesOnly) continue
      if (from.startsWith('.')) walk(join(file, '..', from))
      else packages.add(from)
    }
  }
  for (const file of files) walk(join(import.meta.dirname, '../../agent', `${file}.ts`))
  return [...packages]
}

describe('parts', () => {
  const canary: CanaryConfig = {
    everySeconds: 300,
    bucket: 'my-canary',
    ...keys,
    endpoint: 'vpce-0a',
    sourceIp: true,
    sourceAddresses: [],
    vpc: null,
    region: null,
  }

  it('takes turns', () => {
    const turns = createRotation()
    const taken = Array.from({ length: 6 }, () => turns.next(['a', 'b', 'c']))
    expect(taken).toEqual(['a', 'b', 'c', 'a', 'b', 'c'])
    expect(turns.next(['c', 'd'])).toBe('d')
    expect(turns.next([])).toBeNull()
  })

  it('wants no policy without an address of this host', () => {
    expect(wantedPolicy(canary, 'us-east-1', { interfaces: [] })).toMatchObject({ ok: false })
    expect(
      wantedPolicy({ ...canary, sourceAddresses: ['10.0.1.50'], vpc: 'vpc-1' }, 'us-east-1', {
        interfaces: [],
      }),
    ).toMatchObject({ ok: true, wanted: { vpcId: 'vpc-1', sourceAddresses: ['10.0.1.50'] } })
  })

  it('names the canary’s own names only for styles that nothing carries', () => {
    const watched = (hostname: string, style: 'regional' | 'global') => ({
      hostname,
      style,
      port: 443,
      service: 's3',
      region: 'us-east-1',
    })
    const names = canaryNames(canary, 'us-east-1', [
      watched('s3.us-east-1.amazonaws.com', 'regional'),
      watched('other.s3.amazonaws.com', 'global'),
    ])
    expect(names.map(({ hostname }) => hostname)).toEqual(['my-canary.s3.amazonaws.com'])
    expect(canaryNames(canary, 'us-east-1', []).map(({ hostname }) => hostname)).toEqual([
      'my-canary.s3.us-east-1.amazonaws.com',
    ])
  })

  it('a policy counts for its age, not right after it was put, and goes on ageing when it can’t be read', () => {
    let nowMs = 0
    const keeper = createPolicyKeeper({ wallMs: () => 0, monotonicMs: () => nowMs })
    const made = wantedPolicy({ ...canary, sourceIp: false }, 'us-east-1', { interfaces: [] })
    if (!made.ok) throw new Error(made.because)
    const { wanted } = made
    const text = JSON.stringify(canaryPolicy(wanted))
    expect(keeper.due()).toBe(true)
    expect(keeper.now(wanted)).toMatchObject({ verified: false })
    keeper.read(text, wanted)
    expect(keeper.due()).toBe(false)
    expect(keeper.now(wanted)).toMatchObject({ verified: true, ageSeconds: 0 })
    nowMs = 40 * 60_000
    expect(keeper.due()).toBe(true)
    keeper.failed('denied')
    expect(keeper.now(wanted)).toMatchObject({ verified: true, ageSeconds: 2400 })
    keeper.read(null, wanted)
    expect(keeper.now(wanted)).toMatchObject({ verified: false, because: 'the bucket has no policy' })
    nowMs += 60_000
    keeper.read(text, wanted)
    expect(keeper.now(wanted)).toMatchObject({
      verified: false,
      because: expect.stringContaining('just now') as string,
    })
    nowMs += 5 * 60_000
    expect(keeper.now(wanted)).toMatchObject({ verified: true })
    expect(keeper.now({ ...wanted, endpoint: 'vpce-0b' })).toMatchObject({ verified: false })
  })

  it('the resident process loads neither the SDK nor what signs', () => {
    const resident = loadedBy(
      'evidence/canary',
      'evidence/witness',
      'evidence/attest-child',
      'evidence/canary-names',
      'evidence/canary-policy',
    )
    const foreign = /^@aws-sdk|^@smithy/
    expect(resident.filter((name) => foreign.test(name))).toEqual([])
    expect(loadedBy('evidence/attest-signer').filter((name) => foreign.test(name))).toContain(
      '@smithy/signature-v4',
    )
  })

  it('doctor says what stands in the way, as far as it shows without asking AWS', async () => {
    const lab = await play()
    const findings = (document: object, more: object = {}) => {
      const config = parsed(document)
      const { targets } = targetsOf(config)
      const vantage = {
        kind: 'ec2',
        because: [],
        instanceId: null,
        accountId: null,
        region: 'us-east-1',
        interfaces: [],
      }
      const patient = {
        host: lab.host,
        config,
        targets,
        where: { vantage },
        snapshot: null,
        sample: '',
        ...more,
      }
      return attestedFindings(patient as unknown as Patient).map(({ status, text }) => `${status} ${text}`)
    }
    expect(findings({ ...lab.document(), canary: undefined })).toEqual([])
    expect(findings(lab.document())).toEqual([
      expect.stringContaining('ok a relay inside the VPC') as string,
      expect.stringContaining('warn vpce-0a000053 is not described') as string,
      expect.stringContaining('ok 1 watched name can carry it') as string,
    ])
    const snapshot = await readSnapshotDirectory(lab.lab.snapshotDirectory, {
      nowMs: Date.now(),
      undated: 'refuse',
    })
    expect(findings(lab.document(), { snapshot })[1]).toBe(`ok vpce-0a000053: Gateway, ${vpcOf(lab.lab)}`)
    expect(findings(lab.document({}, { source_ip: true }))[0]).toContain('warn source_ip is set')
    const own = { source_ip: true, source_addresses: ['10.0.1.50'], vpc: 'vpc-0a1' }
    expect(findings(lab.document({}, own))[0]).toBe('ok its policy names 10.0.1.50 in vpc-0a1')
    const trail = { canary: undefined, cloudtrail: {} }
    expect(findings({ ...lab.document(), ...trail })).toEqual(['ok 1 name of 1 can be witnessed'])
    const iam = [{ name: 'i', hostname: 'iam.amazonaws.com' }]
    expect(findings({ ...lab.document({ targets: iam }), ...trail })[0]).toContain('warn 0 names of 1')
  })

  it('the configuration refuses keys that a policy reads otherwise, and addresses that nothing asks for', () => {
    const problems = (canary: object) => {
      const all = { bucket: 'my-canary', ...keys, endpoint: 'vpce-0a1', ...canary }
      const loaded = parseConfig(JSON.stringify({ version: 1, canary: all }), 'x', 0)
      return loaded.ok ? [] : loaded.problems.map(({ path, problem }) => `${path}: ${problem}`)
    }
    expect(problems({})).toEqual([])
    expect(problems({ positive: 'p*' })).toEqual(['canary.positive: holds "*", "?" or "$"'])
    expect(problems({ control: 'a${aws:username}' })).toHaveLength(1)
    expect(problems({ source_addresses: ['10.0.1.50'] })).toEqual([
      'canary.source_addresses[0]: stands beside source_ip: false',
    ])
    expect(
      problems({ source_ip: true, source_addresses: ['10.0.1.50'], vpc: 'vpc-0a1', region: 'us-east-1' }),
    ).toEqual([])
    expect(problems({ source_ip: true, source_addresses: ['10.0.1'] })).toHaveLength(1)
  })

  it('config check shows requests and dollars', () => {
    const base = { version: 1, topology: { source: 'directory', directory: '/d' } }
    const canary2 = { bucket: 'my-canary', ...keys, endpoint: 'vpce-0a1' }
    const target = { name: 's', service: 's3', region: 'us-east-1', styles: ['regional', 'global'] }
    const [cost] = costsOf(parsed({ ...base, targets: [target], canary: canary2 }))
    expect(cost).toMatchObject({ path: 'canary', requestsPerDay: 288 * 2 * 3 + 48 })
    expect(cost?.dollarsPerMonth).toBeCloseTo(0.0213, 3)
    const [trail] = costsOf(parsed({ ...base, targets: [target], cloudtrail: { every: '15m' } }))
    expect(trail).toMatchObject({ path: 'cloudtrail', requestsPerDay: 96, dollarsPerMonth: null })
  })

  it('asks for no more permissions than it uses', () => {
    const config = parsed({
      version: 1,
      topology: { source: 'directory', directory: '/d' },
      targets: [{ name: 'k', service: 'kms', region: 'cn-north-1' }],
      canary: { bucket: 'b-1', control: 'c', positive: 'p', negative: 'n', endpoint: 'vpce-0a1' },
      cloudtrail: {},
    })
    expect(iamPolicy(config)?.Statement).toEqual([
      {
        Sid: 'PathproofCanaryObjects',
        Effect: 'Allow',
        Action: ['s3:GetObject'],
        Resource: ['arn:aws-cn:s3:::b-1/c', 'arn:aws-cn:s3:::b-1/p', 'arn:aws-cn:s3:::b-1/n'],
      },
      {
        Sid: 'PathproofCanaryPolicy',
        Effect: 'Allow',
        Action: ['s3:GetBucketPolicy'],
        Resource: ['arn:aws-cn:s3:::b-1'],
      },
      {
        Sid: 'PathproofCloudTrail',
        Effect: 'Allow',
        Action: ['cloudtrail:LookupEvents', 'kms:ListKeys'],
        Resource: '*',
      },
    ])
  })
})
