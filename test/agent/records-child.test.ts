import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ReaderDeps } from '../../agent/child.ts'
import { parseConfig } from '../../agent/config/load.ts'
import { flowLogFindings } from '../../agent/doctor/flow-logs.ts'
import type { Patient } from '../../agent/doctor/finding.ts'
import { flowlogState, loadFlowlogState, saveFlowlogState } from '../../agent/evidence/flowlog-state.ts'
import { iamPolicy } from '../../agent/iam/iam.ts'
import { readRecords } from '../../agent/evidence/records-child.ts'
import { type RecordsRequest, parseRecordsRequest } from '../../agent/evidence/records-request.ts'
import { recordsActions } from '../../aws/records-clients.ts'
import { compiled } from '../support/processes.ts'
import { eni, nowMs, testLine, testQuery } from '../support/flow-lines.ts'
import { type RecordsServer, startRecordsServer } from '../support/records-server.ts'

const program = { file: process.execPath, args: [resolve(import.meta.dirname, '../../agent/main.ts')] }
const script = (text: string) => ({ file: process.execPath, args: ['--input-type=module', '-e', text, '--'] })
const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'

let directory = ''
let server: RecordsServer | null = null
let lines: string[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pathproof-'))
  lines = []
})
afterEach(async () => {
  await server?.close()
  server = null
  await rm(directory, { recursive: true })
})

const deps = (environment: Record<string, string>, more: Partial<ReaderDeps> = {}): ReaderDeps => ({
  program,
  environment: { PATH: process.env['PATH'], ...compiled, HOME: directory, ...environment },
  metadata: false,
  signal: new AbortController().signal,
  onLine: (line) => lines.push(line),
  ...more,
})
const keys = { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: secret }
const request = (more: Partial<RecordsRequest> = {}): RecordsRequest => ({
  region: 'us-east-1',
  roleArn: null,
  queries: [testQuery({ fromMs: 0 })],
  metrics: null,
  deadlineSeconds: 20,
  ...more,
})

test('one child reads all queries of a round, and CloudWatch beside them', async () => {
  const event = {
    logStreamName: `${eni}-all`,
    timestamp: nowMs,
    ingestionTime: nowMs,
    eventId: 'e1',
    message: testLine(),
  }
  server = await startRecordsServer(({ action, input }) => {
    if (action === 'GetMetricData') {
      return { body: { MetricDataResults: [{ Id: 'm0', Timestamps: [60], Values: [4] }] } }
    }
    return input['logGroupName'] === '/denied'
      ? { error: 'AccessDeniedException' }
      : { body: { events: [event] } }
  })
  const denied = testQuery({ id: 'q2', source: { kind: 'logs', logGroup: '/denied', streamPrefix: eni } })
  const unreadable = testQuery({ id: 'q3', format: '${a} ${a}' })
  const asked = request({
    queries: [testQuery({ fromMs: 0 }), denied, unreadable],
    metrics: {
      endpoints: [{ endpointId: 'vpce-1', serviceName: 's', vpcId: 'v' }],
      natGatewayIds: [],
      fromMs: 0,
      toMs: 120_000,
    },
  })
  const answer = await readRecords(asked, deps({ ...keys, AWS_ENDPOINT_URL: server.url }))
  expect(answer.results.map(({ id, failure }) => [id, failure?.reason])).toEqual([
    ['q1', undefined],
    ['q2', 'denied'],
    ['q3', 'invalid'],
  ])
  expect(answer.results[0]?.captured.records).toHaveLength(1)
  expect(answer.metrics?.series[0]?.points).toEqual([{ atMs: 60_000, sum: 4 }])
  expect(server.authorizations.every((text) => text.startsWith('AWS4-HMAC-SHA256'))).toBe(true)
  expect(JSON.stringify(answer) + lines.join('')).not.toContain(secret)
})

test('without credentials every query says so, and no cursor moves', async () => {
  const answer = await readRecords(request(), deps({}))
  expect(answer.results).toMatchObject([
    { id: 'q1', cursor: null, census: { complete: false }, failure: { reason: 'credentials', code: 'none' } },
  ])
})

test.each([
  ['process.exit(3)', 'crashed'],
  ['console.log("hello")', 'garbled'],
  [
    'console.log(JSON.stringify({ schema: "pathproof.read-records/1", results: [], metrics: null }))',
    'garbled',
  ],
  ['setInterval(() => 0, 1000)', 'timeout'],
  ['setInterval(() => process.stdout.write("x".repeat(10000)), 1)', 'too_large'],
])('a reader that does %s leaves its queries unanswered', async (text, code) => {
  const asked = request({ deadlineSeconds: 1 })
  const limits = { program: script(text), graceSeconds: code === 'timeout' ? -0.5 : 30, mostBytes: 100_000 }
  const answer = await readRecords(asked, deps({}, limits))
  expect(answer.results).toMatchObject([{ id: 'q1', cursor: null, failure: { code } }])
})

test('a request that is none is refused', () => {
  const good = request({ metrics: null })
  expect(parseRecordsRequest(JSON.stringify(good))).toEqual(good)
  for (const bad of [
    'null',
    '{',
    JSON.stringify({ ...good, region: 1 }),
    JSON.stringify({ ...good, deadlineSeconds: 0 }),
    JSON.stringify({ ...good, queries: [{ ...testQuery(), keys: [{}] }] }),
    JSON.stringify({ ...good, queries: [{ ...testQuery(), source: { kind: 'ftp' } }] }),
    JSON.stringify({ ...good, metrics: { endpoints: 1 } }),
  ])
    expect(parseRecordsRequest(bad)).toBeNull()
})

function configOf(text: string) {
  const read = parseConfig(`version: 1\n${text}`, 'test', nowMs)
  if (!read.ok) throw new Error(read.problems.map(({ problem }) => problem).join('; '))
  return read.config
}

test('the policy allows exactly what is read', () => {
  const actions = (text: string) =>
    iamPolicy(configOf(`topology: { source: directory, directory: /x }\n${text}`))?.Statement.map(
      ({ Action, Resource }) => [Action, Resource],
    )
  expect(actions('flow_logs: { enabled: true }\ncloudwatch: {}')).toEqual([
    [['logs:FilterLogEvents'], ['arn:aws:logs:*:*:log-group:*:*']],
    [['s3:ListBucket'], ['arn:aws:s3:::*']],
    [['s3:GetObject'], ['arn:aws:s3:::*/*AWSLogs/*']],
    [['cloudwatch:GetMetricData'], '*'],
  ])
  expect(recordsActions.toSorted()).toEqual(
    (actions('flow_logs: { enabled: true }\ncloudwatch: {}') ?? [])
      .flatMap(([action]) => action ?? [])
      .toSorted(),
  )
  expect(actions('flow_logs: { enabled: true, log_group: /vpc/flow }')).toEqual([
    [['logs:FilterLogEvents'], ['arn:aws:logs:*:*:log-group:/vpc/flow:*']],
  ])
  expect(actions('flow_logs: { enabled: true, s3: { bucket: my-logs, prefix: net } }')).toEqual([
    [['s3:ListBucket'], ['arn:aws:s3:::my-logs']],
    [['s3:GetObject'], ['arn:aws:s3:::my-logs/net/AWSLogs/*']],
  ])
  const role = 'arn:aws:iam::444455556666:role/pathproof-read'
  expect(actions(`flow_logs: { enabled: true, role_arn: "${role}" }`)).toEqual([[['sts:AssumeRole'], [role]]])
  expect(actions('flow_logs: { enabled: false }')).toBeUndefined()
})

test.each([
  ['flow_logs: { enabled: true, log_group: a, s3: { bucket: my-logs } }', 'stands beside log_group'],
  ['flow_logs: { enabled: true, format: "${srcaddr}" }', 'stands without log_group or s3'],
  ['flow_logs: { enabled: true, log_group: a, format: "${srcaddr} ${srcaddr}" }', 'there twice'],
  ['flow_logs: { every: 1s }', 'is too short'],
  ['cloudwatch: { every: 1s }', 'is too short'],
])('%s is refused', (text, problem) => {
  expect(() => configOf(text)).toThrow(problem)
})

function patientOf(text: string): Patient {
  const own = { id: eni, subnetId: 'subnet-1', vpcId: 'vpc-1', ipv4: ['10.0.1.50'], ipv6: [] }
  const vantage = { kind: 'ec2', accountId: '111122223333', region: 'us-east-1', interfaces: [own] }
  const host = { clock: { wallMs: () => nowMs } }
  return { host, config: configOf(text), snapshot: null, where: { vantage } } as unknown as Patient
}

test('doctor says what can be read, and how the last reading went, without asking anybody', async () => {
  const off = await flowLogFindings(patientOf(''), directory)
  expect(off.map(({ status }) => status)).toEqual(['ok'])
  const on = patientOf('flow_logs: { enabled: true }')
  expect(
    (await flowLogFindings(on, directory)).map(({ status, text }) => [status, text.slice(0, 40)]),
  ).toEqual([
    ['warn', 'which flow logs there are is not known; '],
    ['ok', 'the agent has kept no word on a reading '],
    ['ok', 'flow_logs: 1,440 or more requests a day '],
  ])
  const answer = await readRecords(request(), deps({}, { program: script('process.exit(3)') }))
  await saveFlowlogState(directory, flowlogState(answer.results, nowMs - 5000))
  const failed = await flowLogFindings(on, directory)
  expect(failed.find(({ area, text }) => area === 'flow logs' && text.startsWith('q1: '))).toMatchObject({
    status: 'warn',
    text: 'q1: the process that reads flow records gave no answer: it ended with code 3',
  })
  expect(failed.map(({ text }) => text)).toContain('last read 5 s ago')
  await saveFlowlogState(directory, flowlogState([], nowMs - 3_600_000))
  expect((await flowLogFindings(on, directory)).map(({ text }) => text)).toContain(
    'last read 60 min ago: that is long ago',
  )
})

test('what is kept for doctor holds no secret and is read only as what it is', async () => {
  const [query] = request().queries
  const answer = await readRecords(request(), deps({}, { program: script('process.exit(3)') }))
  const [result] = answer.results
  const failure = { ...result?.failure, detail: `X-Amz-Signature=${'a'.repeat(64)}\u001b[31m` }
  const state = flowlogState([{ ...result, id: query?.id, failure } as never], nowMs)
  expect(JSON.stringify(state)).not.toMatch(/aaaa|u001b/)
  await saveFlowlogState(directory, state)
  expect(await loadFlowlogState(directory)).toEqual(state)
  const file = join(directory, 'flow-logs.json')
  expect((await readFile(file, 'utf8')).length).toBeLessThan(2000)
  await saveFlowlogState(directory, { ...state, atMs: 'soon' } as never)
  expect(await loadFlowlogState(directory)).toBeNull()
})
