import { type Cidr, cidrContains, cidrOverlaps, parseCidr } from '../../net/cidr.ts'
import { isPrivateUse, specialPurpose } from '../../net/special.ts'
import type { Draft } from './draft.ts'
import { type Findings, finding } from './findings.ts'
import { shown } from './problems.ts'

/** Every hop in a next hop's prefix counts as that way: more than a network of routers would take in anybody's. */
const shortest = { 4: 24, 6: 112 } as const

const legWords = { direct_connect: 'Direct Connect', vpn: 'a VPN' } as const

interface Declared {
  site: number
  name: string
  leg: 'direct_connect' | 'vpn'
  cidr: Cidr
  prefixes: Cidr[]
}

function cidrsOf(texts: readonly string[]): Cidr[] {
  return texts.flatMap((text) => {
    const cidr = parseCidr(text)
    return cidr.ok ? [cidr.value] : []
  })
}

function checkNextHop(
  findings: Findings,
  path: (string | number)[],
  text: string,
  prefixes: readonly Cidr[],
): void {
  const cidr = parseCidr(text)
  if (!cidr.ok) return
  const { family, length } = cidr.value
  if (length < shortest[family]) {
    const problem = `${shown(text)} is too wide for next hops: every hop in it would show this way`
    const expected = `the peer addresses of the way, a prefix of /${shortest[family]} or longer`
    findings.errors.push(finding(path, problem, expected))
    return
  }
  const purpose = specialPurpose(cidr.value)
  if (
    purpose === 'multicast' ||
    purpose === 'loopback' ||
    purpose === 'unspecified' ||
    purpose === 'broadcast'
  ) {
    findings.errors.push(
      finding(path, `${shown(text)} is ${purpose}: no router has it`, 'the address of a router'),
    )
    return
  }
  const inside = prefixes.some((prefix) => prefix.length <= length && cidrContains(prefix, cidr.value))
  if (inside || purpose === 'link_local') return
  const what = isPrivateUse(cidr.value) ? '' : 'public and '
  const problem = `${shown(text)} is ${what}in no prefix of the site: is it a router of this way?`
  findings.warnings.push(finding(path, problem))
}

/** Two ways that one hop would show both of; where no host can be in both sites it does not matter. */
function checkAmbiguous(findings: Findings, all: readonly Declared[]): void {
  const told = new Set<string>()
  for (const [index, one] of all.entries()) {
    const other = all
      .slice(0, index)
      .find(
        (earlier) =>
          earlier.leg !== one.leg &&
          cidrOverlaps(earlier.cidr, one.cidr) &&
          earlier.prefixes.some((a) => one.prefixes.some((b) => cidrOverlaps(a, b))),
      )
    const key = `${one.site} ${other?.site ?? ''}`
    if (other === undefined || told.has(key)) continue
    told.add(key)
    const problem = `a next hop of ${legWords[one.leg]} is one of ${legWords[other.leg]} at sites[${other.site}] as well: it shows neither`
    findings.errors.push(finding(['sites', one.site, 'next_hops'], problem, 'next hops of this way alone'))
  }
}

/** Hops beyond this number are not compared. */
const mostCompared = 1000

/** Checks what the first leg rests on: next hops that mean something, and demands that something can show. */
export function checkFirstLeg(findings: Findings, draft: Draft): void {
  const declared: Declared[] = []
  const shows = new Set<string>()
  for (const [index, { value }] of draft.sites.entries()) {
    const { name = '', first_leg: leg, next_hops: hops = [], prefixes: texts = [] } = value
    const prefixes = cidrsOf(texts)
    for (const [position, text] of hops.entries())
      checkNextHop(findings, ['sites', index, 'next_hops', position], text, prefixes)
    if (leg === undefined) {
      if (hops.length > 0)
        findings.warnings.push(finding(['sites', index, 'next_hops'], 'says nothing without first_leg'))
      continue
    }
    if (hops.length > 0) shows.add(leg)
    if (leg === 'vpn') shows.add(leg)
    for (const cidr of cidrsOf(hops)) {
      if (declared.length < mostCompared) declared.push({ site: index, name, leg, cidr, prefixes })
    }
  }
  checkAmbiguous(findings, declared)
  for (const [index, { value }] of draft.targets.entries()) {
    const wanted = value.require_first_leg
    if (wanted === undefined || wanted === 'any' || shows.has(wanted)) continue
    const problem = `no site declares next_hops of ${legWords[wanted]}: it can't be shown, and the requirement will not be met`
    findings.warnings.push(finding(['targets', index, 'require_first_leg'], problem))
  }
}
