import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { firstWorld, loadScenario, parseScenario, shippedScenarios } from '../../lab/scenario.ts'
import { nameTruth } from '../../lab/truth.ts'
import type { World } from '../../lab/world/types.ts'
import { changeWorld } from '../../lab/world/world.ts'

const bucket = (rest: string) => `artifacts-lab.${rest}`
const regional = bucket('s3.us-east-1.amazonaws.com')
const [ssm, kms, sts, sqs] = ['ssm', 'kms', 'sts', 'sqs'].map((s) => `${s}.us-east-1.amazonaws.com`) as [
  string,
  string,
  string,
  string,
]

/** What each story says happens to the packets, in the words of the story: name, then the classes of its answers. */
const stories: Record<string, Record<string, string[]>> = {
  '01-gateway-endpoint': { [regional]: ['gateway_endpoint'], 'sts.us-east-1.amazonaws.com': ['nat_gateway'] },
  '02-route-missing': { [regional]: ['nat_gateway'] },
  '03-blackhole': { [regional]: ['blocked'] },
  '04-nat-only': { [regional]: ['nat_gateway'] },
  '05-internet-gateway': { [regional]: ['internet_gateway'] },
  '06-internet-gateway-without-address': { [regional]: ['blocked'] },
  '07-nat-before-endpoint': { [regional]: ['nat_gateway_endpoint'] },
  '08-interface-endpoint': {
    'ssm.us-east-1.amazonaws.com': ['interface_endpoint'],
    'kms.us-east-1.amazonaws.com': ['interface_endpoint'],
  },
  '09-s3-private-dns': {
    [regional]: ['interface_endpoint'],
    [bucket('s3.amazonaws.com')]: ['nat_gateway'],
    [bucket('s3-us-east-1.amazonaws.com')]: ['nat_gateway'],
    [bucket('s3-fips.us-east-1.amazonaws.com')]: ['nat_gateway'],
    [bucket('s3.dualstack.us-east-1.amazonaws.com')]: ['blocked', 'nat_gateway'],
  },
  '10-private-dns-broken': {
    'ssm.us-east-1.amazonaws.com': ['nat_gateway'],
    'vpce-0a0000a1-h3k9q2xd.ssm.us-east-1.vpce.amazonaws.com': ['interface_endpoint'],
  },
  '11-one-of-eight': { [regional]: ['gateway_endpoint', 'nat_gateway'] },
  '12-bucket-elsewhere': {
    'reports-lab.s3.us-east-1.amazonaws.com': ['gateway_endpoint'],
    'reports-lab.s3.eu-west-1.amazonaws.com': ['nat_gateway'],
  },
  '13-ipv6-leak': {
    [regional]: ['gateway_endpoint'],
    [bucket('s3.dualstack.us-east-1.amazonaws.com')]: ['gateway_endpoint', 'internet_gateway'],
  },
  '14-unknown-private-address': { [regional]: ['relay'] },
  '15-egress-vpc': { [regional]: ['nat_gateway_endpoint'], [sts]: ['nat_gateway'] },
  '16-central-endpoints': { [ssm]: ['interface_endpoint'], [kms]: ['interface_endpoint'] },
  '17-vgw-backhaul': { [regional]: ['public_vif'], [sts]: ['internet'] },
  '18-inspection': { [regional]: ['gateway_endpoint'], [sts]: ['nat_gateway'] },
  '19-nat-of-every-kind': {
    [regional]: ['nat_gateway_endpoint'],
    [kms]: ['nat_gateway'],
    [sts]: ['blocked'],
    [ssm]: ['blocked'],
    [sqs]: ['nat_gateway'],
  },
  '20-carrier-gateway': { [regional]: ['internet_gateway'] },
  '21-nat64': { [regional]: ['gateway_endpoint', 'nat_gateway'] },
  '22-unread-list': { [regional]: ['gateway_endpoint', 'nat_gateway'] },
  '23-static-cidr': { [regional]: ['gateway_endpoint', 'nat_gateway'] },
  '24-endpoint-deleted': { [ssm]: ['interface_endpoint'], [kms]: ['interface_endpoint'] },
  '25-not-aws-behind-it': { [ssm]: ['relay'], [kms]: ['relay'] },
  '26-host-takes-it': { [ssm]: ['relay'], [kms]: ['relay'], [regional]: ['gateway_endpoint', 'internet'] },
  '27-overlap': { [ssm]: ['relay'] },
  '28-dualstack-endpoint': {
    [regional]: ['interface_endpoint'],
    [bucket('s3.dualstack.us-east-1.amazonaws.com')]: ['interface_endpoint'],
  },
  '29-public-cidr': { [ssm]: ['interface_endpoint'], [kms]: ['relay'] },
  '30-dns-trouble': { [regional]: ['gateway_endpoint'], [kms]: [], [sqs]: [] },
  '31-one-of-sixty': { [regional]: ['gateway_endpoint', 'nat_gateway'] },
  '32-pod-snat': { [regional]: ['nat_gateway'] },
  '33-container-address': { [regional]: ['nat_gateway'] },
  '34-no-metadata': { [regional]: ['gateway_endpoint'], [sts]: ['nat_gateway'] },
  '35-shared-vpc': {
    [regional]: ['gateway_endpoint'],
    'dynamodb.us-east-1.amazonaws.com': ['gateway_endpoint'],
  },
  '36-tls-interception': { [regional]: ['gateway_endpoint'], [sts]: ['relay'], [kms]: ['relay'] },
  '37-association-changed': { [regional]: ['gateway_endpoint'] },
  '38-undated-dump': { [regional]: ['gateway_endpoint'], [sts]: ['nat_gateway'] },
  '39-old-dump': { [regional]: ['gateway_endpoint'] },
  '40-on-prem': { [regional]: ['interface_endpoint'], [ssm]: ['interface_endpoint'], [sts]: ['internet'] },
  '41-on-prem-public-answers': { [regional]: ['internet'], [ssm]: ['internet'] },
  '42-silent-server': { [regional]: ['gateway_endpoint'] },
  '43-endpoint-gone': { [ssm]: ['interface_endpoint'] },
  '44-api-denied': { [regional]: ['gateway_endpoint'] },
  '45-route-withdrawn': { [regional]: ['gateway_endpoint'] },
  '50-first-leg': { [regional]: ['interface_endpoint'] },
  '51-split-horizon': { [regional]: ['interface_endpoint'] },
  '52-on-prem-relay': { [regional]: ['nat_gateway_endpoint'] },
  '53-public-vif': { [regional]: ['public_vif'] },
  demo: {
    [regional]: ['gateway_endpoint'],
    [bucket('s3.amazonaws.com')]: ['gateway_endpoint'],
    [bucket('s3.dualstack.us-east-1.amazonaws.com')]: ['blocked', 'gateway_endpoint'],
    'backup-lab.s3.us-east-1.amazonaws.com': ['relay'],
    'ssm.us-east-1.amazonaws.com': ['interface_endpoint'],
    'kms.us-east-1.amazonaws.com': ['interface_endpoint'],
    'sts.amazonaws.com': ['nat_gateway'],
  },
}

const classes = (world: World, hostname: string) =>
  [...new Set(nameTruth(world, hostname).addresses.map((each) => each.class))].sort()

const shipped = await shippedScenarios()

describe('the scenarios that come with the lab', () => {
  it('are these', () => {
    expect(shipped).toEqual(Object.keys(stories).sort())
  })

  it.each(Object.entries(stories))('%s: packets go as its story says', async (name, story) => {
    const scenario = await loadScenario(name)
    const world = firstWorld(scenario)
    for (const [hostname, ways] of Object.entries(story)) {
      expect({ hostname, ways: classes(world, hostname) }).toEqual({ hostname, ways })
    }
    expect(scenario.expect.map(({ hostname }) => hostname).sort()).toEqual(Object.keys(story).sort())
  })

  it.each(shipped)(
    '%s: no expectation is kinder than the truth, at the start and after each step',
    async (name) => {
      const scenario = await loadScenario(name)
      let world = firstWorld(scenario)
      const check = (expected: typeof scenario.expect) => {
        for (const each of expected) {
          const truth = nameTruth(world, each.hostname)
          // not to know is never kinder than the truth
          if (each.state === 'undetermined') continue
          const expected = each.class
          const found = truth.addresses.find((address) => address.class === expected)?.class
          expect({ ...each, class: expected }).toEqual({ ...each, state: truth.state, class: found })
        }
      }
      check(scenario.expect)
      for (const step of scenario.steps) {
        world = changeWorld(world, step.change)
        check(step.expect)
      }
    },
  )

  it('the demo takes the route away and puts it back', async () => {
    const scenario = await loadScenario('demo')
    const ways: string[][] = []
    scenario.steps.reduce((world, step) => {
      const next = changeWorld(world, step.change)
      ways.push(classes(next, regional))
      return next
    }, firstWorld(scenario))
    expect(ways).toEqual([['nat_gateway'], ['gateway_endpoint']])
    expect(scenario.steps.map(({ afterSeconds }) => afterSeconds)).toEqual([25, 65])
  })

  /** What each step of a story does to the packets, where it is not the demo's. */
  const turns: Record<string, Record<string, Record<string, string[]>>> = {
    inspection: { 'list-route-removed': { [regional]: ['nat_gateway'] } },
    nat64: { 'list-behind-the-nat': { [regional]: ['gateway_endpoint', 'nat_gateway_endpoint'] } },
    'endpoint-deleted': { deleted: { [ssm]: ['blocked'], [kms]: ['relay'] } },
    'association-changed': {
      'association-removed': { [regional]: ['nat_gateway'] },
      'default-route-removed': { [regional]: ['blocked'] },
    },
    'silent-server': {
      silent: { [regional]: ['gateway_endpoint'] },
      answers: { [regional]: ['gateway_endpoint'] },
    },
    'endpoint-gone': { deleted: { [ssm]: ['nat_gateway'] } },
    'api-denied': {
      denied: { [regional]: ['gateway_endpoint'] },
      allowed: { [regional]: ['gateway_endpoint'] },
    },
    'route-withdrawn': {
      withdrawn: { [regional]: ['nat_gateway'] },
      'put-back': { [regional]: ['gateway_endpoint'] },
    },
  }

  it.each(Object.entries(turns))('%s: its steps turn the packets', async (name, steps) => {
    const scenario = await loadScenario(name)
    let world = firstWorld(scenario)
    const found: typeof steps = {}
    for (const step of scenario.steps) {
      world = changeWorld(world, step.change)
      const names = Object.keys(steps[step.name] ?? {})
      found[step.name] = Object.fromEntries(names.map((hostname) => [hostname, classes(world, hostname)]))
    }
    expect(found).toEqual(steps)
  })

  it('one of sixty answers is the public one', async () => {
    const { addresses } = nameTruth(firstWorld(await loadScenario('one-of-sixty')), regional)
    expect(addresses).toHaveLength(60)
    expect(addresses.filter((each) => each.class !== 'gateway_endpoint')).toMatchObject([
      { address: '18.34.233.40', class: 'nat_gateway', to: 's3' },
    ])
  })

  it('one of eight answers is the public one', async () => {
    const { addresses } = nameTruth(firstWorld(await loadScenario('one-of-eight')), regional)
    expect(addresses).toHaveLength(8)
    expect(addresses.filter((each) => each.class !== 'gateway_endpoint')).toMatchObject([
      { class: 'nat_gateway', to: 's3' },
    ])
  })
})

describe('loading', () => {
  const directories: string[] = []
  afterEach(async () => {
    for (const directory of directories.splice(0)) await rm(directory, { recursive: true })
  })

  it('takes a name with or without its number, or a file', async () => {
    expect((await loadScenario('03-blackhole')).name).toBe('blackhole')
    expect((await loadScenario('blackhole')).name).toBe('blackhole')
    const directory = await mkdtemp(join(tmpdir(), 'pathproof-scenario-'))
    directories.push(directory)
    const file = join(directory, 'mine.yaml')
    await writeFile(file, minimal)
    expect((await loadScenario(file)).name).toBe('mine')
  })

  it('names what there is when there is no such scenario', async () => {
    await expect(loadScenario('nonesuch')).rejects.toThrow(
      /no scenario "nonesuch"; there are: 01-gateway-endpoint, /u,
    )
  })
})

const minimal = `name: mine
title: Mine
story: A story.
names:
  - { target: sts, hostname: sts.amazonaws.com }
expect:
  - { hostname: sts.amazonaws.com, state: public }
`

function problems(yaml: string): string[] {
  const reading = parseScenario(yaml, 'mine.yaml')
  return reading.ok ? [] : reading.problems
}

describe('mistakes in a scenario', () => {
  it('there are none in the smallest one', () => {
    expect(problems(minimal)).toEqual([])
  })

  it.each([
    ['an unknown key', `${minimal}naem: x\n`, ['mine.yaml:8:7: naem: Unrecognized key: "naem"']],
    [
      'an unknown key deep in the world',
      `${minimal}world:\n  tables:\n    - { id: rtb-1, addRoute: [] }\n`,
      ['mine.yaml:10:30: world.tables[0].addRoute: Unrecognized key: "addRoute"'],
    ],
    [
      'a missing key',
      minimal.replace('story: A story.\n', ''),
      ['mine.yaml:1:1: story: Invalid input: expected string, received undefined'],
    ],
    [
      'a word of the wrong list',
      `${minimal}metadata: loud\n`,
      [
        'mine.yaml:8:11: metadata: Invalid option: expected one of "answers"|"silent"|"off"|"hop_limit"|"slow"|"v1_only"|"no_document"|"no_role"',
      ],
    ],
    [
      'undetermined without a reason',
      minimal.replace('state: public', 'state: undetermined'),
      [
        'mine.yaml:7:5: expect[0]: expected {hostname, state: private|public|mixed|blocked, class?, proof?} or {hostname, state: undetermined, because}',
      ],
    ],
    [
      'a duration without a unit',
      `${minimal}steps: [{ after: 25, name: a, title: A, change: {} }]\n`,
      ['mine.yaml:8:18: steps[0].after: Invalid input: expected string, received number'],
    ],
    [
      'a route that can’t be read',
      `${minimal}world: { tables: [{ id: rtb-0a000001, addRoutes: [nowhere] }] }\n`,
      [
        'mine.yaml:1:1: world: route "nowhere": expected "destination -> target [blackhole|filtered] [propagated|advertised]"',
      ],
    ],
    ['a key twice', `${minimal}title: Again\n`, ['mine.yaml:8:1: Map keys must be unique']],
    [
      'two steps of one name',
      `${minimal}steps: [{ after: 1s, name: a, title: A, change: {} }, { after: 2s, name: a, title: B, change: {} }]\n`,
      ['mine.yaml:1:1: steps: two are called "a"'],
    ],
    [
      'an account that YAML read as a number',
      `${minimal}world: { account: 111122223333 }\n`,
      ['mine.yaml:8:19: world.account: Invalid input: expected string, received number'],
    ],
  ])('%s', (_what, yaml, expected) => {
    expect(problems(yaml)).toEqual(expected)
  })

  it('are told all at once', () => {
    expect(problems('name: mine\nstory: 7\n')).toHaveLength(4)
  })

  it('an alias bomb is refused', () => {
    const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n`
    expect(problems(bomb)[0]).toMatch(/alias/u)
  })
})
