import * as z from 'zod'
import { configSchema } from './schema.ts'

/** Where the JSON Schema calls itself; nothing is ever fetched from there. */
const schemaId = 'urn:pathproof:config:1'

/**
 * The JSON Schema (draft 2020-12) of the configuration as it is written: for editors, and for other programs that write it. It
 * accepts all that the program accepts; what concerns several keys at once is the program's alone to check.
 */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' })
  return { $schema, $id: schemaId, title: 'Configuration of pathproof', ...schema }
}

/** The same as the text of the file `pathproof.schema.json`. */
export function configJsonSchemaText(): string {
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`
}
