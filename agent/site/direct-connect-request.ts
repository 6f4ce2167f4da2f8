import type { DirectConnectResult } from '../../aws/direct-connect-api.ts'

/** The first argument by which this program becomes the reader of Direct Connect. It is no command for people. */
export const directConnectArgument = '__read-direct-connect'

export const directConnectSchema = 'pathproof.read-direct-connect/1'

/** What the reader is asked, as JSON on its standard input. Credentials come by the environment. */
export interface DirectConnectRequest {
  region: string
  deadlineSeconds: number
}

export interface DirectConnectAnswer extends DirectConnectResult {
  schema: typeof directConnectSchema
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
  } catch {
    return null
  }
}

/** The request in `text`; null if it is none. */
export function parseDirectConnectRequest(text: string): DirectConnectRequest | null {
  const { region, deadlineSeconds } = fieldsOf(text) ?? {}
  if (typeof region !== 'string' || !/^[a-z0-9-]{1,63}$/.test(region)) return null
  if (typeof deadlineSeconds !== 'number' || !(deadlineSeconds > 0 && deadlineSeconds <= 3600)) return null
  return { region, deadlineSeconds }
}

/** The answer in `text`; null if a crash, a foreign line or a cut has damaged it. */
export function parseDirectConnectAnswer(text: string): DirectConnectAnswer | null {
  const value = fieldsOf(text)
  if (value === null || value['schema'] !== directConnectSchema || !Array.isArray(value['failures']))
    return null
  const { reading } = value
  if (reading !== null) {
    if (typeof reading !== 'object' || !Array.isArray((reading as Fields)['interfaces'])) return null
    if (typeof (reading as Fields)['atMs'] !== 'number') return null
  }
  return value as unknown as DirectConnectAnswer
}
