/** Hosts on-prem in the lab: the first leg against the line that truly carries the packets, resolvers side by side, and what mends it. */
import { describe, expect, it } from 'vitest'
import type { ProgramCommand } from '../../agent/child.ts'
import { type LabRound, labRounds } from '../../agent/lab-rounds.ts'
import { loadScenario, type Scenario } from '../../lab/scenario.ts'
import { lineTo } from '../../lab/trace.ts'
import type { TargetVerdict } from '../../model/verdict.ts'
import { systemHost } from '../../probes/host.ts'
import { readerWithin } from '../support/reader-within.ts'

const regional = 'artifacts-lab.s3.us-east-1.amazonaws.com'
const within = readerWithin()

interface Seen {
  step: string | null
  leg: string | undefined
  met: boolean | null | undefined
  target: TargetVerdict
  because: string
  round: LabRound
}

/** Plays all rounds; a leg that is not the truth fails at once. */
async function play(scenario: Scenario, program: ProgramCommand | null = null): Promise<Seen[]> {
  const seen: Seen[] = []
  for await (const round of labRounds(scenario, {
    program,
    machine: systemHost(process.env),
    version: 'test',
  })) {
    for (const target of round.targets) {
      const { firstLeg } = target
      const line = lineTo(round.lab.truly(), target.names[0]?.attempts[0]?.address ?? '192.0.2.1')
      if (firstLeg?.leg === 'direct_connect') expect(line, firstLeg.because.join('\n')).toBe('direct_connect')
      if (firstLeg?.leg === 'vpn') expect(line, firstLeg.because.join('\n')).toBe('vpn')
      const because = firstLeg?.because.join('\n') ?? ''
      seen.push({ step: round.step, leg: firstLeg?.leg, met: firstLeg?.met, target, because, round })
    }
  }
  return seen
}

const legs = (seen: readonly Seen[]) =>
  Object.fromEntries(seen.map(({ step, leg }) => [step ?? 'first', leg]))

describe('the first leg over a fail-over', async () => {
  const scenario = await loadScenario('first-leg')

  it('is that of the declared hops, and unproven where a hop is nobody’s; the path stays private', async () => {
    const seen = await play(scenario)
    expect(legs(seen)).toEqual({
      first: 'direct_connect',
      vpn: 'vpn',
      'undeclared-tunnel': 'unproven',
      provider: 'unproven',
      back: 'direct_connect',
    })
    expect(seen.map(({ target }) => target.state)).toEqual(Array.from({ length: 5 }, () => 'private'))
    expect(seen.map(({ met }) => met)).toEqual([true, false, false, false, true])
    expect(seen.map(({ target }) => target.met)).toEqual([true, false, false, false, true])
    expect(seen[2]?.because).toContain('169.254.77.1')
    expect(seen[2]?.because).toContain('VPN tunnel')
    expect(seen[3]?.target.firstLeg?.unknownHops).toEqual(['8.8.4.1'])
  }, 60_000)

  it('has the Direct Connect API against it while the virtual interface is down', async () => {
    const asked: Scenario = {
      ...scenario,
      agent: { ...scenario.agent, direct_connect: { every: '60s' } },
      // the hops stay as they are: only the API tells
      steps: scenario.steps
        .filter(({ name }) => name === 'vpn' || name === 'back')
        .map((step) => ({ ...step, change: {} })),
    }
    const seen = await play(asked, within)
    expect(legs(seen)).toEqual({ first: 'direct_connect', vpn: 'unproven', back: 'direct_connect' })
    expect(seen[1]?.because).toContain('dxvif-fg0a0b0c')
    expect(seen[0]?.because).toContain('advertises a route to 10.0.1.103')
    const actions =
      seen[0]?.round.lab.apiRequests().filter(({ service }) => service === 'directconnect') ?? []
    expect(new Set(actions.map(({ action }) => action))).toEqual(
      new Set(['DescribeVirtualInterfaces', 'ListVirtualInterfaceRoutes']),
    )
    expect(actions.every(({ outcome, account }) => outcome === 'ok' && account !== null)).toBe(true)
    expect(JSON.stringify(seen.map(({ target }) => target))).not.toContain('labBgpKey')
  }, 60_000)

  it('is unproven where the API is to be asked and refuses', async () => {
    const denied: Scenario = {
      ...scenario,
      agent: { ...scenario.agent, direct_connect: { every: '60s' } },
      api: { ...scenario.api, deny: ['DescribeVirtualInterfaces'] },
      steps: [],
    }
    const [seen] = await play(denied, within)
    expect(seen?.leg).toBe('unproven')
    expect(seen?.because).toContain('could not be read')
    expect(seen?.target.state).toBe('private')
  }, 60_000)
})

describe('resolvers side by side', async () => {
  const scenario = await loadScenario('split-horizon')

  it('names the one that lacks its forwarding rule, and leaves the verdict alone', async () => {
    const [first, mended] = await play(scenario)
    const views = (seen: Seen | undefined) =>
      seen?.target.names[0]?.resolvers?.map(({ resolver, counts, kind, state }) => ({
        resolver,
        counts,
        kind,
        state,
      }))
    expect(views(first)).toEqual([
      { resolver: 'system', counts: true, kind: 'private', state: null },
      { resolver: 'system', counts: true, kind: 'private', state: null },
      { resolver: 'corp-2', counts: false, kind: 'public', state: 'different' },
    ])
    expect(first?.target.state).toBe('private')
    expect(first?.target.names[0]?.because.at(-1)).toBe(
      `corp-2 answers public addresses for ${regional}: its forwarding rule is missing (system answers private addresses)`,
    )
    expect(views(mended)?.at(-1)).toEqual({
      resolver: 'corp-2',
      counts: false,
      kind: 'private',
      state: 'same',
    })
    expect(mended?.target.names[0]?.because.join()).not.toContain('corp-2')
    // the kernel's own next hop is declared, and nothing else was to be asked
    expect(first?.leg).toBe('direct_connect')
    expect(first?.target.firstLeg?.assumptions.join()).toContain('behind 192.168.10.1')
  }, 60_000)
})

describe('a gateway endpoint from on-prem', async () => {
  const scenario = await loadScenario('on-prem-relay')

  it('is possible only where a relay is declared, and proven neither way', async () => {
    const [declared] = await play(scenario)
    const sites = (scenario.agent.sites ?? []).map(({ snat_relay: _relay, ...site }) => site)
    const [undeclared] = await play({ ...scenario, agent: { ...scenario.agent, sites } })
    const possible = (seen: Seen | undefined) =>
      seen?.target.names[0]?.attempts.flatMap((a) => a.possible) ?? []
    expect(possible(declared)).toContain('gateway_endpoint')
    expect(possible(undeclared)).not.toContain('gateway_endpoint')
    expect(possible(undeclared)).toContain('nat_gateway_endpoint')
    expect([declared?.target.state, undeclared?.target.state]).toEqual(['undetermined', 'undetermined'])
  }, 60_000)

  it('is never what is advised', async () => {
    const sites = (scenario.agent.sites ?? []).map(({ snat_relay: _relay, ...site }) => site)
    const [seen] = await play({ ...scenario, agent: { ...scenario.agent, sites } })
    const fixes = seen?.target.names[0]?.fix ?? []
    expect(fixes.map(({ command }) => command ?? '').join('\n')).toMatch(
      /create-vpc-endpoint --vpc-endpoint-type Interface .*s3[\s\S]*route53resolver create-resolver-endpoint --direction INBOUND[\s\S]*dig /,
    )
    expect(fixes.map(({ command }) => command ?? '').join()).not.toContain('Gateway')
    expect(fixes.map(({ text }) => text).join()).toContain('Forward s3.us-east-1.amazonaws.com')
  }, 60_000)
})

it('a public virtual interface is consistent at most: undetermined, and what would decide it is said', async () => {
  const [seen] = await play(await loadScenario('public-vif'), within)
  expect(seen?.target.state).toBe('undetermined')
  expect(seen?.leg).toBe('direct_connect')
  expect(seen?.target.names[0]?.wouldDecide.join('\n')).toMatch(
    /which way the site's router sends .*dxvif-fg0d0e0f is up.*consistent with a public virtual interface, and no more/,
  )
}, 60_000)
