import { redact, redactValue } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import type { Snapshot } from '../../model/topology.ts'
import { readSnapshotDirectory } from '../../aws/snapshot-files.ts'
import { formatIp, parseIp } from '../../net/ip.ts'
import { type Origin, askRoute } from '../../verdict/route-question.ts'
import { exit } from './exit-code.ts'
import type { Io } from './io.ts'
import { type CommandSpec, parseCommand } from './usage.ts'

const spec = {
  name: 'route',
  summary:
    "Says which route of the account's route tables wins for an address, and what that leaves possible. Sends nothing: it reads a directory of AWS CLI output, however old that is.",
  options: {
    snapshot: { type: 'string', value: 'DIR', help: 'directory with the output of the AWS CLI' },
    from: { type: 'string', value: 'ID', help: 'where packets set out: eni-…, subnet-… or i-…' },
    to: { type: 'string', value: 'IP', multiple: true, help: 'address (may be given several times)' },
    json: { type: 'boolean', help: 'one JSON document per address, one per line (schema pathproof.route/1)' },
  },
  positionals: {
    label: '[IP…]',
    min: 0,
    max: Infinity,
    help: 'addresses; without any, one per line of standard input',
  },
  examples: [
    'pathproof route --snapshot dump --from subnet-0a1b2c3d --to 52.216.1.1',
    'pathproof route --snapshot dump --from i-0123456789abcdef0 52.216.1.1 2600:1fa0::1',
    'cut -d" " -f5 flows.txt | pathproof route --snapshot dump --from eni-0a1b2c3d --json',
  ],
  notes:
    'Exit codes: 0 all were answered, 1 the snapshot or --from could not be read, 64 wrong usage, 65 some address was malformed.',
} as const satisfies CommandSpec

/** The place that `--from` names, or what is wrong with it. */
export function originOf(from: string, snapshot: Snapshot): Origin | { error: string } {
  const next = 'name an eni-…, subnet-… or i-… that the snapshot holds'
  if (from.startsWith('subnet-')) {
    const subnet = snapshot.subnets.find((s) => s.id === from)
    if (subnet !== undefined)
      return { known: true, id: '', subnetId: subnet.id, vpcId: subnet.vpcId, localAddress: '' }
    const table = snapshot.routeTables.find((t) => t.subnetIds.includes(from))
    return table === undefined
      ? { error: `${from} is not in describe-subnets.json; ${next}` }
      : { known: true, id: '', subnetId: from, vpcId: table.vpcId, localAddress: '' }
  }
  const found = snapshot.networkInterfaces.filter((i) =>
    from.startsWith('i-') ? i.instanceId === from : i.id === from,
  )
  const [eni] = found
  if (eni === undefined) return { error: `${from} is not in describe-network-interfaces.json; ${next}` }
  if (found.length > 1)
    return {
      error: `${from} has several interfaces (${found.map((i) => i.id).join(', ')}): name one of them`,
    }
  const local = eni.ipv4.find((a) => a.primary)?.address ?? eni.ipv6[0] ?? ''
  return { known: true, id: eni.id, subnetId: eni.subnetId, vpcId: eni.vpcId, localAddress: local }
}

function documentOf(to: string, origin: Origin, snapshot: Snapshot, nowMs: number) {
  const ip = parseIp(to)
  if (!ip.ok) return { schema: 'pathproof.route/1', to: safeText(redact(to)), error: ip.error }
  const address = formatIp(ip.value)
  const answer = askRoute(address, ip.value, origin, snapshot, nowMs)
  const { table } = answer.lookup
  const [first] = answer.hops
  return {
    schema: 'pathproof.route/1',
    from: {
      eni: origin.id === '' ? null : origin.id,
      subnet: origin.subnetId,
      routeTable: table?.id ?? null,
      association: table?.association ?? null,
    },
    to: address,
    matched:
      first === undefined || first.destination === null
        ? null
        : {
            destination: first.destination,
            prefixList: first.prefixList,
            target: first.target,
            state: first.state,
            origin: first.origin,
          },
    hops: answer.hops,
    possible: answer.possible,
    state: answer.state,
    because: answer.because,
  }
}

function textOf(document: ReturnType<typeof documentOf>): string {
  if ('error' in document) return `${document.to}: ${document.error}\n`
  const { from, matched } = document
  const route =
    matched === undefined || matched === null
      ? 'no route'
      : `${matched.destination}${matched.prefixList === null || matched.prefixList === matched.destination ? '' : ` (${matched.prefixList})`} → ${matched.target} (${matched.state}, ${matched.origin})`
  const lines = [
    `${document.to}: ${document.state} if connected (${(document.possible ?? []).join(' or ')})`,
    `  ${from?.routeTable ?? 'no table'}${from?.association ? ` (${from.association})` : ''}: ${route}`,
    ...(document.because ?? []).map((b) => `  ${b}`),
  ]
  return `${lines.map((l) => safeText(redact(l), 2000)).join('\n')}\n`
}

/** `pathproof route`. Exit codes 0, 1, 64, 65. */
export async function routeCommand(argv: readonly string[], io: Io): Promise<number> {
  const parsed = parseCommand(spec, argv)
  if (!parsed.ok) {
    ;(parsed.code === 0 ? io.stdout : io.stderr)(parsed.text)
    return parsed.code
  }
  const { snapshot: directory, from, to = [], json = false } = parsed.values
  if (directory === undefined || from === undefined) {
    io.stderr(`pathproof route: --snapshot and --from are needed\nNext step: pathproof route --help\n`)
    return exit.usage
  }
  const snapshot = await readSnapshotDirectory(directory, { nowMs: io.nowMs(), undated: 'mtime' })
  for (const p of snapshot.problems.slice(0, 20)) {
    const words = [p.file, p.place, p.problem, p.expected && `expected ${p.expected}`, p.nextStep].filter(
      Boolean,
    )
    io.stderr(`pathproof route: ${safeText(redact(words.join(': ')), 1000)}\n`)
  }
  if (!Object.values(snapshot.parts).some((p) => p.read)) return exit.failed
  const origin = originOf(from, snapshot)
  if ('error' in origin) {
    io.stderr(`pathproof route: ${safeText(redact(origin.error), 1000)}\n`)
    return exit.failed
  }
  let malformed = 0
  const answer = (text: string): void => {
    const document = documentOf(text, origin, snapshot, io.nowMs())
    if ('error' in document) malformed++
    io.stdout(json ? `${JSON.stringify(redactValue(document))}\n` : textOf(document))
  }
  const wanted = [...to, ...parsed.positionals]
  if (wanted.length > 0) for (const text of wanted) answer(text)
  else if (io.stdin !== null) {
    for await (const line of io.stdin) if (line.trim() !== '') answer(line.trim())
  } else {
    io.stderr('pathproof route: no address is given\nNext step: pathproof route --help\n')
    return exit.usage
  }
  return malformed > 0 ? exit.malformed : 0
}
