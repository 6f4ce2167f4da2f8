/** The form of a scenario file, strict in every part: a word that nobody reads is a mistake. */
import * as z from 'zod'
import type { PathClass, PathState, Rank } from '../model/path.ts'
import { apiFaults } from './api/faults-schema.ts'
import { metadataModes } from './imds.ts'
import { flowLogShape, recordsSpec } from './scenario-records.ts'
import type { WorldSpec } from './world/spec.ts'
import type { LegEnd } from './world/types.ts'

const text = z.string().min(1)
const texts = z.array(text)
const id = text
const family = z.union([z.literal(4), z.literal(6)])

const pathClass = z.enum([
  'gateway_endpoint',
  'interface_endpoint',
  'nat_gateway_endpoint',
  'nat_gateway',
  'internet_gateway',
  'public_vif',
  'internet',
  'relay',
  'blocked',
] satisfies PathClass[])

const legEnd: z.ZodType<LegEnd> = z.union([
  z.literal('dropped'),
  z.strictObject({ vpc: text, table: text }),
  z.strictObject({ interface: text }),
  z.strictObject({ class: pathClass, service: text.exactOptional() }),
])
const leg = z.strictObject({
  to: text,
  ends: legEnd,
  hops: texts.exactOptional(),
  line: z.enum(['direct_connect', 'vpn', 'internet']).exactOptional(),
})

/** All but `id` may be left out; what is left out keeps its value or the default of the world. */
function item<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject({ id, ...z.strictObject(shape).partial().shape })
}

const deviceLeads = z.union([
  z.strictObject({ interface: text, translatedTo: text }),
  z.strictObject({ interface: text }),
  z.strictObject({ legs: z.array(leg) }),
])

const device = z.strictObject({
  name: text,
  kind: z.enum(['physical', 'vlan', 'veth', 'tun', 'bridge', 'wireguard', 'loopback', 'other']),
  mac: text,
  addresses: texts,
  leads: deviceLeads,
})

const host = z
  .strictObject({
    kind: z.enum(['ec2', 'on-prem']),
    instance: text.nullable(),
    hostname: text,
    interfaces: texts,
    devices: z.array(device),
    routes: z.array(
      z.strictObject({
        from: text.nullable(),
        to: text,
        device: text,
        gateway: text.nullable(),
        selector: z.boolean(),
        applies: z.boolean(),
      }),
    ),
    redirects: z.array(z.strictObject({ to: text, ends: legEnd })),
    ipv4Usable: z.boolean(),
    ipv6Usable: z.boolean(),
    proxyVariables: texts,
  })
  .partial()

const gateway = item({ vpcs: texts })
const afterGateway = z.enum(['returns', 'relays', 'drops'])

/** A world in its compact form, and a change to one. */
export const worldSpec = z
  .strictObject({
    region: text,
    account: z.string().regex(/^\d{12}$/u, 'expected an account id of 12 digits, in quotes'),
    host,
    vpcs: z.array(item({ owner: text, region: text, ipv4: texts, ipv6: texts })),
    subnets: z.array(
      item({ vpc: text, owner: text, zone: text, ipv4: text.nullable(), ipv6: texts, denies: texts }),
    ),
    interfaces: z.array(
      item({
        vpc: text,
        subnet: text,
        mac: text,
        type: text,
        owner: text,
        requesterManaged: z.boolean(),
        instance: text.nullable(),
        ipv4: z.array(z.strictObject({ address: text, primary: z.boolean(), public: text.nullable() })),
        ipv6: texts,
        ipv4Prefixes: texts,
        ipv6Prefixes: texts,
        status: text,
        sourceCheck: z.boolean(),
        forwards: z.enum(['drops', 'routes', 'translates', 'relays']),
        serves: text.nullable(),
      }),
    ),
    tables: z.array(
      item({
        vpc: text,
        owner: text,
        main: z.boolean(),
        subnets: texts,
        gateways: texts,
        routes: texts,
        addRoutes: texts,
        removeRoutes: texts,
      }),
    ),
    lists: z.array(item({ name: text, owner: text, family, entries: texts, hidden: z.boolean() })),
    endpoints: z.array(
      item({
        type: z.enum(['Gateway', 'Interface', 'GatewayLoadBalancer', 'Resource', 'ServiceNetwork']),
        state: text,
        // a Resource endpoint has none
        service: z.string(),
        serviceRegion: text.nullable(),
        vpc: text,
        owner: text,
        subnets: texts,
        interfaces: texts,
        privateDns: z.boolean(),
        inboundOnly: z.boolean().nullable(),
        ipAddressType: z.enum(['ipv4', 'ipv6', 'dualstack']),
        dnsNames: texts,
        reaches: text.nullable(),
        appliances: afterGateway,
      }),
    ),
    natGateways: z.array(
      item({
        vpc: text,
        subnet: text.nullable(),
        state: z.enum(['pending', 'failed', 'available', 'deleting', 'deleted']),
        connectivity: z.enum(['public', 'private']),
        availability: z.enum(['zonal', 'regional']),
        table: text.nullable(),
        private: texts,
        public: texts,
        interfaces: texts,
        appliances: texts,
        appliancesDo: afterGateway,
      }),
    ),
    internetGateways: z.array(gateway),
    egressOnlyGateways: z.array(gateway),
    carrierGateways: z.array(gateway),
    peerings: z.array(item({ status: text, requester: text, accepter: text })),
    transits: z.array(item({ leads: z.array(leg) })),
    services: z.array(
      item({
        service: text,
        kind: z.enum(['aws', 'private']),
        region: text,
        addresses: texts,
        ports: z.array(z.int().min(1).max(65_535)),
        certificate: z.enum(['aws', 'intercepted', 'expired', 'wrong_name', 'none', 'silent']),
        hostnames: texts,
        answers: texts,
      }),
    ),
    names: z.array(
      z.strictObject({
        hostname: text,
        ...z
          .strictObject({
            ttlSeconds: z.int().min(0),
            cnames: texts,
            ipv4: texts,
            ipv6: texts,
            rcode: z.enum(['NOERROR', 'NXDOMAIN', 'SERVFAIL']),
            resolver: text.nullable(),
            failing: family.nullable(),
          })
          .partial().shape,
      }),
    ),
    resolvers: z.array(
      z.strictObject({
        name: text,
        view: z.enum(['vpc', 'inbound', 'public', 'servfail', 'silent']),
        address: text.nullable(),
      }),
    ),
    flowLogs: z.array(item(flowLogShape)),
    fate: z
      .strictObject({
        shortCidrBeatsList: z.boolean(),
        longPropagatedBeatsList: z.boolean(),
        longPropagatedBeatsLocal: z.boolean(),
        listTie: z.enum(['longest', 'first', 'last']),
        equalTie: z.enum(['first', 'last']),
        nat64Outside: pathClass,
      })
      .partial(),
    remove: texts,
  })
  .partial()
  // zod's optional keys may be undefined, which YAML has no word for
  .transform((spec) => spec as WorldSpec)

const expectation = z.union(
  [
    z.strictObject({
      hostname: text,
      state: z.enum(['private', 'public', 'mixed', 'blocked'] satisfies PathState[]),
      class: pathClass.optional(),
      proof: z
        .enum(['given', 'attested', 'observed', 'configured', 'consistent'] satisfies Rank[])
        .optional(),
    }),
    z.strictObject({ hostname: text, state: z.literal('undetermined' satisfies PathState), because: text }),
  ],
  {
    error:
      'expected {hostname, state: private|public|mixed|blocked, class?, proof?} or {hostname, state: undetermined, because}',
  },
)

const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/u, 'expected a name of a-z, 0-9, ".", "_", "-"')

/** Passed on to the agent's target as they are. */
const howWatched = {
  require: text.optional(),
  require_first_leg: text.optional(),
  source: text.optional(),
  resolvers: texts.optional(),
  compare_resolvers: texts.optional(),
}

const watched = z.union(
  [
    z.strictObject({ target: name, hostname: text, ...howWatched }),
    z.strictObject({
      target: name,
      service: text,
      region: text.optional(),
      bucket: text.optional(),
      styles: texts.min(1),
      ...howWatched,
    }),
  ],
  { error: 'expected {target, hostname} or {target, service, styles, region?, bucket?}' },
)

/** Text such as `25s` or `2m`, as seconds. */
const after = z
  .string()
  .regex(/^\d+[sm]$/u, 'expected a duration such as 25s or 2m')
  .transform((value) => Number.parseInt(value, 10) * (value.endsWith('m') ? 60 : 1))

/** Text such as `20h`, `25s` or `2m`, as seconds. */
const ageOf = z
  .string()
  .regex(/^\d+[smh]$/u, 'expected a duration such as 20h, 2m or 25s')
  .transform((value) => Number.parseInt(value, 10) * ({ s: 1, m: 60, h: 3600 }[value.at(-1) ?? ''] ?? 1))

const metadata = z.enum(metadataModes)

/** What is declared in the agent's configuration, in that configuration's own words: they are checked there. */
const declared = z
  .strictObject({
    vantage: text,
    sites: z.array(z.record(text, z.unknown())),
    trusted_endpoints: z.array(z.record(text, z.unknown())),
    resolvers: z.array(z.record(text, z.unknown())),
    trace: z.record(text, z.unknown()),
    direct_connect: z.record(text, z.unknown()),
  })
  .partial()

/** How the directory of AWS CLI output came to be. */
const dump = z.strictObject({
  /** False: nothing says when it was made but the times of its files. */
  manifest: z.boolean().default(true),
  /** How old it is at each writing. */
  age: ageOf.default(0),
})

const step = z
  .strictObject({
    after,
    name,
    title: text,
    change: worldSpec.default({}),
    beneath: worldSpec.exactOptional(),
    records: recordsSpec.exactOptional(),
    metadata: metadata.exactOptional(),
    api: apiFaults.exactOptional(),
    expect: z.array(expectation).default([]),
  })
  .transform(({ after: afterSeconds, ...rest }) => ({ afterSeconds, ...rest }))

export const scenarioSchema = z.strictObject({
  name,
  title: text,
  story: text,
  world: worldSpec.default({}),
  /** What is truly so for packets and answers beneath what the account's API and dump show; a step replaces it. */
  beneath: worldSpec.default({}),
  /** What AWS records, and how well. */
  records: recordsSpec.default({}),
  rotate: z
    .array(z.strictObject({ hostname: text, atMost: z.int().min(1).nullable().default(null) }))
    .default([]),
  buckets: z
    .array(
      z.strictObject({
        name: text,
        region: text,
        redirect: z.union([z.literal(301), z.literal(307)]).default(301),
      }),
    )
    .default([]),
  metadata: metadata.default('answers'),
  /** Of each answer of the metadata service while it is `slow`. */
  metadataDelay: after.default(2),
  api: apiFaults.default({}),
  /** Where an instance has its credentials from; a host elsewhere always has them in its environment. */
  credentials: z.enum(['metadata', 'environment']).default('metadata'),
  dump: dump.default({ manifest: true, age: 0 }),
  /** The host's own store has the root of the world's TLS proxies, as a company's image does. */
  proxyTrusted: z.boolean().default(false),
  agent: declared.default({}),
  names: z.array(watched).min(1),
  steps: z.array(step).default([]),
  expect: z.array(expectation).min(1),
})

export type Scenario = z.infer<typeof scenarioSchema>
