import { parseIp } from '../../net/ip.ts'
import { holds as within } from '../../verdict/prefixes.ts'
import { type Finding, type Patient, ok, warn } from './finding.ts'

const area = 'first leg'

/** What of the first leg can be shown here: sites, the kernel's next hop; with `trace` one trace to `address`. Nothing on EC2. */
export async function firstLegFindings(
  patient: Patient,
  address: string | null,
  trace: boolean,
): Promise<Finding[]> {
  const { where, config, host, sample } = patient
  if (where.vantage.kind === 'ec2') return []
  const findings: Finding[] = []
  if (address !== null) {
    const route = await host.hostRoute(address, null)
    const from = parseIp(route.source ?? '')
    const sites = from.ok ? config.sites.filter((site) => within(site.prefixes, from.value)) : []
    const next = parseIp(route.gateway ?? '')
    const meant = next.ok ? sites.filter((site) => within(site.nextHops, next.value)) : []
    const [site] = meant
    if (config.sites.length > 0) {
      findings.push(
        sites.length === 0
          ? warn(
              area,
              `no site holds ${route.source ?? 'the address that this host leaves by'}`,
              'see sites in the configuration',
            )
          : ok(area, `${route.source} is in site ${sites.map(({ name }) => name).join(', ')}`),
      )
      findings.push(
        site === undefined
          ? warn(
              area,
              `the kernel's next hop towards ${sample} (${route.gateway ?? 'none'}) is no next hop that is declared`,
              'declare it in next_hops, or let a trace show those behind it (trace: { every: 5m }); else the first leg stays unproven',
            )
          : ok(
              area,
              `the kernel's next hop ${route.gateway} is declared (site ${site.name}, ${site.firstLeg ?? 'no first_leg'})`,
            ),
      )
    }
  }
  if (!trace) return findings
  if (address === null)
    return [...findings, warn(area, `${sample} has no address to trace to`, 'see the resolvers above')]
  const result = (await host.trace?.({ address, port: 443, source: null })) ?? null
  if (result === null)
    return [...findings, warn(area, 'this host can trace nothing', 'the first leg rests on the kernel alone')]
  if (!result.traced) {
    const next =
      result.reason === 'not_installed'
        ? 'install mtr (mtr-tiny), which may send such packets without root'
        : 'give mtr-packet or traceroute CAP_NET_RAW, or do without traces'
    return [...findings, warn(area, `no trace by TCP to port 443: ${result.detail}`, next)]
  }
  const hops = result.hops.map(({ addresses }) => (addresses.length === 0 ? '*' : addresses.join('|')))
  return [...findings, ok(area, `${result.tool} to ${address} port 443: ${hops.join(' ')}`)]
}
