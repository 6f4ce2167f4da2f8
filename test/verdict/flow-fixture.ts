import type { CapturedRecord, CaptureInterface, CapturePoints } from '../../model/capture.ts'
import type { Attempt } from '../../model/observation.ts'
import { type JoinContext, type JoinedRecords, joinRecords } from '../../verdict/flow-join.ts'
import { attempt, now } from './fixture.ts'

/** The attempt of these tests: 10.0.1.50:40000 → 52.216.1.1:443 at `now`, from eni-host. */
export const at = now / 1000

type Fields = Record<string, string | number | null>

/** As the client's own interface records the attempt's packets. */
export const egress: Fields = {
  version: 11,
  'interface-id': 'eni-host',
  'resource-id': null,
  srcaddr: '10.0.1.50',
  dstaddr: '52.216.1.1',
  srcport: 40000,
  dstport: 443,
  protocol: 6,
  packets: 12,
  bytes: 1500,
  start: at - 5,
  end: at + 40,
  action: 'ACCEPT',
  'log-status': 'OK',
  'pkt-srcaddr': '10.0.1.50',
  'pkt-dstaddr': '52.216.1.1',
  'flow-direction': 'egress',
  'traffic-path': null,
  'interface-type': null,
  'next-hop-interface-id': null,
  'next-hop-interface-type': null,
}

export const ingress: Fields = {
  ...egress,
  srcaddr: '52.216.1.1',
  dstaddr: '10.0.1.50',
  srcport: 443,
  dstport: 40000,
  'pkt-srcaddr': '52.216.1.1',
  'pkt-dstaddr': '10.0.1.50',
  'flow-direction': 'ingress',
}

/** Into the NAT gateway, and out of it. */
export const inner: Fields = {
  ...egress,
  'interface-id': 'eni-nat',
  dstaddr: '10.0.9.9',
  'flow-direction': 'ingress',
}
export const outer: Fields = {
  ...egress,
  'interface-id': 'eni-nat',
  srcaddr: '10.0.9.9',
  srcport: 1025,
  'pkt-srcaddr': '10.0.9.9',
}

/** To an interface endpoint: at the client, and at the endpoint. */
export const toEndpoint: Fields = {
  ...egress,
  dstaddr: '10.0.1.60',
  'pkt-dstaddr': '10.0.1.60',
  'traffic-path': 1,
}
export const atEndpoint: Fields = {
  ...toEndpoint,
  'interface-id': 'eni-ssm',
  'flow-direction': 'ingress',
  'traffic-path': null,
}

let count = 0

export function captured(fields: Fields, more: Partial<CapturedRecord> = {}): CapturedRecord {
  count += 1
  return {
    record: { fields },
    flowLogId: 'fl-1',
    interfaceId: typeof fields['interface-id'] === 'string' ? fields['interface-id'] : null,
    aggregationSeconds: 60,
    ingestedMs: null,
    id: `record-${count}`,
    ...more,
  }
}

export function without(fields: Fields, ...names: string[]): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)))
}

export const client: CaptureInterface = {
  interfaceId: 'eni-host',
  role: 'client',
  natGatewayId: null,
  endpointId: null,
  addresses: ['10.0.1.50', '10.0.1.51', '2600:1f18::50'],
}
export const nat: CaptureInterface = {
  interfaceId: 'eni-nat',
  role: 'nat',
  natGatewayId: 'nat-1',
  endpointId: null,
  addresses: ['10.0.9.9'],
}
export const endpoint: CaptureInterface = {
  interfaceId: 'eni-ssm',
  role: 'endpoint',
  natGatewayId: null,
  endpointId: 'vpce-ssm',
  addresses: ['10.0.1.60'],
}

export function points(more: Partial<CapturePoints> = {}): CapturePoints {
  return {
    client,
    primaryAddress: '10.0.1.50',
    nats: [],
    endpoints: [],
    endpointInterfaces: [],
    destination: 'public',
    ...more,
  }
}

export const endpointPoints = points({
  endpoints: [endpoint],
  endpointInterfaces: [endpoint],
  destination: 'private',
})

export const context: JoinContext = { clockOffsetSeconds: 0, reuse: false }

export function join(
  records: readonly (CapturedRecord | Fields)[],
  how: {
    attempt?: Attempt
    points?: CapturePoints
    context?: Partial<JoinContext>
    skipped?: { interfaceId: string | null; startSeconds: number; endSeconds: number }[]
  } = {},
): JoinedRecords {
  const isCaptured = (r: CapturedRecord | Fields): r is CapturedRecord => typeof r['record'] === 'object'
  return joinRecords(
    how.attempt ?? attempt(),
    how.points ?? points(),
    {
      records: records.map((r) => (isCaptured(r) ? r : captured(r))),
      skipped: how.skipped ?? [],
    },
    { ...context, ...how.context },
  )
}
