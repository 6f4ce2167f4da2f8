import { createHash } from 'node:crypto'
import { isFields, fieldsOf, textOf, textOrNull } from '../../ledger/report/decode.ts'
import { type PartReading, type Snapshot, type SnapshotPart, snapshotParts } from '../../model/topology.ts'

/** Texts out of `content` records, by their hash. Whoever wrote them is not trusted: what has another hash is not there. */
export interface ReplayContents {
  take(body: Readonly<Record<string, unknown>>): void
  /** The reading that a `snapshot` record names; a sentence where it is not wholly kept. */
  snapshot(body: Readonly<Record<string, unknown>>): Snapshot | string
}

const mostTextBytes = 256 * 1024 * 1024
const mostPieces = 4096
const mostItems = 200_000
const mostKept = 8

type Kind =
  | 'text'
  | 'text?'
  | 'number?'
  | 'boolean'
  | 'boolean?'
  | 'texts'
  | 'texts?'
  | 'object'
  | 'objects'
  | 'family?'

const route = { destination: 'object', target: 'object', state: 'text', origin: 'text' } as const
const address = { address: 'text', primary: 'boolean', publicAddress: 'text?' } as const
const side = {
  vpcId: 'text',
  ownerId: 'text?',
  region: 'text?',
  ipv4Cidrs: 'texts',
  ipv6Cidrs: 'texts',
} as const

/** Fields of the items of each part, as far as a rule looks at them. */
const shapes: Record<SnapshotPart, Readonly<Record<string, Kind>>> = {
  routeTables: {
    id: 'text',
    vpcId: 'text',
    main: 'boolean',
    subnetIds: 'texts',
    gatewayIds: 'texts',
    routes: 'objects',
  },
  endpoints: {
    id: 'text',
    type: 'text',
    state: 'text',
    serviceName: 'text',
    serviceRegion: 'text?',
    vpcId: 'text',
    networkInterfaceIds: 'texts',
    subnetIds: 'texts',
    routeTableIds: 'texts',
    privateDnsEnabled: 'boolean',
    dnsNames: 'texts',
    policy: 'text?',
    ownerId: 'text?',
  },
  subnets: { id: 'text', vpcId: 'text', ownerId: 'text?', ipv4Cidr: 'text?', ipv6Cidrs: 'texts' },
  networkInterfaces: {
    id: 'text',
    vpcId: 'text',
    subnetId: 'text',
    macAddress: 'text',
    ipv4: 'objects',
    ipv6: 'texts',
    ipv4Prefixes: 'texts',
    ipv6Prefixes: 'texts',
  },
  prefixLists: {
    id: 'text',
    name: 'text',
    ownerId: 'text',
    family: 'family?',
    version: 'number?',
    entries: 'texts?',
    complete: 'boolean',
  },
  natGateways: {
    id: 'text',
    vpcId: 'text',
    subnetId: 'text?',
    state: 'text',
    connectivity: 'text',
    availability: 'text',
    routeTableId: 'text?',
    privateAddresses: 'texts',
    publicAddresses: 'texts',
    networkInterfaceIds: 'texts',
    attachedAppliances: 'texts',
  },
  vpcs: { id: 'text', ownerId: 'text?', ipv4Cidrs: 'texts', ipv6Cidrs: 'texts' },
  peerings: { id: 'text', status: 'text', requester: 'object', accepter: 'object' },
  flowLogs: { id: 'text', resourceId: 'text', status: 'text' },
  internetGateways: { id: 'text', vpcIds: 'texts' },
}

function isOf(value: unknown, kind: Kind): boolean {
  const list = (of: (item: unknown) => boolean): boolean =>
    Array.isArray(value) && value.length <= mostItems && value.every(of)
  switch (kind) {
    case 'text':
      return typeof value === 'string'
    case 'text?':
      return value === null || typeof value === 'string'
    case 'number?':
      return value === null || typeof value === 'number'
    case 'family?':
      return value === null || value === 4 || value === 6
    case 'boolean':
      return typeof value === 'boolean'
    case 'boolean?':
      return value === null || typeof value === 'boolean'
    case 'texts':
      return list((item) => typeof item === 'string')
    case 'texts?':
      return value === null || isOf(value, 'texts')
    case 'object':
      return isFields(value)
    case 'objects':
      return list(isFields)
  }
}

function has(value: unknown, shape: Readonly<Record<string, Kind>>): value is Record<string, unknown> {
  return isFields(value) && Object.entries(shape).every(([name, kind]) => isOf(value[name], kind))
}

/** What the fields of an item hold in turn. */
function holds(part: SnapshotPart, item: Record<string, unknown>): boolean {
  const each = (name: string, shape: Readonly<Record<string, Kind>>): boolean =>
    (item[name] as unknown[]).every((one) => has(one, shape))
  if (part === 'networkInterfaces') return each('ipv4', address)
  if (part === 'peerings') return has(item['requester'], side) && has(item['accepter'], side)
  if (part !== 'routeTables') return true
  return (
    Number.isSafeInteger(item['unreadableRoutes']) &&
    each('routes', route) &&
    (item['routes'] as Record<string, Record<string, unknown>>[]).every(({ destination, target }) => {
      const to = destination?.['kind'] === 'cidr' ? destination['cidr'] : destination?.['id']
      return typeof to === 'string' && typeof target?.['kind'] === 'string' && isOf(target['id'], 'text?')
    })
  )
}

function readingOf(value: unknown): PartReading | null {
  const status = fieldsOf(value)
  const { read, atMs, dated, reason, lost } = status
  if (read === false && ['missing', 'denied', 'invalid', 'failed'].includes(String(reason)))
    return { read, reason: reason as 'missing', detail: textOf(status['detail']) }
  if (read !== true || !(atMs === null || Number.isFinite(atMs))) return null
  if (!['api', 'manifest', 'mtime', 'undated'].includes(String(dated))) return null
  const more = typeof lost === 'number' ? { lost } : {}
  return { read, atMs: atMs as number | null, dated: dated as 'api', ...more }
}

/** When each part was read; null where that has not the form. */
export function readingsOf(value: unknown): Record<SnapshotPart, PartReading> | null {
  const of = fieldsOf(value)
  const parts = {} as Record<SnapshotPart, PartReading>
  for (const part of snapshotParts) {
    const reading = readingOf(of[part])
    if (reading === null) return null
    parts[part] = reading
  }
  return parts
}

/** The same reading at other times: dates of its parts and of its lists. */
export function datedAs(
  snapshot: Snapshot,
  id: string,
  parts: Record<SnapshotPart, PartReading>,
  listDates: unknown,
): Snapshot {
  const own = parts.prefixLists.read ? parts.prefixLists.atMs : null
  const dates = fieldsOf(listDates)
  const prefixLists = snapshot.prefixLists.map((list) => {
    const atMs = Object.hasOwn(dates, list.id) ? dates[list.id] : own
    return { ...list, atMs: typeof atMs === 'number' ? atMs : null }
  })
  return { ...snapshot, id, parts, prefixLists }
}

export function createReplayContents(): ReplayContents {
  const texts = new Map<string, string>()
  let bytes = 0
  let open: { hash: string; pieces: string[] } | null = null
  /** Items of a part by the hash of its text: the same list for the same hash, so that readings share them. */
  const lists = new Map<string, object[]>()

  const keep = (hash: string, text: string): void => {
    if (texts.has(hash) || createHash('sha256').update(text).digest('hex') !== hash) return
    for (const [oldest, old] of texts) {
      if (bytes + text.length <= mostTextBytes) break
      texts.delete(oldest)
      bytes -= old.length
    }
    texts.set(hash, text)
    bytes += text.length
  }

  const parsed = (hash: string): unknown[] | null => {
    const text = texts.get(hash)
    if (text === undefined) return null
    // Used again: it goes last.
    texts.delete(hash)
    texts.set(hash, text)
    try {
      const value: unknown = JSON.parse(text)
      return Array.isArray(value) ? value : null
    } catch {
      return null
    }
  }

  const itemsOf = (part: SnapshotPart, hash: unknown): object[] | null => {
    if (typeof hash !== 'string') return null
    const key = `${part} ${hash}`
    const before = lists.get(key)
    if (before !== undefined) return before
    const top = parsed(hash)
    if (top === null) return null
    const isList = top.length > 0 && top.every((item) => typeof item === 'string')
    const found = isList ? (top as string[]).map(parsed) : [top]
    const items: object[] = []
    for (const some of found) {
      if (some === null || items.length + some.length > mostItems) return null
      for (const item of some) {
        if (!has(item, shapes[part]) || !holds(part, item)) return null
        items.push(item)
      }
    }
    if (lists.size >= mostKept * snapshotParts.length) lists.delete(lists.keys().next().value ?? '')
    lists.set(key, items)
    return items
  }

  return {
    take({ hash, piece, pieces, text }) {
      if (typeof hash !== 'string' || typeof text !== 'string') return
      if (piece === 1) open = { hash, pieces: [] }
      if (open?.hash !== hash || open.pieces.length + 1 !== piece || open.pieces.length >= mostPieces) {
        open = null
        return
      }
      open.pieces.push(text)
      if (piece !== pieces) return
      keep(hash, open.pieces.join(''))
      open = null
    },
    snapshot(body) {
      if (body['contents'] === undefined || body['cut'] !== undefined)
        return 'the contents of the account were not kept then'
      const parts = readingsOf(body['readings'])
      if (parts === null) return 'when the account was read is not kept'
      const contents = fieldsOf(body['contents'])
      const items: Partial<Record<SnapshotPart, object[]>> = {}
      for (const part of snapshotParts) {
        const found = itemsOf(part, contents[part])
        if (found === null) return `the ${part} of a reading of the account are not on hand`
        items[part] = found
      }
      const bare = {
        id: textOf(body['id']),
        account: textOrNull(body['account']),
        region: textOrNull(body['region']),
        source: textOf(body['source']),
        parts,
        ...items,
        problems: [],
      } as unknown as Snapshot
      return datedAs(bare, bare.id, parts, body['listDates'])
    },
  }
}
