import { cidrContains, parseCidr } from '../net/cidr.ts'
import { parseIp } from '../net/ip.ts'
import { coverageOf } from './flowlog-coverage.ts'
import { type PostureInput, type PostureView, type Word, fail, pass, some, unknown } from './posture-view.ts'

const globalUnicast = parseCidr('2000::/3')

function isGlobal(address: string): boolean {
  const ip = parseIp(address)
  return ip.ok && globalUnicast.ok && cidrContains(globalUnicast.value, ip.value)
}

/** Public and Elastic IPv4 addresses that are associated to this host's own interfaces. */
export function publicAddress({ snapshot, vantage, lacks }: PostureView): Word {
  const unread = lacks('networkInterfaces')
  if (unread !== null) return unknown(unread)
  const own = vantage.interfaces.map(({ id }) => ({
    id,
    shown: snapshot.networkInterfaces.find((eni) => eni.id === id),
  }))
  const found = own.flatMap(({ id, shown }) =>
    (shown?.ipv4 ?? []).flatMap(({ publicAddress: at }) => (at === null ? [] : [`${at} of ${id}`])),
  )
  if (found.length > 0) return fail(some(found))
  const missing = own.filter(({ shown }) => shown === undefined).map(({ id }) => id)
  if (missing.length > 0) return unknown(`${some(missing)} is not among the interfaces that were read`)
  return pass(`no public IPv4 address at ${some(own.map(({ id }) => id))}`)
}

/** Global unicast addresses of IPv6 (RFC 4291 section 2.4: 2000::/3 as far as it is given out) on this host or its interfaces. */
export function globalIpv6({ addresses }: PostureInput, view: PostureView | null): Word {
  const here = (addresses ?? [])
    .filter(({ family, address }) => family === 6 && isGlobal(address))
    .map(({ address }) => address)
  if (here.length > 0) return fail(`this host has ${some(here)}`)
  const own = view?.vantage.interfaces.map(({ id }) => id) ?? []
  const shown = view?.snapshot.networkInterfaces.filter(({ id }) => own.includes(id)) ?? []
  const unread = view?.lacks('networkInterfaces') ?? null
  const given = [
    ...(unread === null
      ? shown.flatMap(({ id, ipv6, ipv6Prefixes }) =>
          [...ipv6, ...ipv6Prefixes].map((at) => `${at} of ${id}`),
        )
      : []),
    ...(view?.vantage.interfaces ?? []).flatMap(({ id, ipv6, ipv6Prefixes }) =>
      [...ipv6, ...ipv6Prefixes].map((at) => `${at} of ${id}`),
    ),
  ].filter((text) => isGlobal(text.split(/[/ ]/)[0] ?? ''))
  if (given.length > 0)
    return fail(`${some([...new Set(given)])} is assigned, though this host does not use it`)
  if (addresses === null) return unknown("this host's addresses can't be read")
  if (view === null) return pass('this host has no global IPv6 address')
  if (unread !== null)
    return unknown(`this host has none, but what is assigned to its interfaces is not known: ${unread}`)
  const missing = own.filter((id) => !shown.some((eni) => eni.id === id))
  if (missing.length > 0)
    return unknown(`this host has none, but ${some(missing)} is not among the interfaces that were read`)
  return pass(`neither this host nor ${some(own)} has a global IPv6 address`)
}

/** Whether each of this host's own interfaces has a flow log that delivers and sees accepted packets. */
export function flowLogs({ snapshot, vantage, lacks, foreign }: PostureView): Word {
  const unread = lacks('flowLogs')
  if (unread !== null) return unknown(unread)
  const covered: string[] = []
  const doubts: string[] = []
  for (const { id, subnetId, vpcId } of vantage.interfaces) {
    const at = {
      interfaceId: id,
      natGatewayId: null,
      endpointId: null,
      addresses: [],
      role: 'client' as const,
    }
    const { logs } = coverageOf(snapshot, at, { subnetId, vpcId })
    const seeing = logs.filter(({ trafficType, delivers }) => trafficType !== 'REJECT' && delivers !== false)
    const sure = seeing.find(({ trafficType, delivers }) => delivers === true && trafficType !== null)
    if (sure !== undefined) covered.push(`${sure.flowLogId ?? 'a flow log'} sees ${id}`)
    else if (seeing.length > 0)
      doubts.push(
        `whether ${some(seeing.map(({ flowLogId }) => flowLogId ?? '?'))} delivers for ${id} is not told`,
      )
    else {
      const why = foreign('its flow logs')
      if (why === null) return fail(`no flow log that delivers and records accepted packets sees ${id}`)
      doubts.push(why)
    }
  }
  return doubts.length > 0 ? unknown(some(doubts, 2)) : pass(some(covered))
}
