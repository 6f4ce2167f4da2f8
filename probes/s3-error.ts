import type { DeniedBy } from '../model/observation.ts'

/** How S3 and IAM word which policy said no (IAM user guide, "Troubleshoot access denied error messages"). */
const policies: readonly (readonly [string, DeniedBy])[] = [
  ['resource-based policy', 'resource_policy'],
  ['VPC endpoint policy', 'endpoint_policy'],
  ['service control policy', 'service_control_policy'],
  ['resource control policy', 'resource_control_policy'],
  ['identity-based policy', 'identity_policy'],
  ['session policy', 'session_policy'],
  ['permissions boundary', 'permissions_boundary'],
]

/**
 * What the body of an S3 error says: its code, and in an AccessDenied message who refused. The form is S3's own, with the code as first
 * element; anything else gives null. The text is hostile: no more than these closed words are taken out of it.
 */
export function readS3Error(body: string): { code: string | null; deniedBy: DeniedBy | null } {
  const start =
    /^\uFEFF?\s{0,64}(?:<\?xml[^<>]{0,200}\?>)?\s{0,64}<Error(?: [^<>]{0,200})?>\s{0,64}<Code>([A-Za-z][A-Za-z0-9.]{0,63})<\/Code>/
  const code = start.exec(body)?.[1] ?? null
  if (code !== 'AccessDenied') return { code, deniedBy: null }
  const message = /<Message>([^<>]{0,2000})<\/Message>/.exec(body)?.[1] ?? ''
  if (message.includes(' to perform: kms:')) return { code, deniedBy: 'kms' }
  const said =
    /(?:with|because) an explicit deny in an? ([A-Za-z -]{1,40})$/.exec(message)?.[1] ??
    /because no ([A-Za-z -]{1,40}?) allows the /.exec(message)?.[1]
  return { code, deniedBy: policies.find(([words]) => words === said)?.[1] ?? null }
}
