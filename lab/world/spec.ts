import type { FlowLog } from '../flow/types.ts'
import type {
  Fate,
  WorldEndpoint,
  WorldGateway,
  WorldHost,
  WorldInterface,
  WorldList,
  WorldName,
  WorldNat,
  WorldPeering,
  WorldResolver,
  WorldService,
  WorldSubnet,
  WorldTransit,
  WorldVpc,
} from './types.ts'

type Item<T extends { id: string }> = Partial<T> & { id: string }

/**
 * The compact form, and a change to a world. Lists of things with an id are merged by id into what is there,
 * new ids are added, `remove` takes ids (and names of devices, names, resolvers) away. Routes are text:
 * `"0.0.0.0/0 -> nat-0a000001"`, with `blackhole`, `filtered`, `propagated` or `advertised` behind it.
 */
export interface WorldSpec {
  region?: string
  account?: string
  host?: Partial<WorldHost>
  vpcs?: Item<WorldVpc>[]
  subnets?: Item<WorldSubnet>[]
  interfaces?: Item<WorldInterface>[]
  tables?: TableSpec[]
  lists?: Item<WorldList>[]
  endpoints?: Item<WorldEndpoint>[]
  natGateways?: Item<WorldNat>[]
  internetGateways?: Item<WorldGateway>[]
  egressOnlyGateways?: Item<WorldGateway>[]
  carrierGateways?: Item<WorldGateway>[]
  peerings?: Item<WorldPeering>[]
  transits?: Item<WorldTransit>[]
  services?: Item<WorldService>[]
  names?: (Partial<WorldName> & { hostname: string })[]
  resolvers?: WorldResolver[]
  /** What is left out of a new one is as `usualFlowLog` has it. */
  flowLogs?: Item<FlowLog>[]
  fate?: Partial<Fate>
  remove?: string[]
}

export interface TableSpec {
  id: string
  vpc?: string
  owner?: string
  main?: boolean
  subnets?: string[]
  gateways?: string[]
  /** All of them, in place of what was there; the VPC's local routes are added if none is given. */
  routes?: string[]
  addRoutes?: string[]
  /** Destinations (or `destination -> target`) to take away. */
  removeRoutes?: string[]
}
