import { fieldsOf, isFields, oneOf, textOrNull } from '../../ledger/report/decode.ts'
import type { Attempt } from '../../model/observation.ts'
import type { Snapshot, Topology, TrustedEndpoint, Vantage } from '../../model/topology.ts'
import { createReplayContents, datedAs, readingsOf } from './replay-contents.ts'

type Body = Readonly<Record<string, unknown>>

/** What judgements rested on, out of a ledger, as far as it was read. */
export interface ReplayBasis {
  take(kind: string, body: Body): void
  /**
   * All that the verdict written now on an attempt rests on: the reading that it was made under, every one since that says
   * something else, and what is declared. A sentence where that can't be told. `final`: nothing that was read later was
   * considered (records that came late are weighed without the account).
   */
  topologyOf(attempt: Attempt, final: boolean): { topology: Topology; beside: boolean } | string
}

interface InForce {
  id: string
  snapshot: Snapshot | string
  others: Snapshot[] | null
  content: string
}

const mostReadings = 20_000
const mostInForce = 256

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

function readVantage(body: Body): Vantage | null {
  const kind = oneOf(body['kind'], ['ec2', 'on-prem', 'unknown'] as const)
  const { interfaces } = body
  if (kind === null || !Array.isArray(interfaces) || body['cut'] !== undefined) return null
  const whole = interfaces.every(
    (one) =>
      isFields(one) &&
      typeof one['id'] === 'string' &&
      typeof one['mac'] === 'string' &&
      ['subnetId', 'vpcId'].every((name) => one[name] === null || typeof one[name] === 'string') &&
      ['ipv4', 'ipv6', 'ipv4Prefixes', 'ipv6Prefixes', 'vpcIpv4Cidrs', 'vpcIpv6Cidrs'].every((name) =>
        isTexts(one[name]),
      ),
  )
  return whole ? (body as unknown as Vantage) : null
}

type Surroundings = Pick<Topology, 'trustedEndpoints' | 'sites' | 'limits'> & {
  nat64Prefixes: string[]
  beside: boolean
}

function isEndpoint(value: unknown): value is TrustedEndpoint {
  if (!isFields(value)) return false
  return isFields(value['declared']) && isTexts(value['addresses']) && isTexts(value['vpcCidrs'])
}

function readSurroundings(body: Body): Surroundings | null {
  const { trustedEndpoints, sites, limits, nat64Prefixes } = body
  const { routeTablesMaxAgeSeconds, otherMaxAgeSeconds } = fieldsOf(limits)
  const whole =
    body['cut'] === undefined &&
    Array.isArray(trustedEndpoints) &&
    trustedEndpoints.every(isEndpoint) &&
    Array.isArray(sites) &&
    sites.every((site) => isFields(site) && isTexts(site['nextHops']) && isTexts(site['prefixes'])) &&
    isTexts(nat64Prefixes) &&
    typeof routeTablesMaxAgeSeconds === 'number' &&
    typeof otherMaxAgeSeconds === 'number'
  return whole ? (body as unknown as Surroundings) : null
}

export function createReplayBasis(): ReplayBasis {
  const contents = createReplayContents()
  /** Readings that were in force, one after the other. */
  let states: InForce[] = []
  /** How many of them were forgotten. */
  let gone = 0
  const byId = new Map<string, { at: number; snapshot: Snapshot | string }>()
  /** Up to which state an attempt was last judged with the account. */
  const until = new Map<string, number>()
  let vantage: Vantage | null = null
  let surroundings: Surroundings | null = null

  const bounded = <V>(map: Map<string, V>, key: string, value: V): void => {
    map.delete(key)
    if (map.size >= mostReadings) map.delete(map.keys().next().value ?? '')
    map.set(key, value)
  }

  const takeSnapshot = (body: Body): void => {
    const id = textOrNull(body['id']) ?? ''
    const snapshot = contents.snapshot(body)
    const given = Array.isArray(body['others']) ? body['others'].map(fieldsOf) : null
    const others = given?.map((other) => contents.snapshot(other)) ?? null
    const lacking = others?.find((other) => typeof other === 'string')
    const kept = typeof lacking === 'string' ? lacking : snapshot
    const content = JSON.stringify([body['contents'], given?.map((other) => other['contents'])])
    const last = states.at(-1)
    // Said again in a new segment: the same state, at another time.
    const same = last !== undefined && last.content === content && typeof last.snapshot === typeof kept
    if (!same) {
      states.push({ id, snapshot: kept, others: others as Snapshot[] | null, content })
      if (states.length > mostInForce) {
        states = states.slice(1)
        gone++
      }
    }
    bounded(byId, id, { at: gone + states.length - 1, snapshot: kept })
  }

  const takeReading = (body: Body): void => {
    const of = byId.get(String(body['of']))
    const id = String(body['id'])
    const parts = readingsOf(body['readings'])
    if (of === undefined || parts === null) return
    const { at, snapshot } = of
    bounded(byId, id, {
      at,
      snapshot: typeof snapshot === 'string' ? snapshot : datedAs(snapshot, id, parts, body['listDates']),
    })
  }

  return {
    take(kind, body) {
      if (kind === 'content') contents.take(body)
      else if (kind === 'snapshot') takeSnapshot(body)
      else if (kind === 'reading') takeReading(body)
      else if (kind === 'vantage') vantage = readVantage(body)
      else if (kind === 'surroundings') surroundings = readSurroundings(body)
    },
    topologyOf(attempt, final) {
      if (vantage === null) return 'where the host stood is not kept'
      if (surroundings === null) return 'what was declared is not kept'
      const { id, snapshot: madeUnder } = attempt.stamp
      const { beside, ...declared } = surroundings
      const topology: Topology = { vantage, ...declared, readings: [], others: [] }
      if (madeUnder === null) return { topology, beside }
      const base = byId.get(madeUnder)
      if (base === undefined) return 'the reading of the account that it was made under is not kept'
      if (typeof base.snapshot === 'string') return base.snapshot
      const first = states[base.at - gone]
      if (first === undefined) return 'the reading of the account that it was made under is too far back'
      const end = final ? (until.get(id) ?? base.at + 1) : gone + states.length
      bounded(until, id, end)
      const later = new Map<string, InForce>()
      for (const state of states.slice(base.at - gone + 1, end - gone))
        if (state.content !== first.content && !later.has(state.content)) later.set(state.content, state)
      for (const { snapshot } of later.values()) {
        if (typeof snapshot === 'string') return snapshot
        topology.readings.push(snapshot)
      }
      topology.readings.unshift(base.snapshot)
      topology.others = [...new Set([first, ...later.values()].flatMap(({ others }) => others ?? []))]
      return { topology, beside }
    },
  }
}
