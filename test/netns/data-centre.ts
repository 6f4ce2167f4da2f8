import { claimsOf, saysDirectConnect, saysPrivate, sentFrom, valueOf } from './claims.ts'
import type { Sample } from './drive.ts'
import { ofAgent, s3Addresses, s3Endpoint, stsAddresses } from './plan.ts'
import {
  type Scene,
  bucket,
  common,
  cycle,
  everySeconds,
  handsOf,
  hostLagSeconds,
  lifeSeconds,
  made,
  nft,
  refreshSeconds,
  words,
} from './scene.ts'
import { refuted, tally, wentByDirectConnect, wentPrivately } from './truth.ts'
import { endpointName } from './world.ts'

/** BGP gives a silent line up after this time. */
const holdSeconds = 3
/** For BGP to come up again. */
const reconnectSeconds = 8

const own = ['192.168.10.5', '198.51.100.66', '198.51.100.2']

/**
 * An agent in a data centre, with a dump of the account, while Direct Connect falls silent (a tunnel and the internet provider
 * take over) and comes back, and one of two name servers loses its forwarding rule.
 */
export async function inDataCentre(scene: Scene): Promise<void> {
  const { stage, expect, notes } = scene
  const agent = await stage.startAgent({
    name: 'onprem',
    ns: 'onprem',
    nameServer: '192.168.53.53',
    config: {
      ...common(stage),
      agent: { vantage: 'on-prem' },
      topology: { source: 'directory', directory: stage.snapshotDirectory, refresh: `${refreshSeconds}s` },
      resolvers: [
        { name: 'corp-1', address: '192.168.53.53:53' },
        { name: 'corp-2', address: '192.168.53.54:53' },
      ],
      sites: [
        {
          name: 'dc1',
          first_leg: 'direct_connect',
          next_hops: ['169.254.100.0/30'],
          prefixes: ['192.168.0.0/16', '198.51.100.64/28'],
        },
      ],
      trusted_endpoints: [{ dns_name: endpointName, via: 'dc1' }],
      targets: [
        {
          name: 'artifacts',
          ...bucket,
          resolvers: ['corp-1', 'corp-2'],
          require_first_leg: 'direct_connect',
          ...cycle,
        },
        {
          name: 'compared',
          ...bucket,
          bucket: 'compared-lab',
          resolvers: ['corp-1'],
          compare_resolvers: ['corp-2'],
          ...cycle,
        },
        { name: 's3-global', hostname: 'artifacts-lab.s3.amazonaws.com', resolvers: ['corp-1'], ...cycle },
        { name: 'sts-global', hostname: 'sts.amazonaws.com', ...cycle },
      ],
    },
  })
  const { network, delay, account, done, wait, see, lag, now, name } = handsOf(scene, agent)
  const packets = (sinceMs = 0) => sentFrom(stage.packets, own).filter(({ ms }) => ms >= sinceMs)
  const private_ = saysPrivate('artifacts')
  const direct = saysDirectConnect('artifacts')
  const publicDirect = saysDirectConnect('s3-global')
  const good = (sample: Sample) =>
    private_(sample) && saysPrivate('compared')(sample) && direct(sample) && publicDirect(sample)
  await lag(Date.now(), 'data centre: started', 'S3 private by Direct Connect', 40, good)

  const cutMs = await done(network(nft('vgw', 'add rule ip filter line counter drop')), delay('vpn', 40))
  const cut = 'data centre: Direct Connect silent'
  const lagSeconds = holdSeconds + hostLagSeconds
  await Promise.all([
    lag(cutMs, cut, 'first leg not Direct Connect (endpoint)', lagSeconds, (s) => !direct(s)),
    lag(cutMs, cut, 'first leg not Direct Connect (public addresses)', lagSeconds, (s) => !publicDirect(s)),
    lag(cutMs, cut, 'no longer private (a tunnel leads there)', lagSeconds, (s) => !private_(s)),
  ])
  const endpoint = new Set(s3Endpoint)
  await see('the tunnel and the provider in use', () => {
    const agents = packets(cutMs).filter(ofAgent)
    const { vpn, epa = 0, epb = 0 } = tally(agents, endpoint)
    return vpn !== undefined && epa + epb > 0 && tally(agents, new Set(s3Addresses)).isp !== undefined
  })
  await wait(2 * everySeconds)
  const met = valueOf(now(), 'pathproof_requirement_met', { target: 'artifacts' })
  expect(met, 'what leaves by a tunnel does not meet require_first_leg').toBe(0)

  const backMs = await done(network(nft('vgw', 'flush chain ip filter line')), delay('vpn', 0))
  const back = 'data centre: Direct Connect back'
  await lag(
    backMs,
    back,
    'S3 private by Direct Connect',
    reconnectSeconds + lifeSeconds + hostLagSeconds,
    good,
  )

  const astrayMs = await done(
    account({ resolvers: [{ name: 'corp-2', view: 'public', address: '192.168.53.54' }] }),
  )
  const astray = 'data centre: corp-2 answers publicly'
  const differs = (sample: Sample) =>
    valueOf(sample, 'pathproof_resolver_state', {
      target: 'compared',
      resolver: 'corp-2',
      state: 'different',
    }) === 1
  await lag(astrayMs, astray, 'no longer private', hostLagSeconds, (s) => !private_(s))
  await lag(astrayMs, astray, 'corp-2 differs from corp-1', hostLagSeconds, differs)
  await see('the agent at a public address', () =>
    packets(astrayMs).some((p) => p.at === 'pvif' && ofAgent(p) && s3Addresses.includes(p.destination)),
  )
  await wait(2 * everySeconds)
  const because = (await name('compared'))?.because.join('\n')
  expect(because, 'the mistake is named').toContain('corp-2 answers public addresses for compared-lab')
  expect(because).toContain('its forwarding rule is missing')
  expect(saysPrivate('compared')(now()), 'who does not ask it is not misled').toBe(true)

  const truth = packets()
  // Before it was answered, a public address was none of this name's.
  const ofArtifacts = truth.filter(({ ms, destination }) => ms >= astrayMs || endpoint.has(destination))
  const watched = [
    ['artifacts', [...s3Endpoint, ...s3Addresses], ofArtifacts],
    ['compared', s3Endpoint, truth],
    ['s3-global', s3Addresses, truth],
    ['sts-global', stsAddresses, truth],
  ] as const
  for (const [target, list, seen] of watched) {
    const addresses = new Set(list)
    const claims = claimsOf(agent, saysPrivate(target))
    const legs = claimsOf(agent, saysDirectConnect(target))
    const lagMs = hostLagSeconds * 1000
    expect(refuted(claims, seen, addresses, wentPrivately, lagMs), `${target} was private`).toEqual([])
    expect(refuted(legs, seen, addresses, wentByDirectConnect, lagMs), `${target}'s first leg`).toEqual([])
    for (const address of addresses)
      expect(tally(truth, new Set([address])), `${address} was looked after`).not.toEqual({})
    const by = words(tally(seen.filter(ofAgent), addresses))
    notes.push(
      `data centre ${target}: private in ${made(claims)}, by Direct Connect in ${made(legs)}; all agents' connections: ${by}`,
    )
  }
  const outer = stage.packets.filter((p) => p.at === 'isp' && p.kind === 'udp' && p.port === 4500)
  expect(outer.length, 'the tunnel runs over the internet').toBeGreaterThan(0)
}
