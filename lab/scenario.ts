/** Scenario files: read strictly, all mistakes at once, each with its place. */
import { readdir, readFile } from 'node:fs/promises'
import * as sea from 'node:sea'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isNode, LineCounter, parseDocument, type Document } from 'yaml'
import { scenarioSchema, type Scenario } from './scenario-schema.ts'
import type { World } from './world/types.ts'
import { changeWorld, worldFrom } from './world/world.ts'

export type { Scenario } from './scenario-schema.ts'
export type ScenarioStep = Scenario['steps'][number]
export type Expectation = Scenario['expect'][number]
export type ScenarioName = Scenario['names'][number]

/** Where the scenarios that come with the lab are; as a single executable they are inside it, by the same name. */
export const scenarioDirectory = fileURLToPath(new URL('scenarios/', import.meta.url))

export type ScenarioReading = { ok: true; scenario: Scenario } | { ok: false; problems: string[] }

/**
 * Reads one scenario. Problems are `FILE:LINE:COLUMN: path: what is wrong`, all that were found. A scenario that
 * is given back has been played through once: every step changes its world without an error.
 */
export function parseScenario(yaml: string, file: string): ScenarioReading {
  const lines = new LineCounter()
  const document = parseDocument(yaml, { lineCounter: lines, uniqueKeys: true, prettyErrors: false })
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${line}:${col}`
  }
  if (document.errors.length > 0) {
    return { ok: false, problems: document.errors.map((error) => `${at(error.pos[0])}: ${error.message}`) }
  }
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 20 })
  } catch (error) {
    return { ok: false, problems: [`${file}:1:1: ${messageOf(error)}`] }
  }
  const parsed = scenarioSchema.safeParse(value)
  if (!parsed.success) {
    return {
      ok: false,
      problems: parsed.error.issues.map((issue) => {
        const unknown = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
        const path = [...issue.path, ...unknown]
        return `${at(offsetOf(document, path))}: ${pathText(path)}: ${issue.message}`
      }),
    }
  }
  const scenario = parsed.data
  const problem = rehearse(scenario)
  return problem === null ? { ok: true, scenario } : { ok: false, problems: [`${file}:1:1: ${problem}`] }
}

/** Reads a file of scenarios, or by its name (`03-blackhole`, `blackhole`, `demo`) one that comes with the lab. Rejects with all problems in the message. */
export async function loadScenario(nameOrFile: string): Promise<Scenario> {
  const shipped = !/[/.]/u.test(nameOrFile)
  const file = shipped ? await shippedFile(nameOrFile) : nameOrFile
  const text =
    shipped && sea.isSea() ? sea.getAsset(assetFolder + basename(file), 'utf8') : await readFile(file, 'utf8')
  const reading = parseScenario(text, file)
  if (!reading.ok) throw new Error(reading.problems.join('\n'))
  return reading.scenario
}

/** Names of the scenarios that come with the lab, in order. */
export async function shippedScenarios(): Promise<string[]> {
  const files = sea.isSea() ? sea.getAssetKeys().map(shippedName) : await readdir(scenarioDirectory)
  return files
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .toSorted()
}

const assetFolder = 'scenarios/'
const shippedName = (key: string): string =>
  key.startsWith(assetFolder) ? key.slice(assetFolder.length) : ''

/** The scenario's world at its beginning. */
export function firstWorld(scenario: Scenario): World {
  return worldFrom(scenario.world)
}

async function shippedFile(name: string): Promise<string> {
  const all = await shippedScenarios()
  const found = all.find((each) => each === name || each.replace(/^\d+-/u, '') === name)
  if (found === undefined) throw new Error(`no scenario "${name}"; there are: ${all.join(', ')}`)
  return join(scenarioDirectory, `${found}.yaml`)
}

function rehearse(scenario: Scenario): string | null {
  let place = 'world'
  try {
    let world = firstWorld(scenario)
    let { beneath } = scenario
    changeWorld(world, beneath)
    for (const step of scenario.steps) {
      place = `step ${step.name}`
      world = changeWorld(world, step.change)
      beneath = step.beneath ?? beneath
      changeWorld(world, beneath)
    }
  } catch (error) {
    return `${place}: ${messageOf(error)}`
  }
  const names = scenario.steps.map((step) => step.name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  return twice === undefined ? null : `steps: two are called "${twice}"`
}

/** Where the deepest part of the path that exists begins. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range !== null && node.range !== undefined) return node.range[0]
  }
  return 0
}

function pathText(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
  return parts.join('').replace(/^\./u, '') || 'the file'
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
