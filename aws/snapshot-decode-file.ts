import { fieldsOf, notesFor, shown } from './snapshot-decode-fields.ts'
import type { PartReading } from '../model/topology.ts'
import type { AwsCall } from './snapshot-decode-calls.ts'
import type { Fields, Notes, ProblemList } from './snapshot-decode-fields.ts'

/** One answer of an EC2 call as the AWS CLI prints it (`--output json`), and when its reading began. */
export interface SnapshotFile {
  text: string
  atMs: number | null
  dated: 'api' | 'manifest' | 'mtime' | 'undated'
  /** Set by who read the file or made the call when there is nothing to be used, whatever `text` says. */
  refused?: {
    reason: 'missing' | 'denied' | 'invalid' | 'failed'
    detail: string
    expected?: string
    nextStep?: string
  }
}

type NotRead = Extract<PartReading, { read: false }>

/** Top-level keys by which an answer of another call is recognised and named. */
const otherAnswers: Readonly<Record<string, string>> = {
  Reservations: 'describe-instances',
  SecurityGroups: 'describe-security-groups',
  NetworkAcls: 'describe-network-acls',
  RouteTables: 'describe-route-tables',
  VpcEndpoints: 'describe-vpc-endpoints',
  ServiceNames: 'describe-vpc-endpoint-services',
  Subnets: 'describe-subnets',
  NetworkInterfaces: 'describe-network-interfaces',
  PrefixLists: 'describe-managed-prefix-lists or describe-prefix-lists',
  Entries: 'get-managed-prefix-list-entries',
  NatGateways: 'describe-nat-gateways',
  Vpcs: 'describe-vpcs',
  VpcPeeringConnections: 'describe-vpc-peering-connections',
  FlowLogs: 'describe-flow-logs',
  InternetGateways: 'describe-internet-gateways',
  TransitGateways: 'describe-transit-gateways',
  Regions: 'describe-regions',
  Addresses: 'describe-addresses',
}

const deniedCodes: ReadonlySet<string> = new Set([
  'UnauthorizedOperation',
  'AccessDenied',
  'AccessDeniedException',
  'Client.UnauthorizedOperation',
])

/** What the CLI prints instead of an answer: `An error occurred (Code) when calling the X operation: …`. */
const cliError = /An error occurred \(([A-Za-z0-9._-]{1,80})\)/

function retake(call: AwsCall): string {
  return `run: aws ec2 ${call.command} --output json > ${call.file}`
}

/** An answer that was read whole: its elements, each with its place. */
export interface Answer {
  ok: true
  values: unknown[]
  notes: Notes
}

export type FileReading = Answer | { ok: false; part: NotRead }

/**
 * Reads the text of one file up to the list it should hold. What can't be used is noted once, with what to do, and comes
 * back as a part that was not read. An answer with a `NextToken` is one page of several and is not used.
 */
export function readAnswer(file: SnapshotFile, call: AwsCall, list: ProblemList): FileReading {
  const notes = notesFor(call.file, list, retake(call))
  const refuse = (
    reason: NotRead['reason'],
    detail: string,
    expected: string,
    nextStep?: string,
  ): FileReading => {
    notes.add('', detail, expected, nextStep)
    const [last] = list.problems.slice(-1)
    return { ok: false, part: { read: false, reason, detail: last?.problem ?? reason } }
  }
  const answer = `the JSON answer of aws ec2 ${call.command}`
  if (file.refused !== undefined) {
    const { reason, detail, expected, nextStep } = file.refused
    return refuse(reason, detail, expected ?? answer, nextStep)
  }
  const text = file.text.replace(/^\uFEFF/, '')
  if (text.trim() === '') return refuse('invalid', 'the file is empty', answer)
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return notJson(text, call, refuse)
  }
  if (Array.isArray(parsed)) {
    return refuse(
      'invalid',
      'a list stands here',
      `an object with "${call.key}"`,
      `${retake(call)}, without --query`,
    )
  }
  const top = fieldsOf(parsed, '', notes)
  if (top === null) return refuse('invalid', `${shown(parsed)} stands here`, answer)
  const found = top.raw(call.key)
  if (found === undefined) {
    const other = top.names().find((name) => Object.hasOwn(otherAnswers, name))
    const detail =
      other === undefined
        ? `it has no "${call.key}"`
        : `this is the answer of ${otherAnswers[other] ?? other}`
    return refuse('invalid', detail, answer)
  }
  if (call.single === true && typeof found === 'object' && found !== null && !Array.isArray(found))
    return { ok: true, values: [found], notes }
  if (!Array.isArray(found)) return refuse('invalid', `${shown(found)} stands at "${call.key}"`, 'a list')
  const token = top.raw('NextToken')
  if (token !== undefined && token !== null && token !== '') {
    return refuse(
      'invalid',
      'there are further pages (NextToken)',
      'all pages',
      `${retake(call)}, without --max-items`,
    )
  }
  return { ok: true, values: found, notes }
}

function notJson(
  text: string,
  call: AwsCall,
  refuse: (reason: NotRead['reason'], detail: string, expected: string, nextStep?: string) => FileReading,
): FileReading {
  const code = cliError.exec(text.slice(0, 20_000))?.[1]
  const answer = `the JSON answer of aws ec2 ${call.command}`
  if (code !== undefined && deniedCodes.has(code)) {
    return refuse(
      'denied',
      `AWS refused (${code}): ${call.permission} is missing`,
      answer,
      `allow ${call.permission}, then ${retake(call)}`,
    )
  }
  if (code !== undefined) return refuse('failed', `the call failed (${code})`, answer)
  if (/^\s*[{[]/.test(text)) return refuse('invalid', 'the JSON is broken or cut off', answer)
  return refuse('invalid', 'this is no JSON', answer)
}

/** What came of one answer: the items understood, and whether any was not. */
export interface Decoded<T> {
  items: T[]
  lost: number
  /** Ids of which there were two different descriptions; none of them is among the items. */
  disputed: string[]
}

/**
 * Decodes each element. One that is damaged is left out (and counted); equal repetitions of one id count once; of
 * different descriptions of one id none is kept, for either may be the true one.
 */
export function decodeItems<T>(
  answer: Answer,
  key: string,
  idOf: (item: T) => string,
  decode: (entry: Fields) => T,
): Decoded<T> {
  const byId = new Map<string, { item: T; text: string }>()
  const disputed = new Set<string>()
  let lost = 0
  for (const [index, value] of answer.values.entries()) {
    const place = `${key}[${index}]`
    const entry = fieldsOf(value, place, answer.notes)
    const item = entry === null ? null : decode(entry)
    if (entry === null || item === null || entry.damaged()) {
      lost += 1
      continue
    }
    const id = idOf(item)
    const text = JSON.stringify(item)
    const before = byId.get(id)
    if (before === undefined) {
      byId.set(id, { item, text })
      continue
    }
    const same = before.text === text
    answer.notes.add(
      place,
      `${shown(id)} stands here a second time${same ? '' : ', and differs'}`,
      'each id once',
    )
    if (!same) disputed.add(id)
  }
  const items = [...byId].filter(([id]) => !disputed.has(id)).map(([, { item }]) => item)
  return { items, lost, disputed: [...disputed] }
}

/** A part as read from its one file. `whole`: a single element that was not understood makes all of it unread. */
export interface ReadPart<T> extends Decoded<T> {
  reading: PartReading
}

export function readPart<T>(
  files: ReadonlyMap<string, SnapshotFile>,
  call: AwsCall,
  list: ProblemList,
  shape: { idOf: (item: T) => string; decode: (entry: Fields) => T; whole: boolean },
): ReadPart<T> {
  const nothing = { items: [], lost: 0, disputed: [] }
  const file = files.get(call.file)
  if (file === undefined) {
    const detail = `there is no ${call.file} (aws ec2 ${call.command})`
    return { reading: { read: false, reason: 'missing', detail }, ...nothing }
  }
  const answer = readAnswer(file, call, list)
  if (!answer.ok) return { reading: answer.part, ...nothing }
  const decoded = decodeItems(answer, call.key, shape.idOf, shape.decode)
  const strange = decoded.lost + decoded.disputed.length
  if (shape.whole && strange > 0) {
    const detail = `${strange} of ${answer.values.length} elements of ${call.key} were not understood`
    return { reading: { read: false, reason: 'invalid', detail }, ...nothing }
  }
  const lost = strange > 0 ? { lost: strange } : {}
  return { reading: { read: true, atMs: file.atMs, dated: file.dated, ...lost }, ...decoded }
}
