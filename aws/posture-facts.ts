import type { BlockPublicAccess, BlockPublicAccessExclusion, Fact, PostureFacts } from '../model/topology.ts'
import type { postureActions } from './snapshot-api-calls.ts'
import type { AwsCall } from './snapshot-decode-calls.ts'
import type { Fields, ProblemList } from './snapshot-decode-fields.ts'
import { type SnapshotFile, readPart } from './snapshot-decode-file.ts'
import { decodeInternetGateway } from './snapshot-decode-network.ts'

export interface PostureCall extends AwsCall {
  action: (typeof postureActions)[number]
  /** The most that its API page allows; null: it has no pages. */
  maxResults: number | null
}

/** The call, and the file of a snapshot directory, behind each fact. */
export const postureCalls: Readonly<Record<keyof PostureFacts, PostureCall>> = {
  egressOnlyGateways: {
    file: 'describe-egress-only-internet-gateways.json',
    command: 'describe-egress-only-internet-gateways',
    key: 'EgressOnlyInternetGateways',
    permission: 'ec2:DescribeEgressOnlyInternetGateways',
    action: 'DescribeEgressOnlyInternetGateways',
    maxResults: 255,
  },
  blockPublicAccess: {
    file: 'describe-vpc-block-public-access-options.json',
    command: 'describe-vpc-block-public-access-options',
    key: 'VpcBlockPublicAccessOptions',
    permission: 'ec2:DescribeVpcBlockPublicAccessOptions',
    single: true,
    action: 'DescribeVpcBlockPublicAccessOptions',
    maxResults: null,
  },
  exclusions: {
    file: 'describe-vpc-block-public-access-exclusions.json',
    command: 'describe-vpc-block-public-access-exclusions',
    key: 'VpcBlockPublicAccessExclusions',
    permission: 'ec2:DescribeVpcBlockPublicAccessExclusions',
    action: 'DescribeVpcBlockPublicAccessExclusions',
    maxResults: 1000,
  },
}

export const postureFiles: readonly string[] = Object.values(postureCalls).map(({ file }) => file)

const lower = (entry: Fields, name: string): string => (entry.word(name) ?? '').toLowerCase()

function decodeEgressOnly(entry: Fields) {
  const { vpcIds } = decodeInternetGateway(renamed(entry))
  return { id: entry.requiredWord('EgressOnlyInternetGatewayId'), vpcIds }
}

/** Its attachments are those of an internet gateway; only its id is called otherwise. */
function renamed(entry: Fields): Fields {
  return {
    ...entry,
    requiredWord: (name) =>
      entry.requiredWord(name === 'InternetGatewayId' ? 'EgressOnlyInternetGatewayId' : name),
  }
}

/** Without a mode it says nothing. */
function decodeBlockPublicAccess(entry: Fields): BlockPublicAccess {
  const mode = entry.requiredWord('InternetGatewayBlockMode').toLowerCase()
  return { mode, state: lower(entry, 'State'), exclusionsAllowed: lower(entry, 'ExclusionsAllowed') }
}

function decodeExclusion(entry: Fields): BlockPublicAccessExclusion {
  return {
    id: entry.requiredWord('ExclusionId'),
    resource: entry.requiredWord('ResourceArn'),
    mode: lower(entry, 'InternetGatewayExclusionMode'),
    state: lower(entry, 'State'),
  }
}

/**
 * The facts from the files of a snapshot, as `decodeSnapshot` takes them; undefined if none of their files is there. "There is
 * none" needs every element, so one that is not understood leaves its fact unread.
 */
export function decodePosture(
  files: ReadonlyMap<string, SnapshotFile>,
  list: ProblemList,
): PostureFacts | undefined {
  if (!postureFiles.some((file) => files.has(file))) return undefined
  const fact = <T>(
    name: keyof PostureFacts,
    idOf: (item: T) => string,
    decode: (entry: Fields) => T,
  ): Fact<T> => {
    const { reading, items } = readPart(files, postureCalls[name], list, { idOf, decode, whole: true })
    return { reading, items }
  }
  return {
    egressOnlyGateways: fact('egressOnlyGateways', ({ id }) => id, decodeEgressOnly),
    blockPublicAccess: fact('blockPublicAccess', () => 'account', decodeBlockPublicAccess),
    exclusions: fact('exclusions', ({ id }) => id, decodeExclusion),
  }
}

/** What was read now, filled with what the last reading had; each fact keeps its own date. */
export function withLastFacts(
  last: PostureFacts | undefined,
  next: PostureFacts | undefined,
): PostureFacts | undefined {
  if (last === undefined || next === undefined) return next ?? last
  if (Object.values(next).every(({ reading }) => reading.read)) return next
  const pick = <T>(old: Fact<T>, now: Fact<T>): Fact<T> => (!now.reading.read && old.reading.read ? old : now)
  return {
    egressOnlyGateways: pick(last.egressOnlyGateways, next.egressOnlyGateways),
    blockPublicAccess: pick(last.blockPublicAccess, next.blockPublicAccess),
    exclusions: pick(last.exclusions, next.exclusions),
  }
}
