/** What S3 refuses a request with. Source: S3 API reference, "Error responses". */
import { element, xmlDocument, xmlText } from '../api/xml.ts'

export interface S3Problem {
  /** HTTP. */
  status: number
  code: string
  message: string
  /** Further elements of the body. */
  more?: Readonly<Record<string, string>>
  headers?: Readonly<Record<string, string>>
}

export function s3Problem(
  status: number,
  code: string,
  message: string,
  more: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
): S3Problem {
  return { status, code, message, more, headers }
}

export function isS3Problem(value: object): value is S3Problem {
  return 'status' in value && 'code' in value
}

export const denied = (): S3Problem => s3Problem(403, 'AccessDenied', 'Access Denied')

export function s3ProblemXml(
  { code, message, more = {} }: S3Problem,
  requestId: string,
  hostId: string,
): string {
  const all = { Code: code, Message: message, ...more, RequestId: requestId, HostId: hostId }
  const content = Object.entries(all).map(([name, text]) => element(name, xmlText(text)))
  return xmlDocument('Error', null, content.join(''))
}
