import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBasis } from '../../agent/ledger/basis.ts'
import { createContentsCutter, piecesOf } from '../../agent/ledger/contents.ts'
import { snapshotRecord } from '../../agent/ledger/standing.ts'
import { atOnce } from '../../agent/ledger/turns.ts'
import { createReplayContents } from '../../agent/ledger/replay-contents.ts'
import type { KeptReading } from '../../agent/account/snapshot-keeper.ts'
import { maxLineBytes } from '../../ledger/types.ts'
import {
  type NetworkInterface,
  type PartReading,
  type RouteTable,
  type Snapshot,
  type SnapshotPart,
  snapshotParts,
} from '../../model/topology.ts'

const read: PartReading = { read: true, atMs: 1000, dated: 'api' }

function snapshot(changes: Partial<Snapshot> = {}, id = 's1'): Snapshot {
  const parts = Object.fromEntries(snapshotParts.map((part) => [part, read])) as Record<
    SnapshotPart,
    PartReading
  >
  const empty = Object.fromEntries(snapshotParts.map((part) => [part, []])) as unknown as Snapshot
  return {
    ...empty,
    id,
    account: '111122223333',
    region: 'us-east-1',
    source: 'test',
    parts,
    problems: [],
    ...changes,
  }
}

function table(n: number, routes: number): RouteTable {
  return {
    id: `rtb-${n}`,
    vpcId: 'vpc-1',
    main: false,
    subnetIds: [`subnet-${n}`],
    gatewayIds: [],
    unreadableRoutes: 0,
    routes: Array.from({ length: routes }, (_, index) => ({
      destination: { kind: 'cidr', cidr: `10.${n % 256}.${index % 256}.0/24` },
      target: { kind: 'peering', id: `pcx-${index}` },
      state: 'active',
      origin: 'static',
    })),
  }
}

function eni(n: number): NetworkInterface {
  const address = `10.0.${n >> 8}.${n & 255}`
  return {
    id: `eni-${String(n).padStart(17, '0')}`,
    vpcId: 'vpc-1',
    subnetId: 'subnet-1',
    macAddress: '02:00:00:00:00:01',
    ipv4: [{ address, primary: true, publicAddress: null }],
    ipv6: [],
    ipv4Prefixes: [],
    ipv6Prefixes: [],
    interfaceType: 'interface',
    status: 'in-use',
    requesterManaged: false,
    instanceId: null,
    ownerId: '111122223333',
  }
}

function begin(segmentBytes = 64 * 1024 * 1024) {
  const lines: { kind: string; body: Record<string, unknown> }[] = []
  let nowMs = 0
  let reading: KeptReading | null = null
  const basis = createBasis({
    append(kind, body) {
      lines.push({ kind, body: JSON.parse(JSON.stringify(body)) as Record<string, unknown> })
      return Promise.resolve({ ok: true, seq: lines.length })
    },
    current: () => reading,
    surroundings: () => null,
    wallMs: () => nowMs,
    segmentBytes: () => segmentBytes,
  })
  return {
    basis,
    lines,
    later: (hours: number) => {
      nowMs += hours * 3_600_000
    },
    /** As the agent does with a changed reading. */
    changed(one: Snapshot): number {
      reading = { snapshot: one, content: one.id }
      basis.read(reading)
      const before = lines.length
      const body = atOnce(basis.snapshot(snapshotRecord(one)))
      lines.push({ kind: 'snapshot', body: JSON.parse(JSON.stringify(body)) as Record<string, unknown> })
      return lines.slice(before).reduce((sum, line) => sum + JSON.stringify(line.body).length + 300, 0)
    },
    back(): Snapshot | string {
      const contents = createReplayContents()
      let last: Snapshot | string = 'none'
      for (const { kind, body } of lines) {
        if (kind === 'content') contents.take(body)
        if (kind === 'snapshot') last = contents.snapshot(body)
      }
      return last
    },
  }
}

const shown = ({ source: _source, problems: _problems, ...rest }: Snapshot) => rest

describe('readings of the account in the ledger', () => {
  it('come back as they were, whatever is in them', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(300), fc.nat(60)), { maxLength: 30 }),
        fc.array(fc.tuple(text, fc.option(text), fc.option(fc.nat(5000))), { maxLength: 20 }),
        fc.nat(400),
        (tables, lists, interfaces) => {
          const one = snapshot({
            routeTables: tables.map(([n, routes]) => table(n, routes)),
            networkInterfaces: Array.from({ length: interfaces }, (_, n) => eni(n)),
            prefixLists: lists.map(([name, owner, atMs], n) => ({
              id: `pl-${n}`,
              name,
              ownerId: owner ?? 'AWS',
              family: 4,
              version: null,
              entries: owner === null ? null : ['10.0.0.0/8'],
              complete: true,
              atMs: atMs ?? 1000,
            })),
          })
          const { changed, back, lines } = begin()
          changed(one)
          expect(shown(back() as Snapshot)).toEqual(shown(one))
          for (const { body } of lines)
            expect(Buffer.byteLength(JSON.stringify(body)) + 1024).toBeLessThan(maxLineBytes)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('of a large account only what changed is written again', () => {
    const tables = Array.from({ length: 200 }, (_, n) => table(n, 50))
    const networkInterfaces = Array.from({ length: 5000 }, (_, n) => eni(n))
    const { changed, back } = begin()
    const whole = changed(snapshot({ routeTables: tables, networkInterfaces }))
    expect(whole).toBeGreaterThan(2_000_000)
    const routeTables = tables.with(77, table(77, 51))
    const table77 = changed(snapshot({ routeTables, networkInterfaces }, 's2'))
    expect(table77).toBeLessThan(120_000)
    const fewer = networkInterfaces.toSpliced(2500, 1)
    expect(changed(snapshot({ routeTables, networkInterfaces: fewer }, 's3'))).toBeLessThan(80_000)
    expect(shown(back() as Snapshot)).toEqual(
      shown(snapshot({ routeTables, networkInterfaces: fewer }, 's3')),
    )
    // Back to what it was: every part is known.
    expect(changed(snapshot({ routeTables: tables, networkInterfaces }, 's4'))).toBeLessThan(5000)
  })

  it('each segment has it again, but a large one not more often than a day', () => {
    const one = snapshot({ networkInterfaces: Array.from({ length: 2000 }, (_, n) => eni(n)) })
    const small = begin(1024 * 1024)
    const whole = small.changed(one)
    const again = (kit: ReturnType<typeof begin>): number => {
      kit.basis.anew()
      return kit.changed(one)
    }
    expect(again(small)).toBe(whole)
    small.later(1)
    expect(again(small)).toBeLessThan(5000)
    small.later(20)
    expect(again(small)).toBe(whole)
    const roomy = begin()
    roomy.changed(one)
    expect([again(roomy), again(roomy)]).toEqual([whole, whole])
  })

  it('a text with something secret in it passes the redactor before its hash is made', () => {
    const policy = JSON.stringify({ url: 'https://b.s3.amazonaws.com/k?X-Amz-Signature=feedface&x=1' })
    const endpoint = {
      id: 'vpce-1',
      type: 'Gateway',
      state: 'available',
      serviceName: 'com.amazonaws.us-east-1.s3',
      serviceRegion: null,
      vpcId: 'vpc-1',
      networkInterfaceIds: [],
      subnetIds: [],
      routeTableIds: [],
      privateDnsEnabled: false,
      privateDnsOnlyForInboundResolver: null,
      ipAddressType: null,
      dnsNames: [],
      policy,
      ownerId: null,
    }
    const { changed, back, lines } = begin()
    changed(snapshot({ endpoints: [endpoint] }))
    expect(JSON.stringify(lines)).not.toContain('feedface')
    expect((back() as Snapshot).endpoints[0]?.id).toBe('vpce-1')
  })

  it('pieces make the text again, and none splits a pair', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.nat(400), (text, times) => {
        const whole = text.repeat(times).slice(0, 80_000)
        const pieces = piecesOf(whole)
        expect(pieces.join('')).toBe(whole)
        for (const piece of pieces) if (whole.isWellFormed()) expect(piece.isWellFormed()).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  it('what has no canonical form is not kept, and that is said', () => {
    const one = snapshot({ vpcs: [{ id: 'vpc-\ud800', ownerId: null, ipv4Cidrs: [], ipv6Cidrs: [] }] })
    const { parts } = atOnce(
      createContentsCutter().cut(
        one,
        () => true,
        () => undefined,
      ),
    )
    expect(parts.vpcs).toBeNull()
    const { changed, back } = begin()
    changed(one)
    expect(back()).toBe('the vpcs of a reading of the account are not on hand')
  })
})
