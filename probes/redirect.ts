import type { HostRoute } from '../model/observation.ts'
import { cidrContains, parseCidr } from '../net/cidr.ts'
import { parseIp } from '../net/ip.ts'
import type { Ip } from '../net/ip.ts'
import { isFields } from './ip-command.ts'
import type { Fields } from './ip-command.ts'

export type Redirect = HostRoute['redirect']

/*
 * Whether a packet filter of this host may lead a new TCP connection to `destination` somewhere else: pure. A rule counts unless
 * it surely does not match; ports are not weighed. Marks are not a redirect here: what they do shows in the policy rules.
 */

/** True only if the rule's address is readable and surely does not hold the destination. */
function surelyElsewhere(text: string, destination: Ip): boolean {
  const cidr = parseCidr(text)
  if (cidr.ok) return !cidrContains(cidr.value, destination)
  const ip = parseIp(text)
  if (!ip.ok) return false
  return ip.value.family !== destination.family || ip.value.value !== destination.value
}

interface TextRule {
  words: string[]
}

/** The chains of the nat table in the output of `iptables-save`; null if there is no such table. */
function natChains(text: string): Map<string, TextRule[]> | null {
  let chains: Map<string, TextRule[]> | null = null
  let inNat = false
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      inNat = line.trim() === '*nat'
      if (inNat) chains ??= new Map()
      continue
    }
    if (!inNat || chains === null) continue
    const declared = /^:(\S+) /.exec(line)
    if (declared?.[1]) chains.set(declared[1], chains.get(declared[1]) ?? [])
    const rule = /^(?:\[\d+:\d+\] )?-A (\S+) (.*)$/.exec(line)
    if (!rule?.[1]) continue
    const all = (rule[2] ?? '').match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? []
    // a comment may look like an option
    const words = all.filter((word, index) => word !== '--comment' && all[index - 1] !== '--comment')
    const list = chains.get(rule[1])
    if (list) list.push({ words })
    else chains.set(rule[1], [{ words }])
  }
  return chains
}

function surelySkipped(words: readonly string[], destination: Ip): boolean {
  return words.some((word, index) => {
    const value = words[index + 1]
    if (value === undefined) return false
    const inverted = words[index - 1] === '!'
    switch (word) {
      case '-d':
      case '--destination':
        return !inverted && surelyElsewhere(value, destination)
      case '-p':
      case '--protocol':
        return inverted === ['tcp', '6'].includes(value) && !['all', '0'].includes(value)
      case '--dst-type':
        // the destination is never this host's own: such addresses are not dialled
        return !inverted && value === 'LOCAL'
      case '-o':
      case '--out-interface':
        return !inverted && value === 'lo'
      default:
        return false
    }
  })
}

/** Targets of the nat table that leave the destination as it is. */
const harmlessTargets = new Set([
  'ACCEPT',
  'RETURN',
  'DROP',
  'REJECT',
  'LOG',
  'NFLOG',
  'ULOG',
  'AUDIT',
  'MARK',
  'CONNMARK',
  'MASQUERADE',
  'SNAT',
])

/** Reads the output of `iptables-save` or `ip6tables-save`. Null if it has no nat table. Never throws. */
export function iptablesRedirect(text: string, destination: Ip): 'none' | 'possible' | null {
  const chains = natChains(text)
  if (chains === null) return null
  const visited = new Set<string>()
  const todo = ['OUTPUT']
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    if (visited.has(name)) continue
    visited.add(name)
    for (const { words } of chains.get(name) ?? []) {
      if (surelySkipped(words, destination)) continue
      const at = words.findIndex((word) => ['-j', '--jump', '-g', '--goto'].includes(word))
      const target = at < 0 ? undefined : words[at + 1]
      // a rule without a target only counts
      if (target === undefined) continue
      if (chains.has(target)) todo.push(target)
      else if (!harmlessTargets.has(target)) return 'possible'
    }
  }
  return 'none'
}

const harmlessStatements = new Set([
  'match',
  'accept',
  'return',
  'continue',
  'drop',
  'reject',
  'counter',
  'log',
  'limit',
  'quota',
  'mangle',
  'ct helper',
  'ct timeout',
  'masquerade',
  'snat',
  'comment',
  'notrack',
  'set',
])

/** Statements that lead packets elsewhere from any chain: another device, or another destination written into the header. */
function rewrites(statement: unknown): boolean {
  if (!isFields(statement)) return false
  if ('fwd' in statement || 'dup' in statement) return true
  const { mangle } = statement
  const key = isFields(mangle) ? mangle['key'] : null
  const payload = isFields(key) ? key['payload'] : null
  return isFields(payload) && (payload['field'] === 'daddr' || payload['base'] !== undefined)
}

function elementElsewhere(element: unknown, destination: Ip): boolean {
  if (typeof element === 'string') return surelyElsewhere(element, destination)
  if (!isFields(element)) return false
  const { prefix } = element
  if (isFields(prefix))
    return surelyElsewhere(`${String(prefix['addr'])}/${String(prefix['len'])}`, destination)
  return false
}

/** A nftables `match` that surely fails for this connection. */
function surelyFails(match: unknown, destination: Ip): boolean {
  if (!isFields(match) || (match['op'] !== '==' && match['op'] !== 'in')) return false
  const { left, right } = match
  if (!isFields(left)) return false
  const { payload, fib, meta } = left
  if (isFields(payload) && payload['field'] === 'daddr') {
    const family = payload['protocol'] === 'ip6' ? 6 : payload['protocol'] === 'ip' ? 4 : null
    if (family === null) return false
    if (family !== destination.family) return true
    const set = isFields(right) && Array.isArray(right['set']) ? right['set'] : [right]
    return set.length > 0 && set.every((element) => elementElsewhere(element, destination))
  }
  if (isFields(payload) && payload['field'] === 'protocol') return right === 'udp' || right === 'icmp'
  if (isFields(fib)) {
    const flags = Array.isArray(fib['flags']) ? fib['flags'] : [fib['flags']]
    return fib['result'] === 'type' && flags.length === 1 && flags[0] === 'daddr' && right === 'local'
  }
  if (isFields(meta)) {
    if (meta['key'] === 'l4proto')
      return ['udp', 'icmp', 'icmpv6', 'ipv6-icmp', 'sctp'].includes(String(right))
    if (meta['key'] === 'oifname' || meta['key'] === 'oif') return right === 'lo'
    if (meta['key'] === 'nfproto') return right === (destination.family === 4 ? 'ipv6' : 'ipv4')
  }
  return false
}

interface NftChain {
  base: boolean
  rules: unknown[][]
}

function chainKey(item: Fields, name: unknown): string {
  return `${String(item['family'])} ${String(item['table'])} ${String(name)}`
}

/**
 * Reads the output of `nft -j list ruleset`: chains of type nat at the output hook, and what they lead to. `tablesToSkip` (as
 * `family name`) are tables of iptables-nft that are read by `iptables-save`, since `nft` can't show all of their rules. Null if
 * it is no such document. Never throws.
 */
export function nftRedirect(
  text: string,
  destination: Ip,
  tablesToSkip: ReadonlySet<string> = new Set(),
): 'none' | 'possible' | null {
  return rulesetRedirect(readRuleset(text), destination, tablesToSkip)
}

/** The output of `nft -j list ruleset` as `rulesetRedirect` takes it, which does not change it; undefined if it is no JSON. */
export function readRuleset(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `nftRedirect` of a document that was read already. */
export function rulesetRedirect(
  json: unknown,
  destination: Ip,
  tablesToSkip: ReadonlySet<string> = new Set(),
): 'none' | 'possible' | null {
  const items = isFields(json) ? json['nftables'] : null
  if (!Array.isArray(items) || !items.some((item) => isFields(item) && 'metainfo' in item)) return null
  const chains = new Map<string, NftChain>()
  const families = destination.family === 4 ? ['ip', 'inet'] : ['ip6', 'inet']
  const chainOf = (key: string) => {
    const chain = chains.get(key) ?? { base: false, rules: [] }
    chains.set(key, chain)
    return chain
  }
  for (const item of items as unknown[]) {
    if (!isFields(item)) continue
    const { chain, rule } = item
    if (isFields(rule) && Array.isArray(rule['expr']) && rule['expr'].some(rewrites)) return 'possible'
    const of = isFields(chain) ? chain : isFields(rule) ? rule : null
    if (!of || !families.includes(String(of['family']))) continue
    if (tablesToSkip.has(`${String(of['family'])} ${String(of['table'])}`)) continue
    if (isFields(chain) && chain['type'] === 'nat' && chain['hook'] === 'output') {
      chainOf(chainKey(chain, chain['name'])).base = true
    }
    if (isFields(rule)) {
      chainOf(chainKey(rule, rule['chain'])).rules.push(
        Array.isArray(rule['expr']) ? rule['expr'] : [{ unread: null }],
      )
    }
  }
  return followNft(chains, destination)
}

function followNft(chains: ReadonlyMap<string, NftChain>, destination: Ip): 'none' | 'possible' {
  const visited = new Set<string>()
  const todo = [...chains].filter(([, chain]) => chain.base).map(([key]) => key)
  for (let key = todo.pop(); key !== undefined; key = todo.pop()) {
    if (visited.has(key)) continue
    visited.add(key)
    for (const statements of chains.get(key)?.rules ?? []) {
      if (statements.some((one) => isFields(one) && surelyFails(one['match'], destination))) continue
      for (const statement of statements) {
        const name = isFields(statement) ? (Object.keys(statement)[0] ?? '') : ''
        if (harmlessStatements.has(name)) continue
        const leads = isFields(statement) ? statement[name] : null
        if ((name !== 'jump' && name !== 'goto') || !isFields(leads)) return 'possible'
        todo.push(`${key.slice(0, key.lastIndexOf(' '))} ${String(leads['target'])}`)
      }
    }
  }
  return 'none'
}

/**
 * Reads the output of `ip xfrm policy` (text; it has no JSON): an outgoing policy with a template (IPsec) or that
 * blocks, whose selector may match. Policies of single sockets are those of key exchange daemons. Never throws.
 */
export function xfrmRedirect(text: string, destination: Ip): 'none' | 'possible' {
  for (const policy of text.split(/\n(?=src )/)) {
    if (!/^\s+dir out\b/m.test(policy)) continue
    if (!/^\s+tmpl /m.test(policy) && !/\baction block\b/.test(policy)) continue
    const selector = /^src \S+ dst (\S+)/.exec(policy.trimStart())
    if (!selector?.[1] || !surelyElsewhere(selector[1], destination)) return 'possible'
  }
  return 'none'
}
