import { egressStates } from '../../model/egress.ts'
import { postureStates } from '../../model/posture.ts'
import {
  type Fields,
  countOf,
  fieldsOf,
  listOf,
  numberOf,
  oneOf,
  textOf,
  textOrNull,
  textsOf,
  timeOf,
} from './decode.ts'
import type { CensusReport, EgressReport, Place, PostureChange, Report } from './model.ts'

/** All that stands beside the paths of the targets. */
export type Side = Pick<
  Report,
  | 'host'
  | 'egress'
  | 'posture'
  | 'census'
  | 'clock'
  | 'configurations'
  | 'moreConfigurations'
  | 'snapshots'
  | 'snapshotCount'
>

export interface SideReader {
  add(kind: string, body: Fields, wallMs: number, agentId: string, place: () => Place): void
  setBack(fromMs: number, toMs: number): void
  /** @param endMs end of the period */
  finish(endMs: number): Side
}

const most = {
  agents: 20,
  checks: 500,
  openTimes: 100,
  changes: 200,
  configurations: 200,
  snapshots: 200,
  rows: 512,
}

/** @param fromMs, toMs bounds of the period, null: open. States from before it are carried into it. */
export function createSide(fromMs: number | null, toMs: number | null): SideReader {
  const agents = new Set<string>()
  let vantage: Omit<Side['host'], 'agents'> = {
    vantage: 'unknown',
    instance: null,
    account: null,
    region: null,
    because: [],
  }
  const egress = new Map<string, EgressReport>()
  /** When a round of each check was last told of. */
  const heard = new Map<string, number>()
  const posture = new Map<string, PostureChange>()
  const changes: PostureChange[] = []
  let moreChanges = 0
  const census: CensusReport = { windows: 0, coveredSeconds: 0, rows: [], other: { flows: 0, bytes: 0 } }
  const censusRows = new Map<string, CensusReport['rows'][number]>()
  let censusEnd = Number.NEGATIVE_INFINITY
  const clock: Side['clock'] = { heartbeats: 0, offsetKnown: 0, largestOffsetSeconds: null, setBacks: 0 }
  let configurations: Side['configurations'] = []
  let moreConfigurations = 0
  const snapshots = new Map<string, Side['snapshots'][number]>()
  let snapshotCount = 0
  const before = (ms: number): boolean => fromMs !== null && ms < fromMs
  const after = (ms: number): boolean => toMs !== null && ms >= toMs

  const hear = (check: EgressReport, ms: number): void => {
    const silence = (ms - (heard.get(check.check) ?? ms)) / 1000
    check.longestSilenceSeconds = Math.max(check.longestSilenceSeconds, silence)
    heard.set(check.check, Math.max(heard.get(check.check) ?? ms, ms))
  }

  const readEgress = (body: Fields, wallMs: number, place: Place): void => {
    const check = textOf(body['check'], 100)
    const state = oneOf(body['state'], egressStates) ?? 'untestable'
    const because = textOf(body['because'], 500)
    const atMs = timeOf(body['atMs']) ?? wallMs
    let known = egress.get(check)
    if (known === undefined) {
      if (egress.size >= most.checks) return
      known = {
        check,
        url: '',
        control: '',
        state,
        because,
        rounds: 0,
        open: 0,
        untestable: 0,
        openTimes: [],
        moreOpenTimes: 0,
        longestSilenceSeconds: 0,
      }
      egress.set(check, known)
      heard.set(check, fromMs ?? atMs)
    }
    const last = known.openTimes.at(-1)
    const isOpen = last !== undefined && last.toMs === null
    if (isOpen && state !== 'open') last.toMs = Math.max(last.fromMs, atMs)
    // What ended before the period is not of it.
    if (before(atMs))
      known.openTimes = known.openTimes.filter((one) => one.toMs === null || one.toMs > (fromMs ?? 0))
    if (state === 'open' && !isOpen) {
      if (known.openTimes.length < most.openTimes)
        known.openTimes.push({ fromMs: atMs, toMs: null, because, place })
      else known.moreOpenTimes++
    }
    Object.assign(known, {
      state,
      because,
      url: textOf(body['url'], 300),
      control: textOf(body['control'], 100),
    })
    if (before(atMs)) return
    hear(known, atMs)
    known.rounds++
    if (state === 'open') known.open++
    if (state === 'untestable') known.untestable++
  }

  const noteChange = (change: PostureChange): void => {
    const { check, state } = change
    const news = state !== 'pass' && !changes.some((one) => one.check === check && one.state === state)
    if (changes.length < most.changes || news) changes.push({ ...change })
    else moreChanges++
  }

  const readPosture = (body: Fields, wallMs: number, place: Place): void => {
    for (const finding of listOf(body['findings'], 50).map(fieldsOf)) {
      const check = textOf(finding['check'], 60)
      const state = oneOf(finding['state'], postureStates) ?? 'unknown'
      const change: PostureChange = {
        check,
        state,
        because: textOf(finding['because'], 500),
        fromMs: wallMs,
        place,
      }
      const known = posture.get(check)
      if (known === undefined && posture.size >= 100) continue
      if (known?.state === state) {
        known.because = change.because
        continue
      }
      posture.set(check, change)
      if (before(wallMs)) continue
      // What was not as wanted when the period began is of the period too.
      if (known !== undefined && before(known.fromMs) && known.state !== 'pass') noteChange(known)
      noteChange(change)
    }
  }

  const readCensus = (body: Fields): void => {
    const from = timeOf(body['fromMs'])
    const to = timeOf(body['toMs'])
    if (from === null || to === null || from >= to || from < censusEnd) return
    censusEnd = to
    // What reaches into the period is counted whole; how long it covers, only as far as that is sure to lie in the period.
    const inside = Math.min(to, toMs ?? to) - Math.max(from, fromMs ?? from)
    if (inside <= 0) return
    const covered = Math.min(numberOf(body['coveredSeconds'], 0, 1e9) ?? 0, (to - from) / 1000)
    census.windows++
    census.coveredSeconds += Math.max(0, covered - (to - from - inside) / 1000)
    const other = fieldsOf(body['other'])
    census.other.flows += countOf(other['flows'])
    census.other.bytes += countOf(other['bytes'])
    for (const row of listOf(body['rows'], most.rows).map(fieldsOf)) {
      const flows = countOf(row['flows'])
      const bytes = countOf(row['bytes'])
      const read = {
        scope: textOf(row['scope'], 20),
        direction: textOrNull(row['direction'], 20),
        service: textOrNull(row['service'], 60),
        trafficPath: numberOf(row['trafficPath'], 0, 1000),
        nextHopType: textOrNull(row['nextHopType'], 60),
        action: textOrNull(row['action'], 20),
        public: typeof row['public'] === 'boolean' ? row['public'] : null,
      }
      const key = JSON.stringify(read)
      const known = censusRows.get(key)
      if (known !== undefined) {
        known.flows += flows
        known.bytes += bytes
      } else if (censusRows.size < most.rows) censusRows.set(key, { ...read, flows, bytes })
      else {
        census.other.flows += flows
        census.other.bytes += bytes
      }
    }
  }

  const readSnapshot = (body: Fields, wallMs: number): void => {
    const id = textOf(body['id'], 100)
    snapshotCount++
    snapshots.delete(id)
    if (snapshots.size >= most.snapshots) snapshots.delete(snapshots.keys().next().value ?? '')
    snapshots.set(id, {
      id,
      account: textOrNull(body['account'], 40),
      region: textOrNull(body['region'], 40),
      source: textOf(body['source'], 100),
      fromMs: wallMs,
      prefixLists: listOf(body['prefixLists'], 50)
        .map(fieldsOf)
        .map(
          (list) => `${textOf(list['id'], 60)} version ${numberOf(list['version'], 0, 1e12) ?? 'unknown'}`,
        ),
    })
  }

  const readLifecycle = (body: Fields, wallMs: number, place: () => Place): void => {
    const version = textOf(body['version'], 60)
    const configuration = textOrNull(body['configuration'], 100)
    const last = configurations.at(-1)
    if (last?.version === version && last.configuration === configuration) return
    const entry = { version, configuration, fromMs: wallMs, place: place() }
    // Of what was before the period, only the one that stood at its beginning is of interest.
    if (before(wallMs)) configurations = [entry]
    else if (configurations.length < most.configurations) configurations.push(entry)
    else moreConfigurations++
  }

  const readVantage = (body: Fields): void => {
    vantage = {
      vantage: oneOf(body['kind'], ['ec2', 'on-prem', 'unknown']) ?? 'unknown',
      instance: textOrNull(body['instanceId'], 60),
      account: textOrNull(body['accountId'], 40),
      region: textOrNull(body['region'], 40),
      because: textsOf(body['because'], 5, 300),
    }
  }

  return {
    add(kind, body, wallMs, agentId, place) {
      if (agents.size < most.agents) agents.add(textOf(agentId, 100))
      if (after(wallMs) && kind !== 'census') return
      if (kind === 'vantage') readVantage(body)
      else if (kind === 'egress') readEgress(body, wallMs, place())
      else if (kind === 'posture') readPosture(body, wallMs, place())
      else if (kind === 'census') readCensus(body)
      else if (kind === 'snapshot') readSnapshot(body, wallMs)
      else if (kind === 'lifecycle' && body['event'] !== 'stopped') readLifecycle(body, wallMs, place)
      else if (kind === 'heartbeat' && !before(wallMs)) {
        clock.heartbeats++
        const offset = numberOf(body['clockOffsetSeconds'], -1e12, 1e12)
        if (offset === null) return
        clock.offsetKnown++
        clock.largestOffsetSeconds = Math.max(clock.largestOffsetSeconds ?? 0, Math.abs(offset))
      }
    },
    setBack(from, to) {
      // The time that was passed twice touches the period.
      if (!before(to) && !after(from)) clock.setBacks++
    },
    finish(endMs) {
      for (const check of egress.values()) hear(check, endMs)
      census.rows = [...censusRows.values()].sort(
        (a, b) => b.bytes - a.bytes || (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1),
      )
      const byName = <T extends { check: string }>(a: T, b: T): number => (a.check < b.check ? -1 : 1)
      return {
        host: { agents: [...agents].sort(), ...vantage },
        egress: [...egress.values()].sort(byName),
        posture: { now: [...posture.values()].sort(byName), changes, moreChanges },
        census,
        clock,
        configurations,
        moreConfigurations,
        snapshots: [...snapshots.values()],
        snapshotCount,
      }
    },
  }
}
