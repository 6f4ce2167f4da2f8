/** Direct Connect: virtual interfaces and their routes. Source: Direct Connect API reference, `DescribeVirtualInterfaces`, `ListVirtualInterfaceRoutes`. */
import { familyOf } from '../world/bits.ts'
import type { Json } from './json.ts'
import { type JsonQuestion, type JsonService, numberOf, textOf, textsOf } from './json-service.ts'
import { type ApiProblem, problem } from './problem.ts'

/** What the account's Direct Connect shows. */
export interface DirectConnectOptions {
  virtualInterfaces: {
    id: string
    type: 'private' | 'transit' | 'public'
    state: 'available' | 'down' | 'deleted' | 'pending' | 'testing'
    bgp: 'up' | 'down'
    /** Its two ends with the length of their prefix: `169.254.100.1/30`. */
    amazon: string
    customer: string
    advertised: string[]
    accepted: string[]
  }[]
}

export const usualDirectConnect: DirectConnectOptions = { virtualInterfaces: [] }

const maxPage = 100

export function createDirectConnectService(options: () => DirectConnectOptions): JsonService {
  const paged = (
    name: string,
    { input, pager, pageSize, endless }: JsonQuestion,
    items: Json[],
    key: string,
  ): Json | ApiProblem => {
    const { nextToken: token, maxResults: _size, ...rest } = input
    const asked = numberOf(input, 'maxResults') ?? maxPage
    const page = pager.page(items, {
      about: JSON.stringify([name, rest]),
      key,
      size: Math.min(asked, maxPage, pageSize ?? maxPage),
      token: typeof token === 'string' ? token : null,
      endless,
    })
    if (page === null) return problem(400, 'DirectConnectClientException', 'The token is not valid.')
    return { [name]: page.items, ...(page.nextToken !== null && { nextToken: page.nextToken }) }
  }
  const describe = (question: JsonQuestion): Json | ApiProblem => {
    const only = textOf(question.input, 'virtualInterfaceId')
    const { account, region } = question.world
    const items = options()
      .virtualInterfaces.filter(({ id }) => only === null || id === only)
      .map((vif): Json => interfaceJson(vif, account, region))
    return paged('virtualInterfaces', question, items, 'virtualInterfaceId')
  }
  const routes = (question: JsonQuestion): Json | ApiProblem => {
    const id = textOf(question.input, 'virtualInterfaceId')
    const vif = options().virtualInterfaces.find((each) => each.id === id)
    if (vif === undefined)
      return problem(400, 'DirectConnectClientException', `Virtual interface ${id ?? ''} does not exist`)
    const filters = question.input['filters']
    const wanted = textOf((filters ?? {}) as Json, 'routeDirection')
    const cidrs = textsOf((filters ?? {}) as Json, 'cidrs')
    const items = (['accepted', 'advertised'] as const)
      .filter((direction) => wanted === null || wanted === direction)
      .flatMap((direction) =>
        vif[direction]
          .filter((cidr) => cidrs.length === 0 || cidrs.includes(cidr))
          .map((cidr): Json => ({ cidr, routeDirection: direction, ...routeJson(cidr) })),
      )
    const page = paged('routes', question, items, 'cidr')
    return 'routes' in page ? { virtualInterfaceId: vif.id, ...page } : page
  }
  return {
    api: 'directconnect',
    target: 'OvertureService',
    contentType: 'application/x-amz-json-1.1',
    trail: {
      source: 'directconnect.amazonaws.com',
      actions: ['DescribeVirtualInterfaces', 'ListVirtualInterfaceRoutes'],
    },
    actions: { DescribeVirtualInterfaces: describe, ListVirtualInterfaceRoutes: routes },
  }
}

function routeJson(cidr: string): Json {
  return {
    addressFamily: familyOf(cidr.split('/', 1)[0] ?? '') === 6 ? 'ipv6' : 'ipv4',
    asPath: [{ asPathSegmentType: 'AS_SEQUENCE', asns: [64_512] }],
    communities: [],
    awsLogicalDeviceId: 'EqDC2-1a2b3c4d5e6f7',
    routeInstalledAt: 1_790_000_000,
  }
}

/** With the BGP key, as AWS gives it: whoever reads this must not pass it on. */
function interfaceJson(
  vif: DirectConnectOptions['virtualInterfaces'][number],
  account: string,
  region: string,
): Json {
  const ends = { amazonAddress: vif.amazon, customerAddress: vif.customer }
  const session = { asn: 65_001, authKey: 'labBgpKeyThatIsSecret', addressFamily: 'ipv4', ...ends }
  return {
    ownerAccount: account,
    virtualInterfaceId: vif.id,
    virtualInterfaceName: vif.id,
    virtualInterfaceType: vif.type,
    virtualInterfaceState: vif.state,
    location: 'EqDC2',
    connectionId: 'dxcon-fg1234ab',
    vlan: 101,
    amazonSideAsn: 64_512,
    mtu: 1500,
    region,
    routeFilterPrefixes: [],
    customerRouterConfig:
      '<logical_connection><bgp_auth_key>labBgpKeyThatIsSecret</bgp_auth_key></logical_connection>',
    ...session,
    bgpPeers: [{ bgpPeerId: 'dxpeer-fg1234ab', ...session, bgpPeerState: 'available', bgpStatus: vif.bgp }],
  }
}
