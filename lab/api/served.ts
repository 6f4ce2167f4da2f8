/** A signed management call that AWS has answered, as CloudTrail hears of it. */
import type { Arrival } from '../flow/arrival.ts'
import type { Principal } from './principals.ts'

export interface ServedCall {
  /** `s3.amazonaws.com` */
  source: string
  /** `ListBuckets` */
  name: string
  /** As the answer's header has it. */
  requestId: string
  principal: Principal
  accessKeyId: string
  arrival: Arrival
  /** Of the `Host` header. */
  host: string
  userAgent: string
  /** Code of the error; null: it went well. */
  error: string | null
  parameters: Record<string, unknown> | null
  region: string
}
