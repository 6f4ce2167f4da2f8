import { endpointServiceByDns } from '../aws/hostname-endpoint-service.ts'
import type { VpcEndpoint } from '../model/topology.ts'
import { type PostureView, type Word, fail, pass, some, unknown } from './posture-view.ts'

const isAlive = ({ state }: VpcEndpoint): boolean => state === 'available' || state === 'partial'

/** AWS's own services: those of others stand below `com.amazonaws.vpce.`; China's names begin with `cn.`. */
const ofAws = /^(?:cn\.)?com\.amazonaws\.(?!vpce\.)[a-z0-9-]+\.[a-z0-9.-]+$/

function here({ snapshot, vpcIds }: PostureView): VpcEndpoint[] {
  return snapshot.endpoints.filter(
    ({ vpcId, serviceName }) => vpcIds.includes(vpcId) && ofAws.test(serviceName),
  )
}

/** Whether `serviceName` is the endpoint service of a service as its host names call it. */
function serves(serviceName: string, service: string, region: string): boolean {
  const name = serviceName.replace(/^cn\./, '')
  return [service, endpointServiceByDns.get(service)].some(
    (one) => one !== undefined && name === `com.amazonaws.${region}.${one}`,
  )
}

/** Whether the VPC has an endpoint for each service that is watched. */
export function endpointPerService(view: PostureView): Word {
  const { names, snapshot, vantage, lacks, foreign, endpointsElsewhere } = view
  const unread = lacks('endpoints')
  if (unread !== null) return unknown(unread)
  const used = new Map<string, { service: string; region: string | null }>()
  for (const { service, region, hostname } of names) {
    if (service === null) return unknown(`${hostname} is not known as a name of an AWS service`)
    // global names are served where the host stands, as far as they are at all
    const at = region ?? snapshot.region ?? vantage.region
    used.set(`${service} in ${at ?? 'an unknown region'}`, { service, region: at })
  }
  if (used.size === 0) return unknown('no names are watched')
  const endpoints = here(view).filter(isAlive)
  const without = [...used].filter(
    ([, { service, region }]) =>
      region === null || !endpoints.some(({ serviceName }) => serves(serviceName, service, region)),
  )
  if (without.length === 0) return pass(`an endpoint here for ${some([...used.keys()])}`)
  const text = `no endpoint in this VPC for ${some(without.map(([name]) => name))}`
  if (endpointsElsewhere)
    return unknown(`${text}; endpoints elsewhere are declared, and are not looked at here`)
  const why = foreign('its endpoints')
  return why === null ? fail(text) : unknown(`${text}; ${why}`)
}

/** Whether the usual names of services lead to the interface endpoints that are there. */
export function privateDns(view: PostureView): Word {
  const { lacks, foreign } = view
  const unread = lacks('endpoints')
  if (unread !== null) return unknown(unread)
  const endpoints = here(view).filter((endpoint) => endpoint.type === 'Interface' && isAlive(endpoint))
  const gateways = here(view).filter((endpoint) => endpoint.type === 'Gateway' && isAlive(endpoint))
  const off = endpoints.filter((endpoint) => !endpoint.privateDnsEnabled)
  const named = (list: readonly VpcEndpoint[]): string =>
    some(list.map(({ id, serviceName }) => `${id} (${serviceName})`))
  if (off.length > 0) return fail(`private DNS is off for ${named(off)}`)
  // in the VPC its names go to the gateway endpoint, if there is one (VPC user guide, "Private DNS for S3")
  const inboundOnly = endpoints.filter(
    ({ privateDnsOnlyForInboundResolver: only, serviceName }) =>
      only === true && !gateways.some((gateway) => gateway.serviceName === serviceName),
  )
  if (inboundOnly.length > 0)
    return fail(
      `private DNS is for the inbound resolver only, and there is no gateway endpoint: ${named(inboundOnly)}`,
    )
  const why = foreign('its endpoints')
  if (why !== null) return unknown(why)
  return pass(
    endpoints.length === 0
      ? 'there is no interface endpoint of an AWS service'
      : `private DNS is on for ${named(endpoints)}`,
  )
}

type Openness = 'open' | 'restricted' | 'unclear'

const list = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value]

const isEverybody = (principal: unknown): boolean =>
  principal === '*' ||
  (typeof principal === 'object' &&
    principal !== null &&
    list((principal as Record<string, unknown>)['AWS']).includes('*'))

/** `*`, `s3:*`, `arn:aws:s3:::*`: everything, at least of the one service behind an endpoint. */
const isAll = (value: unknown): boolean =>
  typeof value === 'string' && /^(?:\*+|[a-z0-9-]+:\*+|arn:[^:]*:[^:]*:[^:]*:[^:]*:\*+)$/.test(value)

/**
 * Whether a policy lets everybody do everything: an Allow for every principal, action and resource without a condition.
 * Conditions are not evaluated: a statement with one counts as restricted. A Deny may narrow what an Allow opens, so beside
 * one it is unclear; so is what is written the other way round (NotAction and the like).
 */
export function policyOpenness(text: string | null): Openness {
  if (text === null) return 'unclear'
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    return 'unclear'
  }
  const statements =
    typeof document === 'object' && document !== null
      ? list((document as Record<string, unknown>)['Statement'])
      : []
  if (statements.length === 0) return 'unclear'
  let found: Openness = 'restricted'
  let denies = false
  for (const statement of statements) {
    if (typeof statement !== 'object' || statement === null) return 'unclear'
    const fields = statement as Record<string, unknown>
    if (fields['Effect'] === 'Deny') {
      denies = true
      continue
    }
    if (fields['Effect'] !== 'Allow') return 'unclear'
    const conditions = fields['Condition']
    const conditional =
      typeof conditions === 'object' && conditions !== null && Object.keys(conditions).length > 0
    if (conditional) continue
    const wide =
      isEverybody(fields['Principal']) &&
      list(fields['Action']).some(isAll) &&
      list(fields['Resource']).some(isAll)
    if (wide) found = 'open'
    else if (
      found === 'restricted' &&
      ['NotPrincipal', 'NotAction', 'NotResource'].some((key) => key in fields)
    )
      found = 'unclear'
  }
  return found === 'open' && denies ? 'unclear' : found
}

/** Whether no endpoint of this VPC lets everybody do everything through it. */
export function endpointPolicies(view: PostureView): Word {
  const { lacks, foreign } = view
  const unread = lacks('endpoints')
  if (unread !== null) return unknown(unread)
  const endpoints = here(view).filter(
    ({ type, state }) =>
      (type === 'Interface' || type === 'Gateway') && !/^(?:deleted|failed|rejected|expired)$/.test(state),
  )
  const of = (wanted: Openness): string[] =>
    endpoints
      .filter(({ policy }) => policyOpenness(policy) === wanted)
      .map(({ id, serviceName }) => `${id} (${serviceName})`)
  const open = of('open')
  if (open.length > 0) return fail(`the policy of ${some(open)} allows everything to everybody`)
  const unclear = of('unclear')
  if (unclear.length > 0) return unknown(`the policy of ${some(unclear)} was not read, or can't be judged`)
  const why = foreign('its endpoints')
  if (why !== null) return unknown(why)
  return pass(
    endpoints.length === 0
      ? 'there is no endpoint of an AWS service'
      : `no policy of ${endpoints.length} endpoints allows everything to everybody; conditions are not evaluated`,
  )
}
