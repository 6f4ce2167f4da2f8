import { usual, s3List } from '../../lab/world/default.ts'
import { claimsOf, saysPrivate, sentFrom, valueOf } from './claims.ts'
import type { Sample } from './drive.ts'
import { egressClosed, outside, privateTable } from './network.ts'
import { ofAgent, s3Addresses, ssmAddresses, stsAddresses } from './plan.ts'
import {
  type Scene,
  apiLagSeconds,
  bucket,
  common,
  cycle,
  egressLagSeconds,
  egressSeconds,
  endpointRoutes,
  everySeconds,
  handsOf,
  ip,
  lifeSeconds,
  made,
  nft,
  refreshSeconds,
  words,
} from './scene.ts'
import { refuted, tally, wentPrivately } from './truth.ts'
import { eight, leaking, region } from './world.ts'

/** Addresses by target. */
const watched: Readonly<Record<string, ReadonlySet<string>>> = {
  artifacts: new Set(s3Addresses),
  eight: new Set(eight),
  ssm: new Set(ssmAddresses),
  'sts-global': new Set(stsAddresses),
}
const listRoute = `${s3List} -> ${usual.s3Endpoint}`
const own = ['10.0.1.50', '10.0.0.9', '203.0.113.9']

/**
 * An agent on an instance that reads its account by the API, while one address of eight leaks, the endpoint's route goes and
 * comes, the line is poor, and a way out opens for 20 s.
 */
export async function onInstance(scene: Scene): Promise<void> {
  const { stage, expect, notes } = scene
  const agent = await stage.startAgent({
    name: 'ec2',
    ns: 'ec2',
    nameServer: '10.0.0.2',
    config: {
      ...common(stage),
      topology: { source: 'aws', refresh: `${refreshSeconds}s`, other_refresh: '30s' },
      targets: [
        { name: 'artifacts', ...bucket, ...cycle },
        { name: 'eight', hostname: `eight-lab.s3.${region}.amazonaws.com`, ...cycle },
        { name: 'ssm', hostname: `ssm.${region}.amazonaws.com`, ...cycle },
        { name: 'sts-global', hostname: 'sts.amazonaws.com', ...cycle },
      ],
      egress: {
        every: `${egressSeconds}s`,
        timeout: '2s',
        must_fail: [{ name: 'web', url: `tcp://${outside}:443`, control: 'ssm' }],
      },
    },
  })
  const { network, delay, table, done, wait, see, lag, now, name } = handsOf(scene, agent)
  const packets = (sinceMs = 0) => sentFrom(stage.packets, own).filter(({ ms }) => ms >= sinceMs)
  const artifacts = saysPrivate('artifacts')
  const ofEight = saysPrivate('eight')
  const ssm = saysPrivate('ssm')
  const allPrivate = (sample: Sample) => artifacts(sample) && ofEight(sample) && ssm(sample)
  const state = (target: string, word: string) => (sample: Sample) =>
    valueOf(sample, 'pathproof_path_state', { target, state: word }) === 1
  const egress = (word: string) => (sample: Sample) =>
    valueOf(sample, 'pathproof_egress_state', { check: 'web', state: word }) === 1
  await lag(Date.now(), 'EC2: started', 'S3 and Systems Manager private', 40, allPrivate)
  await agent.samples.until('the way out blocked', (all) => all.some(egress('blocked')), 20)

  const beforeMs = Date.now()
  const openedMs = await done(network(nft('igw', 'flush chain ip filter egress')))
  const opening = lag(openedMs, 'EC2: way out opened', 'egress open', egressLagSeconds, egress('open'))
  const shut = wait(20).then(() => done(network(nft('igw', egressClosed))))
  const closing = shut.then((ms) =>
    lag(ms, 'EC2: way out closed', 'egress blocked', egressLagSeconds, egress('blocked')),
  )

  // one of eight leaks, over a poor line
  const leakMs = await done(
    network(
      nft('vpc', 'add rule ip filter loss numgen random mod 100 < 5 counter drop'),
      ip('vpc', `route add ${leaking}/32 via 10.0.0.9 table ${privateTable}`),
    ),
    table({ addRoutes: [`${leaking}/32 -> ${usual.nat}`] }),
    delay('gwe', 40),
  )
  const leak = 'EC2: one address of eight leaks'
  await lag(leakMs, leak, 'its name no longer private', apiLagSeconds, (s) => !ofEight(s))
  await lag(leakMs, leak, 'its name mixed', apiLagSeconds + lifeSeconds, state('eight', 'mixed'))
  expect(state('artifacts', 'public')(now()), 'loss and delay make nothing public').toBe(false)
  // a single reading may be too short by its doubt, on a busy machine some milliseconds
  const handshake = (sample: Sample) =>
    valueOf(sample, 'pathproof_last_tls_handshake_seconds', { target: 'artifacts' })
  await see('the delay of the line in the handshake', () => (handshake(now()) ?? 0) > 0.08)
  expect(state('artifacts', 'public')(now()), 'loss and delay make nothing public').toBe(false)
  expect(tally(packets(leakMs), new Set([leaking])).nat, 'it leaks').toBeGreaterThan(0)
  const mendedMs = await done(network(nft('vpc', 'flush chain ip filter loss')), delay('gwe', 0))
  const still = (all: readonly Sample[]) => all.some((sample) => sample.ms >= mendedMs && artifacts(sample))
  await agent.samples.until('the other name private', still)

  // the endpoint's route goes, in the network and in the API at the same time
  const goneMs = await done(network(endpointRoutes('del')), table({ removeRoutes: [s3List] }))
  const gone = 'EC2: route removed, network and API'
  await lag(goneMs, gone, 'S3 no longer private', apiLagSeconds, (s) => !artifacts(s) && !ofEight(s))
  await lag(goneMs, gone, 'S3 public', apiLagSeconds + lifeSeconds, state('artifacts', 'public'))
  expect(ssm(now()), 'Systems Manager stays private').toBe(true)

  // both come back: first in the network, later in the API
  await network(endpointRoutes('add'), ip('vpc', `route del ${leaking}/32 table ${privateTable}`))
  await wait(everySeconds)
  const backMs = await done(table({ addRoutes: [listRoute], removeRoutes: [`${leaking}/32`] }))
  const back = 'EC2: routes put back, API after network'
  await lag(backMs, back, 'S3 private', apiLagSeconds + lifeSeconds, allPrivate)
  await opening
  await closing

  const honest = Object.keys(watched).map((target) => [target, claimsOf(agent, saysPrivate(target))] as const)
  const truth = packets()

  // The network alone changes, which no configuration shows: the verdict rests on an assumption and names it. And the
  // capture, to which it is no secret, refutes it: what it did not refute before, it could have refuted.
  const blindMs = await done(network(endpointRoutes('del')))
  await see('all of S3 by the NAT gateway', () =>
    s3Addresses.every((address) => tally(packets(blindMs), new Set([address])).nat),
  )
  await wait(1)
  const said = claimsOf(agent, artifacts).filter(({ ms }) => ms > blindMs)
  expect(refuted(said, packets(), new Set(s3Addresses), wentPrivately, 0)).not.toEqual([])
  const assumptions = (await name('artifacts'))?.attempts.flatMap((attempt) => attempt.assumptions)
  expect(assumptions).toContain("the account's answers describe what its network does")

  for (const [target, claims] of honest) {
    const addresses = watched[target] ?? new Set()
    const false_ = refuted(claims, truth, addresses, wentPrivately, apiLagSeconds * 1000)
    expect(false_, `${target} was said to be private`).toEqual([])
    for (const address of addresses)
      expect(tally(truth, new Set([address])).ec2, `${address} was looked after`).toBeGreaterThan(20)
    const by = words(tally(truth.filter(ofAgent), addresses))
    notes.push(`EC2 ${target}: private in ${made(claims)}; the agent's connections: ${by}`)
  }
  expect(tally(truth, new Set(stsAddresses))).toMatchObject({
    nat: expect.any(Number),
    r3: expect.any(Number),
  })

  const coverage = JSON.parse(await agent.get('/api/v1/egress')) as { checks: { coverage: string }[] }
  expect(coverage.checks[0]?.coverage).toMatch(
    /^seen open in [1-9].*one each 5 s; an opening shorter than that can be missed/u,
  )
  const closedMs = await shut
  const out = stage.packets.filter(({ at, destination }) => at === 'r1' && destination === outside)
  expect(out.length, 'packets really got out').toBeGreaterThan(0)
  expect(
    out.filter(({ ms }) => ms < beforeMs || ms > closedMs),
    'only while it was open',
  ).toEqual([])

  // what the agent sent is what its configuration names, and what that takes
  const hosts = [...eight, ...s3Addresses, ...ssmAddresses, ...stsAddresses, outside, '10.0.1.102']
  const allowed = new Set([...hosts.map((host) => `${host}:443`), '10.0.0.2:53', '169.254.169.254:80'])
  const sent = stage.packets.filter((p) => p.at === 'ec2' && p.kind !== 'icmp' && ofAgent(p))
  const to = new Set(sent.map(({ destination, port }) => `${destination}:${port}`))
  expect([...to].filter((each) => !allowed.has(each))).toEqual([])
}
