/** A common set-up: nothing of the account can be read, and the canary asks AWS itself, over a name of its own. */
import { afterEach, expect, it } from 'vitest'
import { canaryPolicy } from '../../aws/bucket-policy.ts'
import { type DrivenDaemon, startDriven } from '../support/driven-daemon.ts'
import { surroundings } from '../support/lab-daemon.ts'

let running: DrivenDaemon | null = null
afterEach(async () => {
  await running?.stop()
  running = null
})

const host = 'canary-lab.s3.us-east-1.amazonaws.com'
const policy = (sourceAddress: string) =>
  JSON.stringify(
    canaryPolicy({
      partition: 'aws',
      bucket: 'canary-lab',
      positive: 'p',
      negative: 'n',
      endpoint: 'vpce-0a000053',
      vpcId: 'vpc-0a000001',
      sourceAddresses: [sourceAddress],
    }),
  )

/** The bucket's name has one address; nothing else of S3 is watched. */
const scenario = (beneath = '{}') => `name: canary-alone
title: The canary on its own
story: The role may not describe anything, and a bucket tells by which way a request came in.
world: { names: [{ hostname: ${host}, ipv4: [52.216.8.53] }] }
beneath: ${beneath}
api:
  deny: [DescribeRouteTables, DescribeVpcEndpoints, DescribeSubnets, DescribeNetworkInterfaces, DescribeVpcs, DescribeManagedPrefixLists, GetManagedPrefixListEntries, DescribePrefixLists, DescribeNatGateways, DescribeFlowLogs, DescribeInternetGateways, DescribeVpcPeeringConnections]
names: [{ target: token, hostname: sts.us-east-1.amazonaws.com }]
records:
  s3:
    buckets:
      - name: canary-lab
        owner: '111122223333'
        policy: ${policy('10.0.1.50')}
        objects: [{ key: c }, { key: p }, { key: n }]
expect: [{ hostname: sts.us-east-1.amazonaws.com, state: public }]
`

async function begin(text: string): Promise<DrivenDaemon> {
  running = await startDriven({
    scenario: text,
    document: (lab) => ({
      ...surroundings(lab),
      topology: { source: 'aws' },
      canary: {
        every: '60s',
        bucket: 'canary-lab',
        control: 'c',
        positive: 'p',
        negative: 'n',
        endpoint: 'vpce-0a000053',
        source_ip: true,
      },
      targets: [{ name: 'token', hostname: 'sts.us-east-1.amazonaws.com', every: '30s', timeout: '2s' }],
    }),
  })
  return running
}

const gauge = `pathproof_path_private{target="canary",hostname="${host}",style="regional"}`

it('its own name is private, attested and confirmed; no other name is by that', async () => {
  const daemon = await begin(scenario())
  await daemon.minutes(3)
  expect(daemon.name('canary')).toMatchObject({
    hostname: host,
    state: 'private',
    proof: 'attested',
    confirmation: 'confirmed',
    // of which kind the endpoint is can't be read
    possible: ['gateway_endpoint', 'interface_endpoint'],
    tainted: false,
  })
  expect(await daemon.metric(gauge)).toBe(1)
  expect(await daemon.metric(`pathproof_requirement_met{target="canary"}`)).toBeNull()
  expect(daemon.name('token')).toMatchObject({ state: 'undetermined', proof: null })
  // between two rounds it is looked at like any other name, and what AWS said goes on to count
  await daemon.minutes(4)
  expect(daemon.name('canary')).toMatchObject({ state: 'private', proof: 'attested' })
  expect(await daemon.metric(gauge)).toBe(1)
}, 60_000)

it('is not private where the packets go by a NAT gateway', async () => {
  const daemon = await begin(scenario('{ tables: [{ id: rtb-0a000001, removeRoutes: [pl-63a5400a] }] }'))
  await daemon.minutes(3)
  const seen = daemon.verdicts.items.filter(({ target }) => target === 'canary')
  expect(seen.map(({ state }) => state)).not.toContain('private')
  const rules = seen.flatMap(({ names }) => names.flatMap((one) => one.attempts.flatMap((a) => a.evidence)))
  expect(rules.map(({ rule }) => rule)).toContain('canary.no_endpoint')
  expect(await daemon.metric(gauge)).toBe(0)
}, 60_000)
