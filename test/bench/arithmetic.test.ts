/** What the bench reckons with: a wrong sum there would be believed for long. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFigure, missed, shown } from '../../scripts/bench/figure.ts'
import { readExposition } from '../../scripts/bench/fleet-series.ts'
import { readWire, type Wire } from '../../scripts/bench/pcap.ts'
import { readCurl } from '../../scripts/bench/peer-curl.ts'
import { encodeLabels, encodeWrite, snappyLiterals } from '../../scripts/bench/remote-write.ts'
import { middle, quantile, ratios, type Sample } from '../../scripts/bench/samples.ts'
import { differencesOf, errorsOf, joinByPort } from '../../scripts/bench/wire.ts'

const sample = (port: number, atMs: number, tlsSeconds: number, boundSeconds: number | null): Sample => ({
  port,
  atMs,
  timings: {
    dnsSeconds: null,
    tcpConnectSeconds: 0.001,
    tlsHandshakeSeconds: tlsSeconds,
    firstByteSeconds: null,
    uncertaintySeconds: boundSeconds,
  },
})
const wire = (port: number, atMs: number, tlsMs: number): Wire => ({ port, atMs, tcpMs: 1, tlsMs })

describe('quantiles', () => {
  it('are members of what was given, and in order', () => {
    expect([quantile([], 0.5), quantile([7], 0.99), quantile([3, 1, 2], 0.5)]).toEqual([NaN, 7, 2])
    expect(
      quantile(
        Array.from({ length: 100 }, (_, i) => i + 1),
        0.99,
      ),
    ).toBe(100)
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true }), { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, share) => {
          const found = quantile(values, share)
          expect(values).toContain(found)
          const below = values.filter((value) => value < found).length
          expect(below).toBeLessThanOrEqual(share * values.length)
        },
      ),
    )
  })

  it('of runs come with the least and the largest; ratios are run by run', () => {
    expect(middle([3, 1, 2])).toEqual({ value: 2, spread: [1, 3] })
    expect(ratios([1, 20, 3], [2, 10, 3])).toEqual({ value: 1, spread: [0.5, 2] })
  })
})

describe('the join of wire and samples', () => {
  it('is by port and time, and takes none where two would do', () => {
    const wires = [wire(1, 1000, 5), wire(2, 1000, 6), wire(3, 1000, 7), wire(1, 9000, 8)]
    const samples = [
      sample(1, 1001, 0.005, 0),
      sample(1, 9001, 0.008, 0),
      sample(2, 1001, 0.006, 0),
      sample(2, 1500, 0.006, 0),
      sample(3, 3001, 0.007, 0),
    ]
    expect(joinByPort(wires, samples).map(({ wire: { tlsMs } }) => tlsMs)).toEqual([5, 8])
  })

  it('gives errors, what is left out, and what is beyond its bound', () => {
    const joined = [
      { wire: wire(1, 0, 5), sample: sample(1, 0, 0.0051, 0.0001) },
      { wire: wire(2, 0, 5), sample: sample(2, 0, 0.0049, 0.0001) },
      // further off than it says, by more than half a millisecond
      { wire: wire(3, 0, 5), sample: sample(3, 0, 0.0065, 0.0005) },
      // left out: its bound is above 2 ms and above a fifth of it
      { wire: wire(4, 0, 5), sample: sample(4, 0, 0.0075, 0.003) },
    ]
    const errors = errorsOf(joined, 'tls')
    expect(errors).toMatchObject({ count: 4, exceeded: 0.25, leftOut: 0.25, wireP50: 5 })
    expect(errors.p50).toBeCloseTo(0.1)
    expect(errors.p99).toBeCloseTo(1.5)
    expect(errors.boundP50).toBeCloseTo(0.5)
    expect(errorsOf(joined, 'tls', false)).toMatchObject({ exceeded: null, leftOut: null })
  })

  it('of samples without ports compares percentiles', () => {
    const told = differencesOf([wire(1, 0, 5), wire(2, 0, 7)], [sample(0, 0, 0.006, null)], 'tls')
    expect([told.count, told.p50]).toEqual([1, -1])
  })
})

describe('what was read', () => {
  it('of curl are the times between its marks', () => {
    const read = readCurl('200 40000 0.010 0.015 0.040\n', 1000)
    expect(read).toMatchObject({ port: 40_000, atMs: 1010 })
    expect(read?.timings.tcpConnectSeconds).toBeCloseTo(0.005)
    expect(read?.timings.tlsHandshakeSeconds).toBeCloseTo(0.025)
    expect(readCurl('000 0 0 0 0', 0)).toBe(null)
    expect(readCurl('', 0)).toBe(null)
  })

  it('of the wire are the packets of a connection', () => {
    const packet = (ms: number, out: boolean, flags: number, payload: number): Buffer => {
      const ip = Buffer.alloc(54)
      ip.writeUInt16BE(0x0800, 12)
      ip[14] = 0x45
      ip.writeUInt16BE(40 + payload, 16)
      ip[23] = 6
      ip.writeUInt16BE(out ? 40_000 : 443, 34)
      ip.writeUInt16BE(out ? 443 : 40_000, 36)
      ip[46] = 5 << 4
      ip[47] = flags
      const head = Buffer.alloc(16)
      head.writeUInt32LE(Math.floor(ms / 1000), 0)
      head.writeUInt32LE((ms % 1000) * 1e6, 4)
      head.writeUInt32LE(54, 8)
      head.writeUInt32LE(54 + payload, 12)
      return Buffer.concat([head, ip])
    }
    const file = Buffer.alloc(24)
    file.writeUInt32LE(0xa1b23c4d, 0)
    const packets = [
      packet(1000, true, 0x02, 0),
      packet(1002, false, 0x12, 0),
      packet(1003, true, 0x18, 300),
      packet(1006, false, 0x18, 1400),
      packet(1007, false, 0x18, 900),
      packet(1009, true, 0x18, 64),
      packet(1020, false, 0x18, 500),
    ]
    expect(readWire(Buffer.concat([file, ...packets]))).toEqual([
      { port: 40_000, atMs: 1000, tcpMs: 2, tlsMs: 4 },
    ])
  })

  it('of an exposition are its samples', () => {
    expect(readExposition('# HELP a b\na{x="1",y="z"} 2\nb 3e1\n')).toEqual([
      { name: 'a', labels: { x: '1', y: 'z' }, value: 2 },
      { name: 'b', labels: {}, value: 30 },
    ])
  })
})

describe('remote write', () => {
  it('is what protobuf and snappy say (prometheus/prompb types.proto, snappy format_description.txt)', () => {
    const body = encodeWrite([
      { labels: encodeLabels({ job: 'x', __name__: 'a', empty: '' }), samples: [[1.5, 1_790_000_000_123]] },
    ])
    const label = (name: string, value: string) =>
      `0a${(name.length + value.length + 4).toString(16).padStart(2, '0')}0a${name.length.toString(16).padStart(2, '0')}${Buffer.from(name).toString('hex')}12${value.length.toString(16).padStart(2, '0')}${Buffer.from(value).toString('hex')}`
    const labels = label('__name__', 'a') + label('job', 'x')
    const point = `121009000000000000f83f10${'fbd8c1a28c34'}`
    const message = `0a${(labels.length / 2 + 18).toString(16)}${labels}${point}`
    const length = message.length / 2
    expect(body.toString('hex')).toBe(
      `${length.toString(16)}f4${(length - 1).toString(16).padStart(2, '0')}00${message}`,
    )
  })

  it('splits what is long into literals', () => {
    const packed = snappyLiterals(Buffer.alloc(70_000, 7))
    expect(packed.length).toBe(3 + 3 + 65_536 + 3 + (70_000 - 65_536))
    expect([...packed.subarray(0, 6)]).toEqual([0xf0, 0xa2, 0x04, 0xf4, 0xff, 0xff])
  })
})

describe('figures', () => {
  it('miss what is wanted on either side, and where they are no numbers', () => {
    const figure = { name: 'n', value: 2, unit: 's' }
    expect(missed(figure)).toBe(false)
    expect(missed({ ...figure, ceiling: 2 })).toBe(false)
    expect(missed({ ...figure, ceiling: 1.9 })).toBe(true)
    expect(missed({ ...figure, floor: 2.1 })).toBe(true)
    expect(missed({ ...figure, floor: -3, value: -4, ceiling: 3 })).toBe(true)
    expect(missed({ ...figure, value: NaN, ceiling: 1 })).toBe(true)
    expect(shown({ ...figure, ceiling: 1 })).toContain('MISSED')
  })

  it('that were not measured say why', () => {
    const line = { skipped: 'curl', because: 'no curl here' }
    expect(isFigure(line)).toBe(false)
    expect(shown(line)).toContain('skipped: no curl here')
  })
})
