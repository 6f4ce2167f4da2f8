import { createHash } from 'node:crypto'
import { stringify } from 'yaml'
import { redact } from '../../model/redact.ts'
import type { Config, ResolverConfig } from './config.ts'
import { formatDuration, formatSize } from './units.ts'

function snake(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function resolverLine({ name, address, port }: ResolverConfig): { name: string; address: string } {
  return { name, address: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}` }
}

/** One entry of `Config` under the key and in the form of the file. */
function written(key: string, value: unknown): [string, unknown] {
  if (typeof value === 'number' && key.endsWith('Seconds'))
    return [snake(key.slice(0, -7)), formatDuration(value)]
  if (typeof value === 'number' && key.endsWith('Bytes')) return [snake(key.slice(0, -5)), formatSize(value)]
  if (typeof value === 'number' && key.endsWith('Ms'))
    return [snake(key.slice(0, -2)), new Date(value).toISOString()]
  if (key === 'resolvers' && Array.isArray(value) && typeof value[0] === 'object') {
    return [key, value.map(resolverLine)]
  }
  return [snake(key), document(value)]
}

function document(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(document)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, inner]) => inner !== null)
  return Object.fromEntries(entries.map(([key, inner]) => written(key, inner)))
}

function redacted(value: unknown): unknown {
  if (typeof value === 'string') return redact(value)
  if (Array.isArray(value)) return value.map(redacted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redacted(inner)]))
}

/** The configuration as a document of the same format, every default written out, without secrets. */
export function effectiveDocument(config: Config): Record<string, unknown> {
  return redacted(document(config)) as Record<string, unknown>
}

/** The same as YAML, for `config show`. The program reads it back to the same configuration, if nothing had to be redacted. */
export function effectiveConfig(config: Config): string {
  return stringify(effectiveDocument(config), { lineWidth: 0, aliasDuplicateObjects: false })
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]))
}

/** SHA-256 (hex) of the effective configuration as JSON with sorted keys: comments, order of keys and written defaults do not matter. */
export function configHash(config: Config): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(document(config))))
    .digest('hex')
}
