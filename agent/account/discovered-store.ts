import { nameStyles } from '../../model/target.ts'
import { parseHostname } from '../../aws/hostname.ts'
import { isRegion } from '../../aws/partitions.ts'
import type { Candidate, DiscoveredName } from './discovery-candidates.ts'
import { readStateFile, writeStateFile } from '../state-file.ts'

/** Which instance's surroundings were discovered: elsewhere they say nothing. */
export interface DiscoveredScope {
  account: string
  region: string
  vpcIds: string[]
}

/** What was discovered so far: `names` are those that have resolved, `required` stays once it was true. */
export interface Discovered {
  scope: DiscoveredScope
  services: Candidate[]
}

export interface DiscoveredStore {
  /** Null if nothing was kept. Rejects if what was kept is no use, with the reason. */
  load(): Promise<Discovered | null>
  /** Rejects if it can't be written; what stood there before then stands. */
  save(discovered: Discovered): Promise<void>
}

const file = 'discovered.json'
const schema = 'pathproof.discovered/1'
const maxBytes = 1024 * 1024
/** More services and names than there are. */
const maxServices = 2000
const maxNames = 32

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('an object is missing')
  return value as Fields
}

function text(fields: Fields, key: string, pattern: RegExp): string {
  const value = fields[key]
  if (typeof value !== 'string' || !pattern.test(value)) throw new Error(`${key} is not of its form`)
  return value
}

function list(fields: Fields, key: string, most: number): unknown[] {
  const value = fields[key]
  if (!Array.isArray(value) || value.length > most) throw new Error(`${key} is no list of at most ${most}`)
  return value
}

function region(fields: Fields): string {
  const value = text(fields, 'region', /^[a-z0-9-]{4,32}$/)
  if (!isRegion(value)) throw new Error('region is not of its form')
  return value
}

/** The grammar is the judge: a name that it reads otherwise was not discovered by this program. */
function nameFrom(value: unknown): DiscoveredName {
  const fields = fieldsOf(value)
  const hostname = text(fields, 'hostname', /^[a-z0-9.-]{1,253}$/)
  const parsed = parseHostname(hostname)
  const style = nameStyles.find((s) => s === fields['style'])
  if (
    !parsed.ok ||
    parsed.name.service === null ||
    parsed.name.hostname !== hostname ||
    parsed.name.style !== style
  ) {
    throw new Error('a hostname is no AWS name of its style')
  }
  return { hostname, style }
}

function serviceFrom(value: unknown): Candidate {
  const fields = fieldsOf(value)
  const { required } = fields
  if (typeof required !== 'boolean') throw new Error('required is neither true nor false')
  return {
    name: text(fields, 'name', /^[a-z0-9][a-z0-9._-]{0,62}$/),
    service: text(fields, 'service', /^[a-z0-9]+(?:[.-][a-z0-9]+)*$/),
    region: region(fields),
    required,
    names: list(fields, 'names', maxNames).map(nameFrom),
  }
}

/** Reads the text of the file. @throws Error with what is wrong with it */
export function parseDiscovered(content: string): Discovered {
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch {
    throw new Error('it is no JSON')
  }
  const fields = fieldsOf(value)
  if (fields['schema'] !== schema) throw new Error(`its schema is not ${schema}`)
  const services = list(fields, 'services', maxServices).map(serviceFrom)
  if (new Set(services.map((s) => s.name)).size !== services.length)
    throw new Error('a service is in it twice')
  return {
    scope: {
      account: text(fields, 'account', /^\d{12}$/),
      region: region(fields),
      vpcIds: list(fields, 'vpcIds', 64).map((id) => text({ id }, 'id', /^vpc-[0-9a-f]{8,32}$/)),
    },
    services,
  }
}

/** What is discovered, in a file of the state directory. */
export function discoveredFile(directory: string): DiscoveredStore {
  return {
    async load() {
      const content = await readStateFile(directory, file, maxBytes)
      return content === null ? null : parseDiscovered(content)
    },
    async save({ scope, services }) {
      const document = { schema, ...scope, services }
      await writeStateFile(directory, file, `${JSON.stringify(document, null, 1)}\n`)
    },
  }
}
