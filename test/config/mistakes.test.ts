import { readFileSync, readdirSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { configJsonSchema } from '../../agent/config/json-schema.ts'
import { parseConfig } from '../../agent/config/load.ts'
import { problemText } from '../../agent/config/problems.ts'

/** One file per mistake, beside what is said of it. */
const directory = new URL('../data/config/', import.meta.url)
const nowMs = Date.UTC(2026, 10, 20)

const files = readdirSync(directory).filter((file) => file.endsWith('.yml'))

/** Mistakes that only show when several keys, or the meaning of a value, are looked at: the JSON Schema takes them. */
const beyondTheSchema = new Set([
  'bucket-for-another-service.yml',
  'canary-same-object.yml',
  'cron-and-every.yml',
  'cron-never.yml',
  'duplicate-target.yml',
  'egress-control-unknown.yml',
  'egress-url-with-secret.yml',
  'hostname-and-service.yml',
  'hostname-itself.yml',
  'hostname-of-300-characters.yml',
  'limits-crossed.yml',
  'listen.yml',
  'listen-port.yml',
  'max-age-too-short.yml',
  'nat64-length.yml',
  'region-missing.yml',
  'region-nowhere.yml',
  'resolver-address.yml',
  'resolver-counted-and-compared.yml',
  'resolver-unknown.yml',
  'schedule-of-all-targets.yml',
  'schedule-of-one-target.yml',
  'site-too-wide.yml',
  'source-directory-missing.yml',
  'source-directory-unused.yml',
  'source.yml',
  'style-not-of-service.yml',
  'target-names-nothing.yml',
  'timeout-above-every.yml',
  'timeout-range.yml',
  'waiver-date.yml',
])

describe('each mistake is refused with its place', () => {
  test.each(files)('%s', (file) => {
    const read = parseConfig(readFileSync(new URL(file, directory), 'utf8'), file, nowMs)
    const said = read.ok ? 'nothing' : read.problems.map(problemText).join('\n')
    expect(`${said}\n`).toBe(readFileSync(new URL(file.replace('.yml', '.expected'), directory), 'utf8'))
  })
})

test('no message holds a secret or anything that a terminal obeys', () => {
  for (const file of files) {
    const expected = readFileSync(new URL(file.replace('.yml', '.expected'), directory), 'utf8')
    expect(expected).not.toMatch(/c0ffee|hunter2|AKIA/)
    expect(expected).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202A-\u202E]/)
  }
})

describe('the JSON Schema refuses what it can see', () => {
  const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(configJsonSchema())
  const read = (file: string): unknown => {
    try {
      return parse(readFileSync(new URL(file, directory), 'utf8'), { logLevel: 'silent' })
    } catch {
      return 'broken YAML'
    }
  }
  const yamlOnly =
    /^(tag|duplicate-key|control-characters|merge-keys|tab|two-documents|indentation|truncated|yaml-nonsense)/
  test.each(files.filter((file) => !yamlOnly.test(file)))('%s', (file) => {
    expect(validate(read(file))).toBe(beyondTheSchema.has(file))
  })
})
