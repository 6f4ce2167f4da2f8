import type { RecordsQuery } from '../../aws/flow-query.ts'

/** A format with what the tests look at. */
export const testFormat =
  '${version} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${pkt-dst-aws-service} ${flow-direction} ${traffic-path}'

export interface TestLine {
  eni?: string
  src?: string
  dst?: string
  srcport?: number
  dstport?: number
  bytes?: number
  start?: number
  end?: number
  action?: string
  status?: string
  service?: string
  direction?: string
  path?: string
}

export const eni = 'eni-0123456789abcdef0'
export const nowMs = Date.UTC(2026, 10, 20, 12, 0, 0)

/** A line of `testFormat`: an accepted connection of the interface to S3 by its gateway endpoint. */
export function testLine(line: TestLine = {}): string {
  const at = nowMs / 1000 - 600
  const {
    eni: interfaceId = eni,
    src = '10.0.1.50',
    dst = '52.216.1.2',
    srcport = 40_000,
    dstport = 443,
    bytes = 1000,
    start = at,
    end = at + 30,
    action = 'ACCEPT',
    status = 'OK',
    service = 'S3',
    direction = 'egress',
    path = '7',
  } = line
  if (status !== 'OK') return `5 ${interfaceId} - - - - - - - ${start} ${end} - ${status} - - -`
  return `5 ${interfaceId} ${src} ${dst} ${srcport} ${dstport} 6 10 ${bytes} ${start} ${end} ${action} OK ${service} ${direction} ${path}`
}

export function testQuery(more: Partial<RecordsQuery> = {}): RecordsQuery {
  return {
    id: 'q1',
    flowLogId: 'fl-0123456789abcdef0',
    source: { kind: 'logs', logGroup: '/vpc/flow', streamPrefix: eni },
    format: testFormat,
    aggregationSeconds: 60,
    interfaceIds: [eni],
    resourceIds: [],
    fromMs: nowMs - 3_600_000,
    toMs: nowMs,
    keys: [{ localPort: 40_000, remoteAddress: '52.216.1.2', remotePort: 443, protocol: 6 }],
    census: true,
    censusSince: null,
    ...more,
  }
}
