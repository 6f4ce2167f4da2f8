import { type SnapshotPart, snapshotParts } from '../model/topology.ts'
import { readPosture } from './posture-api.ts'
import { callFor, callForEntries, isWanted } from './snapshot-api-calls.ts'
import { cliJson } from './snapshot-api-json.ts'
import { readPages } from './snapshot-api-pages.ts'
import type { Ec2Api } from './clients.ts'
import type { Ec2Action, PagedCall, WantedParts } from './snapshot-api-calls.ts'
import type { ApiFailure } from './snapshot-api-errors.ts'
import type { PagedAnswer, PagesOptions } from './snapshot-api-pages.ts'
import type { SnapshotFile } from './snapshot-decode-file.ts'

export interface ReadAccountOptions {
  region: string
  /** The VPCs of this host; none: everything in the region. */
  vpcIds: readonly string[]
  parts: WantedParts
  /** Prefix lists that routes are known to refer to; those of route tables read now are found by themselves. */
  prefixListIds: readonly string[]
  /** Whether what only the posture checks need is read with the rest. */
  posture?: boolean
  /** For one page of one call, repetitions included. */
  callSeconds: number
  /** For all of it: what is not read by then is not read. */
  deadlineSeconds: number
  /** Calls at once. */
  concurrency: number
}

export interface ReadAccountDeps {
  api: Ec2Api
  /** The account of the credentials, where it is known. */
  account: string | null
  wallMs(): number
  signal: AbortSignal
}

/** A part, or the entries of one list of the part `prefixLists`, that could not be read. */
export interface PartFailure extends ApiFailure {
  part: SnapshotPart
  /** Which file of a snapshot directory its answer would be. */
  file: string
  /** `ec2:DescribeRouteTables`. */
  permission: string
}

/** What was asked and how much of it. */
export interface CallReport {
  action: Ec2Action
  pages: number
  /** Requests on the wire, repetitions included. */
  attempts: number
  ok: boolean
}

/** One reading of the account as a snapshot directory holds it: what `decodeSnapshot` takes. */
export interface RawAccount {
  account: string | null
  region: string
  files: Map<string, SnapshotFile>
  failures: PartFailure[]
  calls: CallReport[]
}

const withoutEntries: readonly SnapshotPart[] = [
  'peerings',
  'subnets',
  'networkInterfaces',
  'prefixLists',
  'natGateways',
  'vpcs',
  'flowLogs',
  'internetGateways',
]

/** AWS's lists of the services that gateway endpoints exist for; the IPv6 twins carry `.ipv6.` in their name. */
const gatewayServiceList = /^com\.amazonaws\.[a-z0-9-]+\.(?:ipv6\.)?(?:s3|dynamodb|s3express)$/

type Fields = Readonly<Record<string, unknown>>
const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {}
const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
const objects = (value: unknown): Fields[] => (Array.isArray(value) ? value.map(fields) : [])

/**
 * Reads the account once over EC2's API. Each part is dated by the start of its own first request. Nothing rejects: what was
 * denied, throttled, unreachable, cut off or late stands in its file as `refused` and in `failures`.
 *
 * An answer that is filtered by VPC is empty as well if the credentials are of another account or region. So where the VPC
 * itself is not shown, nothing filtered by it counts; and peerings count only where the VPC is the credentials' own
 * account's, for participants of a shared VPC are not shown those of its owner.
 */
export async function readAccount(options: ReadAccountOptions, deps: ReadAccountDeps): Promise<RawAccount> {
  const { region, vpcIds, parts, deadlineSeconds, callSeconds } = options
  const deadline = AbortSignal.any([deps.signal, AbortSignal.timeout(deadlineSeconds * 1000)])
  const paging: PagesOptions = { region, callSeconds, deadline, deadlineSeconds }
  const inTurn = turns(options.concurrency)
  const reading = {
    account: deps.account,
    region,
    files: new Map<string, SnapshotFile>(),
    failures: [] as PartFailure[],
    calls: [] as CallReport[],
  }
  const read = (paged: PagedCall): Promise<unknown[] | null> =>
    inTurn(async () => {
      const atMs = deps.wallMs()
      const answer = await readPages(deps.api, paged, paging)
      const { pages, attempts, ok } = answer
      reading.calls.push({ action: paged.action, pages, attempts, ok })
      keep(reading, paged, answer, atMs)
      return answer.ok ? answer.items : null
    })

  const wanted = withoutEntries.filter((part) => isWanted(part, parts))
  const tables = isWanted('routeTables', parts) ? read(callFor('routeTables', vpcIds)) : null
  const rest = new Map(wanted.map((part) => [part, read(callFor(part, vpcIds))]))
  const wantsPosture = options.posture === true && (parts === 'rest' || parts === 'all')
  const posture = wantsPosture ? readPosture(deps.api, paging, deps.wallMs, inTurn) : null
  const found = await rest.get('peerings')
  const endpoints = isWanted('endpoints', parts)
    ? read(callFor('endpoints', withPeers(vpcIds, found ?? [])))
    : null
  const listed = referencedLists((await tables) ?? [])
  const served = serviceLists((await rest.get('prefixLists')) ?? [])
  const lists = isWanted('prefixLists', parts) ? [...options.prefixListIds, ...listed, ...served] : []
  await Promise.all([...new Set(lists)].map((id) => read(callForEntries(id))))
  await Promise.all([...rest.values(), endpoints])
  const facts = await posture
  for (const [name, file] of facts?.files ?? []) reading.files.set(name, file)
  reading.calls.push(...(facts?.calls ?? []))

  const vpcs = await rest.get('vpcs')
  doubtUnseen(reading, vpcIds, (await tables) ?? null, vpcs ?? null)
  if (isWanted('peerings', parts)) doubtPeerings(reading, vpcIds, vpcs ?? null)
  // in the order of the parts, not in that in which the calls ended: the same failures give the same text
  const order = ({ part, file }: PartFailure) => `${snapshotParts.indexOf(part)} ${file}`
  reading.failures.sort((a, b) => (order(a) < order(b) ? -1 : 1))
  return reading
}

/** The reading of an account that no call could be made to: every part that was wanted is refused for the same reason. */
export function refusedAccount(
  options: Pick<ReadAccountOptions, 'region' | 'parts'>,
  failure: ApiFailure,
): RawAccount {
  const { region, parts } = options
  const reading: RawAccount = { account: null, region, files: new Map(), failures: [], calls: [] }
  for (const part of snapshotParts) {
    if (isWanted(part, parts)) refuse(reading, part, callFor(part, []).call, failure)
  }
  return reading
}

/** Runs at most `most` at once, the others in the order in which they came. */
function turns(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}

function keep(to: RawAccount, { part, call }: PagedCall, answer: PagedAnswer, atMs: number): void {
  if (answer.ok) {
    to.files.set(call.file, { text: cliJson(call.key, answer.items), atMs, dated: 'api' })
  } else refuse(to, part, call, answer.failure)
}

function refuse(
  to: RawAccount,
  part: SnapshotPart,
  call: { file: string; permission: string },
  failure: ApiFailure,
): void {
  const { reason, detail, nextStep } = failure
  to.failures.push({ ...failure, part, file: call.file, permission: call.permission })
  to.files.set(call.file, {
    text: '',
    atMs: null,
    dated: 'undated',
    refused: {
      reason: reason === 'denied' || reason === 'invalid' ? reason : 'failed',
      detail,
      expected: `the answer to ${call.permission}`,
      nextStep,
    },
  })
}

/** The VPCs and those at the other side of their peerings: an endpoint there may be one that is declared as trusted. */
function withPeers(vpcIds: readonly string[], peerings: readonly unknown[]): string[] {
  if (vpcIds.length === 0) return []
  const sides = peerings.flatMap((item) => [
    text(fields(fields(item)['RequesterVpcInfo'])['VpcId']),
    text(fields(fields(item)['AccepterVpcInfo'])['VpcId']),
  ])
  return [...new Set([...vpcIds, ...sides.filter((id) => id !== null)])]
}

const listId = /^pl-[A-Za-z0-9-]{1,64}$/

function referencedLists(tables: readonly unknown[]): string[] {
  return tables
    .flatMap((table) => objects(fields(table)['Routes']))
    .flatMap((route) => text(route['DestinationPrefixListId']) ?? [])
    .filter((id) => listId.test(id))
}

function serviceLists(lists: readonly unknown[]): string[] {
  return lists
    .map(fields)
    .filter(
      (list) => list['OwnerId'] === 'AWS' && gatewayServiceList.test(text(list['PrefixListName']) ?? ''),
    )
    .flatMap((list) => text(list['PrefixListId']) ?? [])
    .filter((id) => listId.test(id))
}

/** Parts whose call was filtered by VPC. */
const ofVpc: readonly SnapshotPart[] = [
  'routeTables',
  'endpoints',
  'subnets',
  'networkInterfaces',
  'natGateways',
  'peerings',
  'internetGateways',
]

/** A VPC is described itself, and has a main table: where they are not shown, this is not where it is. */
function doubtUnseen(
  reading: RawAccount,
  vpcIds: readonly string[],
  tables: readonly unknown[] | null,
  vpcs: readonly unknown[] | null,
): void {
  const shownIn = (items: readonly unknown[]) => new Set(items.map((item) => text(fields(item)['VpcId'])))
  const unseen = (items: readonly unknown[] | null): string | undefined => {
    const shown = items === null ? null : shownIn(items)
    return shown === null ? undefined : vpcIds.find((id) => !shown.has(id))
  }
  const whole = unseen(vpcs)
  const vpc = whole ?? unseen(tables)
  if (vpc === undefined) return
  for (const part of whole === undefined ? (['routeTables'] as const) : ofVpc) {
    const { call } = callFor(part, vpcIds)
    const file = reading.files.get(call.file)
    if (file === undefined || file.refused !== undefined) continue
    const whose = reading.account === null ? '' : ` of account ${reading.account}`
    refuse(reading, part, call, {
      reason: 'invalid',
      code: 'unseen',
      detail: `nothing of ${vpc} is shown in ${reading.region} to these credentials${whose}`,
      nextStep: 'use credentials of the account that this host belongs to, and the region that it stands in',
    })
  }
}

function doubtPeerings(
  reading: RawAccount,
  vpcIds: readonly string[],
  vpcs: readonly unknown[] | null,
): void {
  const { account } = reading
  const { call } = callFor('peerings', vpcIds)
  if (reading.files.get(call.file)?.refused !== undefined) return
  const relevant = (vpcs ?? []).map(fields).filter((vpc) => {
    return vpcIds.length === 0 || vpcIds.includes(text(vpc['VpcId']) ?? '')
  })
  const foreign = relevant.find((vpc) => account === null || vpc['OwnerId'] !== account)
  if (vpcs !== null && foreign === undefined) return
  const owner = foreign === undefined ? null : text(foreign['OwnerId'])
  const whose =
    foreign === undefined
      ? 'whose the VPCs are could not be read'
      : `${text(foreign['VpcId']) ?? 'a VPC'} belongs to account ${owner ?? 'unknown'}, the credentials to ${account ?? 'one that is not known'}`
  refuse(reading, 'peerings', call, {
    reason: 'denied',
    code: 'not_the_owner',
    detail: `${whose}: only the owner of a VPC is shown all of its peerings`,
    nextStep:
      account === null
        ? 'say whose the credentials are: AWS_ACCOUNT_ID, or aws_account_id in the profile'
        : 'nothing, if the VPC is shared with this account: what only its peerings decide stays open',
  })
}
