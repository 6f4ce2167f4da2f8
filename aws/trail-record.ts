/** What is taken out of one event of CloudTrail. */
export interface TrailRecord {
  eventId: string
  requestId: string
  eventSource: string
  eventName: string
  /** Unix milliseconds, whole seconds. */
  eventMs: number
  vpcEndpointId: string | null
  sourceIpAddress: string | null
  invokedBy: string | null
}

const longest = 512 * 1024

const patterns = {
  id: /^[A-Za-z0-9+/=_.:-]{1,128}$/,
  source: /^[a-z0-9-]{1,60}\.amazonaws\.com$/,
  name: /^[A-Za-z0-9_]{1,128}$/,
  /** An address, or the name of a service. */
  address: /^[A-Za-z0-9 .:_-]{1,128}$/,
  endpoint: /^vpce-[0-9a-z]{1,40}$/,
} as const

type Fields = Readonly<Record<string, unknown>>

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}

/** Null for what is absent; undefined for what is there and is not of the form. */
function optional(value: unknown, pattern: RegExp): string | null | undefined {
  if (value === undefined || value === null) return null
  return typeof value === 'string' && pattern.test(value) ? value : undefined
}

/**
 * Reads the text of `CloudTrailEvent` (CloudTrail user guide, "Record contents"). Null where it is no record of a request, or where a field
 * that decides is there in a form that is not known: half a record could say the opposite of the whole.
 */
export function readTrailRecord(text: string): TrailRecord | null {
  if (text.length > longest) return null
  let event: Fields
  try {
    event = fieldsOf(JSON.parse(text))
  } catch {
    return null
  }
  const eventId = optional(event['eventID'], patterns.id)
  const requestId = optional(event['requestID'], patterns.id)
  const eventSource = optional(event['eventSource'], patterns.source)
  const eventName = optional(event['eventName'], patterns.name)
  const vpcEndpointId = optional(event['vpcEndpointId'], patterns.endpoint)
  const sourceIpAddress = optional(event['sourceIPAddress'], patterns.address)
  const invokedBy = optional(fieldsOf(event['userIdentity'])['invokedBy'], patterns.address)
  const eventMs = Date.parse(typeof event['eventTime'] === 'string' ? event['eventTime'] : '')
  if (!eventId || !requestId || !eventSource || !eventName || !Number.isFinite(eventMs)) return null
  if (vpcEndpointId === undefined || sourceIpAddress === undefined || invokedBy === undefined) return null
  return { eventId, requestId, eventSource, eventName, eventMs, vpcEndpointId, sourceIpAddress, invokedBy }
}
