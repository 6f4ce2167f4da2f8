import type { z } from 'zod'
import {
  canarySchema,
  limitsSchema,
  partitionRootsSchema,
  resolverSchema,
  siteSchema,
  topologySchema,
  trustedEndpointSchema,
} from './schema.ts'
import { egressCheckSchema, egressSchema } from './schema-egress.ts'
import { flowLogsSchema } from './schema-flow-logs.ts'
import { ledgerSchema } from './schema-ledger.ts'
import { targetSchema } from './schema-target.ts'
import { alsoSchema } from './schema-topology.ts'
import { readCidr } from './fields.ts'

/** A map of the document of which only the keys that read well are there, so that what concerns several keys can be checked. */
export interface Item<S extends z.ZodObject> {
  /** Keys that are written, well or badly; null if there is no map at all. */
  given: ReadonlySet<string> | null
  value: Partial<z.output<S>>
}

/** What could be read of a document, also of one with errors in it. Lists keep their indexes. */
export interface Draft {
  targets: Item<typeof targetSchema>[]
  resolvers: Item<typeof resolverSchema>[]
  trustedEndpoints: Item<typeof trustedEndpointSchema>[]
  sites: Item<typeof siteSchema>[]
  mustFail: Item<typeof egressCheckSchema>[]
  egress: Item<typeof egressSchema>
  partitionRoots: Item<typeof partitionRootsSchema>[]
  topology: Item<typeof topologySchema>
  also: Item<typeof alsoSchema>[]
  flowLogs: Item<typeof flowLogsSchema>
  canary: Item<typeof canarySchema>
  ledger: Item<typeof ledgerSchema>
  limits: Item<typeof limitsSchema>
  /** Canonical text; null where it could not be read. */
  nat64Prefixes: (string | null)[]
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function item<S extends z.ZodObject>(schema: S, raw: unknown): Item<S> {
  const map = isMap(raw) ? raw : {}
  const value: Record<string, unknown> = {}
  for (const [key, field] of Object.entries(schema.shape)) {
    const read = (field as z.ZodType).safeParse(Object.hasOwn(map, key) ? map[key] : undefined)
    if (read.success && read.data !== undefined) value[key] = read.data
  }
  return { given: isMap(raw) ? new Set(Object.keys(raw)) : null, value: value as Partial<z.output<S>> }
}

function items<S extends z.ZodObject>(schema: S, raw: unknown): Item<S>[] {
  return Array.isArray(raw) ? raw.map((entry) => item(schema, entry)) : []
}

/** Reads what can be read of a document's data. */
export function draftOf(raw: unknown): Draft {
  const top = isMap(raw) ? raw : {}
  const egress = isMap(top['egress']) ? top['egress'] : {}
  const nat64 = Array.isArray(top['nat64_prefixes']) ? top['nat64_prefixes'] : []
  return {
    targets: items(targetSchema, top['targets']),
    resolvers: items(resolverSchema, top['resolvers']),
    trustedEndpoints: items(trustedEndpointSchema, top['trusted_endpoints']),
    sites: items(siteSchema, top['sites']),
    mustFail: items(egressCheckSchema, egress['must_fail']),
    egress: item(egressSchema, top['egress'] ?? {}),
    partitionRoots: items(partitionRootsSchema, top['partition_roots']),
    topology: item(topologySchema, top['topology']),
    also: items(alsoSchema, isMap(top['topology']) ? top['topology']['also'] : null),
    flowLogs: item(flowLogsSchema, top['flow_logs']),
    canary: item(canarySchema, top['canary']),
    ledger: item(ledgerSchema, top['ledger']),
    limits: item(limitsSchema, top['limits']),
    nat64Prefixes: nat64.map((text) => {
      const prefix = typeof text === 'string' ? readCidr(text) : null
      return prefix?.ok ? prefix.value : null
    }),
  }
}
