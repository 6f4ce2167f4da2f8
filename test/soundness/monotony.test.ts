import { describe, expect, test } from 'vitest'
import { fileNames } from '../../lab/world/damage.ts'
import { generate } from '../../lab/world/generate.ts'
import type { SeenFiles } from '../../lab/world/observe-account.ts'
import { observe, type Observed, type SeenName } from '../../lab/world/observe.ts'
import { type Choices, choicesFrom } from '../../lab/world/random.ts'
import type { Topology } from '../../model/topology.ts'
import { explain, judgeAll, type JudgedName, topologyOf } from './harness.ts'

const worlds = 500

/** `private` verdicts of attempts and names, by what they are about. */
function privates(judged: readonly JudgedName[]): Set<string> {
  const found = new Set<string>()
  for (const { seen, verdict, attempts } of judged) {
    if (verdict.state === 'private') found.add(`name ${seen.hostname}`)
    for (const { verdict: own } of attempts) if (own.state === 'private') found.add(`attempt ${own.id}`)
  }
  return found
}

function states(judged: readonly JudgedName[]): string[][] {
  return judged.map(({ verdict, attempts }) => [
    verdict.state,
    ...attempts.map(({ verdict: own }) => own.state),
  ])
}

type Change = (seen: Observed, choices: Choices) => Observed

const scenes = new Map<number, { seen: Observed; before: Set<string> }>()

function sceneOf(seed: number): { seen: Observed; before: Set<string> } {
  const known = scenes.get(seed)
  if (known !== undefined) return known
  const seen = observe(generate(seed))
  const scene = { seen, before: privates(judgeAll(seen)) }
  scenes.set(seed, scene)
  return scene
}

/** The first world in which something is private after the change that was not private before it; empty: none. */
function turnedPrivate(change: Change): string {
  for (let seed = 1; seed <= worlds; seed += 1) {
    const { seen, before } = sceneOf(seed)
    const changed = change(seen, choicesFrom(seed))
    if (changed === seen) continue
    const after = judgeAll(changed)
    const turned = [...privates(after)].filter((item) => !before.has(item))
    if (turned.length > 0) return explain(seed, after, turned, changed)
  }
  return ''
}

const everyReading = (seen: Observed, change: (files: SeenFiles) => SeenFiles): Observed => ({
  ...seen,
  readings: seen.readings.map(change),
})

/** A broken file spoils what it is about, a missing one may be made up for by another: only whole ones are taken. */
function areWhole(seen: Observed, concerns: (name: string) => boolean): boolean {
  const texts = seen.readings.flatMap((files) => [...files].filter(([name]) => concerns(name)))
  return texts.every(
    ([, { text }]) => text.startsWith('{') && text.endsWith('}') && !/NextToken|Reservations/.test(text),
  )
}

function without(files: SeenFiles, gone: (name: string) => boolean): SeenFiles {
  return new Map([...files].filter(([name]) => !gone(name)))
}

function isListFile(name: string): boolean {
  return name.startsWith('get-managed') || name === 'describe-prefix-lists.json'
}

function extraAnswer(name: SeenName, address: string, id: string): SeenName {
  const [first] = name.attempts
  if (first === undefined) return name
  const family = address.includes(':') ? 6 : 4
  const attempt = {
    ...first.attempt,
    stamp: { ...first.attempt.stamp, id },
    address,
    family,
    outcome: { reached: 'not_dialled' },
    localAddress: null,
    localPort: null,
  } as const
  return { ...name, attempts: [...name.attempts, { ...first, attempt }] }
}

describe('doubt never turns a verdict into private', () => {
  test('a permission is taken away', () => {
    const turned = turnedPrivate((seen, choices) => {
      const file = choices.pick(fileNames)
      if (!areWhole(seen, (name) => name === file)) return seen
      return everyReading(seen, (files) => without(files, (name) => name === file))
    })
    expect(turned).toBe('')
  })

  test('the entries of all lists can no longer be read', () => {
    const turned = turnedPrivate((seen) =>
      areWhole(seen, isListFile) ? everyReading(seen, (files) => without(files, isListFile)) : seen,
    )
    expect(turned).toBe('')
  })

  test('a file is lost from the last reading only', () => {
    const turned = turnedPrivate((seen, choices) => {
      const file = choices.pick(fileNames)
      if (!areWhole(seen, (name) => name === file)) return seen
      const last = seen.readings.length - 1
      return {
        ...seen,
        readings: seen.readings.map((files, n) =>
          n === last ? without(files, (name) => name === file) : files,
        ),
      }
    })
    expect(turned).toBe('')
  })

  test('the readings grow old', () => {
    const turned = turnedPrivate((seen, choices) => {
      const seconds = choices.pick([30, 200, 1000, 86_400])
      return everyReading(
        seen,
        (files) =>
          new Map(
            [...files].map(([name, file]) => [
              name,
              { ...file, atMs: file.atMs === null ? null : file.atMs - seconds * 1000 },
            ]),
          ),
      )
    })
    expect(turned).toBe('')
  })

  test('one file grows old', () => {
    const turned = turnedPrivate((seen, choices) => {
      const file = choices.pick(fileNames)
      return everyReading(
        seen,
        (files) =>
          new Map(
            [...files].map(([name, item]) => [
              name,
              name === file && item.atMs !== null ? { ...item, atMs: item.atMs - 3_600_000 } : item,
            ]),
          ),
      )
    })
    expect(turned).toBe('')
  })

  test('the dates are lost', () => {
    const turned = turnedPrivate((seen) =>
      everyReading(
        seen,
        (files) =>
          new Map(
            [...files].map(([name, file]) => [name, { ...file, atMs: null, dated: 'undated' as const }]),
          ),
      ),
    )
    expect(turned).toBe('')
  })

  test('a later reading says something else', () => {
    const turned = turnedPrivate((seen, choices) => {
      const other = observe(generate(1 + choices.below(10_000)))
      const later = new Map(
        [...(other.readings[0] ?? [])].map(([name, file]) => [name, { ...file, atMs: seen.nowMs + 90_000 }]),
      )
      return { ...seen, readings: [...seen.readings, later] }
    })
    expect(turned).toBe('')
  })

  test('another address is answered', () => {
    const turned = turnedPrivate((seen, choices) => {
      const address = choices.pick([
        '52.119.198.61',
        '198.51.100.9',
        '10.66.0.1',
        '2600:1f70:8000::61',
        '52.216.8.53',
      ])
      return { ...seen, names: seen.names.map((name) => extraAnswer(name, address, 'extra')) }
    })
    expect(turned).toBe('')
  })

  test('a query fails', () => {
    const turned = turnedPrivate((seen, choices) => {
      const family = choices.pick(['ipv4', 'ipv6'] as const)
      const failed = {
        answered: false,
        failure: { type: 'timeout', afterSeconds: 2 },
        transport: 'udp',
      } as const
      return {
        ...seen,
        names: seen.names.map((name) => ({
          ...name,
          dns: name.dns.map((one) => (one.counts ? { ...one, [family]: failed } : one)),
        })),
      }
    })
    expect(turned).toBe('')
  })

  test('the host can no longer say which way its packets take', () => {
    const turned = turnedPrivate((seen, choices) => {
      const less = choices.pick([
        { method: 'none', device: null, deviceKind: null, mac: null, source: null },
        { redirect: 'possible' },
        { selectorRules: null },
        { deviceKind: 'tun' },
        { deviceKind: null },
        { mac: null },
      ] as const)
      return {
        ...seen,
        names: seen.names.map((name) => ({
          ...name,
          attempts: name.attempts.map((item) => ({
            ...item,
            attempt: { ...item.attempt, host: { ...item.attempt.host, ...less } },
          })),
        })),
      }
    })
    expect(turned).toBe('')
  })

  test('what was declared is taken back', () => {
    const turned = turnedPrivate((seen) => ({ ...seen, trustedEndpoints: [], sites: [], others: [] }))
    expect(turned).toBe('')
  })

  test('judging is the same whatever the order of what was seen', () => {
    for (let seed = 1; seed <= worlds / 2; seed += 1) {
      const seen = observe(generate(seed))
      const topology: Topology = topologyOf(seen)
      const turned: Topology = {
        ...topology,
        trustedEndpoints: topology.trustedEndpoints.toReversed(),
        readings: topology.readings.map((reading) => ({
          ...reading,
          routeTables: reading.routeTables
            .map((table) => ({ ...table, routes: table.routes.toReversed() }))
            .toReversed(),
          endpoints: reading.endpoints.toReversed(),
          prefixLists: reading.prefixLists.toReversed(),
          networkInterfaces: reading.networkInterfaces.toReversed(),
        })),
      }
      expect(states(judgeAll(seen, turned))).toEqual(states(judgeAll(seen, topology)))
    }
  })
})
