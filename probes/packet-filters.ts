import { mappedIpv4 } from '../net/ip.ts'
import type { Ip } from '../net/ip.ts'
import { iptablesRedirect, readRuleset, rulesetRedirect, xfrmRedirect } from './redirect.ts'
import type { Redirect } from './redirect.ts'
import type { CommandResult, RunCommand } from './run-command.ts'

export interface PacketFilterDeps {
  run: RunCommand
  readFile(path: string): Promise<string>
}

/** Output of a command that ended well, null otherwise. */
type Output = string | null

interface FamilyTables {
  /** Names of the legacy tables in use; null: not to be read. */
  legacyNames: readonly string[] | null
  legacy: Output
  /** iptables' tables inside nftables as `iptables-nft-save` shows them; read only where `nft` can't show all. */
  nftSave: Output
}

/** What the host's packet filters and IPsec policies are, as text; good for every destination. */
export interface PacketFilters {
  ipv4: FamilyTables
  ipv6: FamilyTables
  nft: Output
  xfrm: Output
}

function outputOf(result: CommandResult): Output {
  return result.ran && result.code === 0 ? result.stdout : null
}

async function legacyNames(path: string, deps: PacketFilterDeps): Promise<readonly string[] | null> {
  try {
    return (await deps.readFile(path)).split('\n').filter((name) => name !== '')
  } catch (error) {
    // without the module there is no such file; readable by root only
    return (error as { code?: unknown }).code === 'ENOENT' ? [] : null
  }
}

/** The legacy tables by the command that reads only them, else by the one name that older systems have. */
async function legacySave(prefix: 'ip' | 'ip6', deps: PacketFilterDeps): Promise<Output> {
  const legacy = outputOf(await deps.run(`${prefix}tables-legacy-save`, []))
  if (legacy !== null) return legacy
  const plain = await deps.run(`${prefix}tables-save`, [])
  // the nftables variant warns of legacy tables, and does not show them
  return plain.ran && /legacy/i.test(plain.stderr) ? null : outputOf(plain)
}

async function familyTables(
  prefix: 'ip' | 'ip6',
  needsNftSave: boolean,
  deps: PacketFilterDeps,
): Promise<FamilyTables> {
  const names = await legacyNames(`/proc/net/${prefix}_tables_names`, deps)
  return {
    legacyNames: names,
    legacy: names?.includes('nat') ? await legacySave(prefix, deps) : null,
    nftSave: needsNftSave ? outputOf(await deps.run(`${prefix}tables-nft-save`, [])) : null,
  }
}

/** Reads the packet filters of this network namespace, as far as this process may (most of it needs CAP_NET_ADMIN). Never rejects. */
export async function readPacketFilters(deps: PacketFilterDeps): Promise<PacketFilters> {
  const [nft, xfrm] = await Promise.all([
    deps.run('nft', ['-j', 'list', 'ruleset']).then(outputOf),
    deps.run('ip', ['xfrm', 'policy']).then(outputOf),
  ])
  const needsNftSave = (nft ?? '').includes('"xt"')
  const [ipv4, ipv6] = await Promise.all([
    familyTables('ip', needsNftSave, deps),
    familyTables('ip6', needsNftSave, deps),
  ])
  return { ipv4, ipv6, nft, xfrm }
}

/** `nft`'s document is read once for all destinations that are asked for while it is good; `undefined` is no JSON. */
const documents = new WeakMap<PacketFilters, { json: unknown }>()

function documentOf(filters: PacketFilters, text: string): unknown {
  const known = documents.get(filters)
  if (known) return known.json
  const read = { json: readRuleset(text) }
  documents.set(filters, read)
  return read.json
}

/**
 * Whether a new TCP connection to `destination` may be led elsewhere by nat rules at the output hook (iptables, nftables), by a
 * rule that rewrites destinations, or by an IPsec policy. `none` speaks of these only: programs loaded into the kernel
 * (eBPF at connect() or at the device) are not seen.
 */
export function redirectOf(filters: PacketFilters, destination: Ip): Redirect {
  const ip = mappedIpv4(destination) ?? destination
  const tables = ip.family === 4 ? filters.ipv4 : filters.ipv6
  const found: (Redirect | null)[] = []
  if (tables.legacyNames === null) found.push('unreadable')
  else if (tables.legacyNames.includes('nat')) {
    found.push(tables.legacy === null ? 'unreadable' : iptablesRedirect(tables.legacy, ip))
  }
  const saved = tables.nftSave === null ? null : iptablesRedirect(tables.nftSave, ip)
  if (saved !== null) found.push(saved)
  const toSkip = new Set(saved === null ? [] : [ip.family === 4 ? 'ip nat' : 'ip6 nat'])
  found.push(
    filters.nft === null ? 'unreadable' : rulesetRedirect(documentOf(filters, filters.nft), ip, toSkip),
  )
  found.push(filters.xfrm === null ? 'unreadable' : xfrmRedirect(filters.xfrm, ip))
  if (found.includes('possible')) return 'possible'
  return found.includes('unreadable') || found.includes(null) ? 'unreadable' : 'none'
}
