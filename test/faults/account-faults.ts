import { startEc2Server, type Ec2Reply } from '../support/ec2-server.ts'
import type { MidRun } from './play.ts'
import { closedPort, type Stage, said } from './stage.ts'

const ranges = ['52.216.0.0/15', '3.5.0.0/19', '54.231.0.0/16', '16.182.0.0/16', '16.15.176.0/20']
const further = Array.from({ length: 15 }, (_, i) => `18.34.${16 * i}.0/20`)

/** S3 by its gateway endpoint, the account read by its API, and every way in which that may fail. */
export const accountScenario = `name: account-faults
title: S3 by its gateway endpoint
story: What the APIs of the account do wrong.
credentials: environment
world:
  lists: [{ id: pl-63a5400a, entries: ${JSON.stringify([...ranges, ...further])} }]
  names: [{ hostname: artifacts-lab.s3.us-east-1.amazonaws.com, ipv4: [52.216.8.53] }]
names: [{ target: artifacts, hostname: artifacts-lab.s3.us-east-1.amazonaws.com }]
steps:
  - { after: 1s, name: well, title: All is well, api: { deny: [], throttle: {}, breaks: {} } }
  - { after: 2s, name: expired, title: The credentials expire, api: { breaks: { all: expired } } }
  - { after: 3s, name: throttled, title: The API throttles, api: { throttle: { DescribeRouteTables: 4 } } }
  - { after: 4s, name: broken, title: The API is broken, api: { breaks: { all: error } } }
  - { after: 5s, name: nothing, title: Answers are empty, api: { breaks: { all: empty } } }
  - { after: 6s, name: endless, title: Pages never end, api: { breaks: { DescribeRouteTables: endless } } }
  - { after: 7s, name: denied, title: A permission is gone, api: { deny: [DescribeRouteTables] } }
  - { after: 8s, name: hollow, title: The list has no entries, change: { lists: [{ id: pl-63a5400a, entries: [] }] } }
  - { after: 9s, name: shrunk, title: The list lost 90 % of its entries, change: { lists: [{ id: pl-63a5400a, entries: [3.5.0.0/19, 16.182.0.0/16] }] } }
  - { after: 10s, name: ipv6-list, title: Only the list of IPv6 is left, change: { remove: [pl-63a5400a], lists: [{ id: pl-0a6, name: com.amazonaws.us-east-1.ipv6.s3, owner: AWS, entries: ['2600:1fa0:8000::/39', '2600:1f68::/32'] }] } }
  - after: 11s
    name: whole
    title: The list is as it was
    change:
      remove: [pl-0a6]
      lists: [{ id: pl-63a5400a, name: com.amazonaws.us-east-1.s3, owner: AWS, entries: ${JSON.stringify([...ranges, ...further])} }]
expect: [{ hostname: artifacts-lab.s3.us-east-1.amazonaws.com, state: private }]
`

const failed = (reason: string, part = 'routeTables') =>
  `pathproof_topology_errors_total{part="${part}",reason="${reason}"}`

/**
 * What was read last still stands for three minutes: nothing changes at the first failure but the metric and the log.
 * Then the state is open.
 */
async function outlive(stage: Stage): Promise<void> {
  // its time has come within a minute and a tenth; what it then takes is not of this clock
  await said(stage, 'topology_problem', stage.log.length, 70)
  const state = stage.verdict('artifacts')?.state
  if (state !== 'private')
    throw new Error(`the last good reading should stand for a while, but it is ${state}`)
  for (let cycle = 0; cycle < 10; cycle++) await stage.cycle()
}

const refused = (fault: string, step: string, reason: string, problem: RegExp): MidRun => ({
  fault,
  reread: 'well',
  begin: (stage) => stage.lab.apply(step),
  pass: outlive,
  end: (stage) => stage.lab.apply('well'),
  state: 'undetermined',
  metrics: { [failed(reason)]: { grewBy: 1 } },
  log: { event: 'topology_problem', level: 'warn', problem },
})

/** Another server in the API's place, for what the lab's own does not say. */
const instead = (fault: string, reply: Ec2Reply, reason: string, problem: RegExp): MidRun => {
  let undo = (): Promise<void> => Promise.resolve()
  return {
    ...refused(fault, 'well', reason, problem),
    async begin(stage) {
      const server = await startEc2Server({ DescribeRouteTables: () => reply })
      const before = stage.environment['AWS_ENDPOINT_URL_EC2']
      stage.environment['AWS_ENDPOINT_URL_EC2'] = server.url
      undo = async () => {
        stage.environment['AWS_ENDPOINT_URL_EC2'] = before
        await server.close()
      }
    },
    end: () => undo(),
  }
}

export const apiFaults: readonly MidRun[] = [
  refused(
    'the credentials expire',
    'expired',
    'credentials',
    /did not take the credentials \(RequestExpired\)/,
  ),
  {
    // as often as a request is repeated
    ...refused('four requests are throttled', 'throttled', 'throttled', /throttled ec2:DescribeRouteTables/),
    pass: (stage) => said(stage, 'topology_problem', stage.log.length, 70),
    // what was read before stands, and the next reading comes in time
    state: 'private',
  },
  refused('every request ends with 500', 'broken', 'failed', /failed \(InternalError, HTTP 500\)/),
  refused('answers are empty', 'nothing', 'invalid', /is no whole answer to ec2:DescribeRouteTables/),
  refused('pages never end', 'endless', 'invalid', /pages of ec2:DescribeRouteTables do not end/),
  refused('a permission is taken away', 'denied', 'denied', /ec2:DescribeRouteTables is missing/),
  instead(
    'the clock of this host is off by more than can be mended (RequestTimeTooSkewed)',
    { error: 'RequestTimeTooSkewed', status: 403 },
    'credentials',
    /\(RequestTimeTooSkewed\).*see that the clock of this host is right/,
  ),
  instead(
    'an empty page where a VPC has at least its main table',
    { body: { routeTableSet: [] } },
    'invalid',
    /nothing of vpc-0a000001 is shown/,
  ),
  {
    ...refused('the API is out of reach', 'well', 'unreachable', /can't be reached \(ECONNREFUSED\)/),
    async begin(stage) {
      stage.environment['AWS_ENDPOINT_URL_EC2'] = `http://127.0.0.1:${await closedPort()}`
    },
    end(stage) {
      stage.environment['AWS_ENDPOINT_URL_EC2'] = stage.lab.apiUrl ?? ''
    },
  },
]

/** From the reading that shows it on, and until no attempt of before is the word on its address any more. */
async function relook(stage: Stage): Promise<void> {
  for (let cycle = 0; cycle < 10; cycle++) await stage.cycle()
}

const entries = (list: string) => `pathproof_prefix_list_entries{prefix_list="${list}"}`

const changed = (fault: string, step: string, shown: Pick<MidRun, 'state' | 'metrics' | 'log'>): MidRun => ({
  fault,
  reread: 'well',
  begin: (stage) => stage.reread(step),
  pass: relook,
  end: (stage) => stage.reread('whole'),
  ...shown,
})

export const listFaults: readonly MidRun[] = [
  changed("AWS's list has no entries at all", 'hollow', {
    // no list of AWS's is empty: what it holds is not known
    state: 'undetermined',
    metrics: { [entries('pl-63a5400a')]: 0 },
    log: { event: 'topology_problem', level: 'warn', problem: /AWS's own list has no entries/ },
  }),
  changed("AWS's list lost nine of ten entries", 'shrunk', {
    // what is outside the list takes the NAT gateway
    state: 'public',
    metrics: { [entries('pl-63a5400a')]: 2 },
    log: { event: 'prefix_list_shrank', level: 'warn', id: 'pl-63a5400a', before: 20, entries: 2 },
  }),
  changed('only the list of IPv6 is left, while a route still names that of IPv4', 'ipv6-list', {
    state: 'undetermined',
    metrics: { [entries('pl-0a6')]: 2, [failed('failed', 'prefixLists')]: { grewBy: 1 } },
    log: { event: 'topology_problem', level: 'warn', problem: /GetManagedPrefixListEntries/ },
  }),
]
