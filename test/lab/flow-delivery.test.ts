import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { opening, transfer } from '../../lab/flow/connections.ts'
import { draw } from '../../lab/flow/draw.ts'
import { flowFiles } from '../../lab/flow/files.ts'
import { metricPoints } from '../../lab/flow/metrics.ts'
import type { FlowLog } from '../../lab/flow/types.ts'
import { eventsOf, fieldsOfLine, noon, recorded, s3Address } from './flow-tools.ts'

const withLog = (log: Partial<FlowLog>, plan: Parameters<typeof recorded>[1] = {}) =>
  recorded({ flowLogs: [{ id: 'fl-0a000001', resource: 'eni-0a000050', noData: false, ...log }] }, plan)

describe('windows and lateness', () => {
  it('a record arrives after its window and the delay, not before', () => {
    const lab = withLog({ aggregationSeconds: 600, deliverySeconds: 300 })
    lab.wait(5)
    lab.connect()
    lab.wait(894)
    expect(lab.events()).toEqual([])
    lab.wait(1)
    const events = lab.events()
    expect(events).toHaveLength(2)
    expect(events[0]).toMatchObject({
      interface: 'eni-0a000050',
      startMs: noon + 5000,
      arrivedMs: noon + 900_000,
    })
    expect(events[0]?.id).toMatch(/^\d{56}$/u)
    expect(fieldsOfLine(events[0]?.line ?? '')).toMatchObject({
      start: String(noon / 1000 + 5),
      end: String(noon / 1000 + 5),
      'tcp-flags': '3',
    })
  })

  it('a long connection has a record in each window, with the flags of that window', () => {
    const lab = withLog({})
    let moved = { read: 0, written: 0 }
    const open = lab.recorder.opened(
      { source: '10.0.1.50', destination: s3Address, port: 443 },
      40_000,
      () => moved,
    )
    lab.wait(70)
    moved = { read: 100, written: 200 }
    lab.recorder.connections(0, lab.now())
    lab.wait(60)
    open.closed()
    lab.wait(600)
    const out = lab
      .events()
      .map(({ line }) => fieldsOfLine(line))
      .filter((fields) => fields['flow-direction'] === 'egress')
    expect(out.map((fields) => fields['tcp-flags'])).toEqual(['2', '0', '1'])
    expect(out.map(({ start }) => Number(start) - noon / 1000)).toEqual([0, 70, 130])
    const back = lab
      .events()
      .map(({ line }) => fieldsOfLine(line))
      .filter((fields) => fields['flow-direction'] === 'ingress')
    expect(back.map((fields) => fields['tcp-flags'])).toEqual(['18', '0', '1'])
  })

  it('asked twice, or in parts, the same lines come; with another seed others', () => {
    const make = (seed: number) => {
      const lab = withLog(
        { lost: 0.3, doubled: 0.3, jitterSeconds: 90, skipped: 0.2, skippedHides: 0.5 },
        { seed },
      )
      for (let n = 0; n < 200; n += 1) {
        lab.connect(s3Address, 40_000 + n)
        lab.wait(3)
      }
      lab.wait(1000)
      return lab
    }
    const lab = make(1)
    const all = lab.events()
    expect(lab.events()).toEqual(all)
    expect(make(1).events()).toEqual(all)
    expect(make(2).events()).not.toEqual(all)
    const middle = noon + 250_000
    expect([...lab.events({ toMs: middle }), ...lab.events({ fromMs: middle })]).toEqual(all)
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
  })
})

describe('how a log is kept', () => {
  const many = (log: Partial<FlowLog>) => {
    const lab = withLog(log)
    for (let n = 0; n < 300; n += 1) {
      lab.connect(s3Address, 40_000 + n)
      lab.wait(2)
    }
    lab.wait(2000)
    return lab
  }
  const statuses = (lab: ReturnType<typeof withLog>) =>
    lab.events().map(({ line }) => fieldsOfLine(line)['log-status'])

  it('lost: a share is gone without a trace', () => {
    const { length } = many({ lost: 0.5 }).events()
    expect(length).toBeGreaterThan(200)
    expect(length).toBeLessThan(400)
  })

  it('doubled: the same line twice, under two ids', () => {
    const events = many({ doubled: 1 }).events()
    expect(events).toHaveLength(1200)
    expect(new Set(events.map(({ line }) => line)).size).toBe(600)
  })

  it('jitter: arrival is out of order', () => {
    const arrived = many({ jitterSeconds: 300 })
      .events()
      .map(({ arrivedMs }) => arrivedMs)
    expect(arrived.some((atMs, n) => n > 0 && atMs < (arrived[n - 1] ?? 0))).toBe(true)
  })

  it('skipped: one line stands for all that it hides', () => {
    const lab = many({ skipped: 1 })
    expect(new Set(statuses(lab))).toEqual(new Set(['SKIPDATA']))
    // a window a minute, from the first to the last whole one before the delay
    expect(lab.events()).toHaveLength(38)
    const half = statuses(many({ skipped: 1, skippedHides: 0.5 })).filter((status) => status === 'OK').length
    expect(half).toBeGreaterThan(200)
    expect(half).toBeLessThan(400)
  })

  it('quiet windows: NODATA with dashes', () => {
    const lab = recorded({ flowLogs: [{ id: 'fl-0a000001', resource: 'eni-0a000050', format: null }] })
    lab.wait(60)
    lab.connect()
    lab.wait(900)
    const lines = lab.events().map(({ line }) => line)
    expect(lines[0]).toBe(
      `2 111122223333 eni-0a000050 - - - - - - - ${noon / 1000} ${noon / 1000 + 60} - NODATA`,
    )
    expect(lines.filter((line) => line.endsWith('OK'))).toHaveLength(2)
    // eleven windows have arrived, of which one is not quiet
    expect(lines.filter((line) => line.endsWith('NODATA'))).toHaveLength(10)
  })

  it('ACCEPT only: refused ones are not there', () => {
    const lab = recorded({
      flowLogs: [{ id: 'fl-0a000001', resource: 'vpc-0a000001', trafficType: 'ACCEPT', noData: false }],
      subnets: [{ id: 'subnet-0a000001', denies: ['52.94.0.0/22'] }],
    })
    lab.recorder.lost({ source: '10.0.1.50', destination: '52.94.2.72', port: 443 }, 40_000)
    lab.connect()
    lab.wait(900)
    expect(lab.events().map(({ line }) => fieldsOfLine(line)['action'])).toEqual(['ACCEPT', 'ACCEPT'])
  })

  it('failed: nothing arrives any more; what was there stays', () => {
    const lab = withLog({})
    lab.connect()
    lab.wait(400)
    expect(lab.events()).toHaveLength(2)
    lab.connect()
    lab.change({ flowLogs: [{ id: 'fl-0a000001', status: 'FAILED', error: 'Access error' }] })
    lab.wait(1000)
    expect(lab.events()).toHaveLength(2)
  })

  it('wrong: a record says what is not so, the others don’t', () => {
    const wrong = [
      { remote: s3Address, interface: null, direction: 'egress' as const, fields: { 'traffic-path': '8' } },
    ]
    const lab = withLog({ wrong })
    lab.connect()
    lab.connect('54.231.128.9', 40_001)
    lab.wait(900)
    const paths = lab.events().map(({ line }) => {
      const fields = fieldsOfLine(line)
      return `${fields['dstaddr']} ${fields['traffic-path']}`
    })
    expect(paths.toSorted()).toEqual(['10.0.1.50 -', '10.0.1.50 -', '52.216.8.53 8', '54.231.128.9 7'])
  })

  it('a log of an interface, of a subnet and of the VPC cover what is in them', () => {
    const lab = recorded({
      flowLogs: ['eni-0b000009', 'subnet-0a000001', 'vpc-0a000001'].map((resource, n) => ({
        id: `fl-0a00000${n}`,
        resource,
        noData: false,
      })),
      tables: [{ id: 'rtb-0a000001', removeRoutes: ['pl-63a5400a'] }],
    })
    lab.connect()
    lab.wait(900)
    const seen = lab.world().flowLogs.map((log) => {
      const events = eventsOf(lab.recorder, log, lab.now())
      return [...new Set(events.map(({ interface: id }) => id))].toSorted()
    })
    expect(seen).toEqual([['eni-0b000009'], ['eni-0a000050'], ['eni-0a000050', 'eni-0b000009']])
  })
})

describe('workload', () => {
  const workload = [
    {
      interface: 'eni-0a000050',
      source: null,
      destination: '198.18.0.0/24',
      port: 443,
      protocol: 6,
      everySeconds: 10,
      bytes: 5000,
    },
  ]

  it('goes out at its pace, to addresses of its range, by the route of the world at that time', () => {
    const lab = withLog({}, { workload })
    lab.wait(60)
    lab.change({ tables: [{ id: 'rtb-0a000001', addRoutes: ['198.18.0.0/15 -> igw-0a000001'] }] })
    lab.wait(900)
    const out = lab
      .events({ toMs: noon + 120_000 })
      .map(({ line }) => fieldsOfLine(line))
      .filter((fields) => fields['flow-direction'] === 'egress')
    expect(out).toHaveLength(12)
    expect(out.every(({ dstaddr }) => dstaddr?.startsWith('198.18.0.'))).toBe(true)
    expect(out.map((fields) => fields['traffic-path'])).toEqual([
      ...Array<string>(6).fill('1'),
      ...Array<string>(6).fill('8'),
    ])
    expect(out.every((fields) => fields['pkt-dst-aws-service'] === '-')).toBe(true)
  })
})

describe('files in S3', () => {
  const destination = { type: 's3' as const, bucket: 'logs', prefix: 'net', hive: false, hourly: true }

  it('gzip with a header line, five minutes each, at AWS’s own place', () => {
    const lab = withLog({ destination, format: null, deliverySeconds: 600 })
    lab.connect()
    lab.wait(400)
    lab.connect(s3Address, 40_001)
    lab.wait(299)
    expect(flowFiles(lab.recorder, 'logs', lab.now())).toEqual([])
    lab.wait(900)
    const files = flowFiles(lab.recorder, 'logs', lab.now())
    expect(files.map(({ key }) => key)).toEqual([
      expect.stringMatching(
        /^net\/AWSLogs\/111122223333\/vpcflowlogs\/us-east-1\/2026\/11\/20\/12\/111122223333_vpcflowlogs_us-east-1_fl-0a000001_20261120T1215Z_[0-9a-f]{8}\.log\.gz$/u,
      ),
      expect.stringMatching(/_20261120T1220Z_/u),
    ])
    const [header, first, second, end] = gunzipSync(files[0]?.body() ?? '')
      .toString()
      .split('\n')
    expect(header).toBe(
      'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status',
    )
    expect([first, second].every((line) => line?.endsWith(' ACCEPT OK'))).toBe(true)
    expect(end).toBe('')
  })

  it('in Hive’s form, without a prefix', () => {
    const lab = withLog({ destination: { ...destination, prefix: '', hive: true, hourly: false } })
    lab.connect()
    lab.wait(900)
    expect(flowFiles(lab.recorder, 'logs', lab.now())[0]?.key).toMatch(
      /^AWSLogs\/aws-account-id=111122223333\/aws-service=vpcflowlogs\/aws-region=us-east-1\/year=2026\/month=11\/day=20\/111122223333_vpc/u,
    )
  })
})

describe('metrics', () => {
  it('a NAT gateway counts what goes through it, in minutes with traffic only', () => {
    const lab = recorded({ tables: [{ id: 'rtb-0a000001', removeRoutes: ['pl-63a5400a'] }] })
    lab.connect()
    lab.wait(180)
    lab.connect()
    lab.connect()
    lab.wait(600)
    const question = { namespace: 'AWS/NATGateway', fromMs: noon, toMs: lab.now() }
    const of = (name: string, id = 'nat-0b000009') =>
      metricPoints(lab.recorder, { ...question, name, dimensions: { NatGatewayId: id } })
    const sent = opening(0).out.bytes + transfer(0, 500, 4000, true).out.bytes
    expect(of('BytesOutToDestination')).toEqual([
      { atMs: noon, value: sent },
      { atMs: noon + 180_000, value: 2 * sent },
    ])
    expect(of('ConnectionAttemptCount').map(({ value }) => value)).toEqual([1, 2])
    expect(of('ActiveConnectionCount').map(({ value }) => value)).toEqual([1, 2])
    expect(of('BytesOutToDestination', 'nat-0b00000a')).toEqual([])
    expect(of('BytesTransferred')).toEqual([])
    const more = { NatGatewayId: 'nat-0b000009', VpcId: 'vpc-0a000001' }
    expect(
      metricPoints(lab.recorder, { ...question, name: 'BytesOutToDestination', dimensions: more }),
    ).toEqual([])
  })
})

it('a draw depends on what it is for, and on nothing else', () => {
  const values = Array.from({ length: 2000 }, (_, n) => draw(7, 'x', n))
  expect(values.every((value) => value >= 0 && value < 1)).toBe(true)
  expect(Math.abs(values.reduce((sum, value) => sum + value, 0) / 2000 - 0.5)).toBeLessThan(0.03)
  expect(draw(7, 'x', 5)).toBe(values[5])
  expect(draw(8, 'x', 5)).not.toBe(values[5])
})
