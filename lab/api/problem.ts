/** What the APIs refuse a request with, and how each of them says it. */
import { element, xmlDocument, xmlText } from './xml.ts'

export type ApiService = 'ec2' | 'sts' | 'logs' | 'monitoring' | 'cloudtrail' | 'kms' | 'directconnect'

/** An error of the API. Codes: EC2 API reference, "Error codes"; STS API reference, "Common error types". */
export interface ApiProblem {
  /** HTTP. */
  status: number
  code: string
  message: string
}

export const ec2Namespace = 'http://ec2.amazonaws.com/doc/2016-11-15/'
export const stsNamespace = 'https://sts.amazonaws.com/doc/2011-06-15/'

export function problem(status: number, code: string, message: string): ApiProblem {
  return { status, code, message }
}

export function isProblem(value: object): value is ApiProblem {
  return 'status' in value && 'code' in value && 'message' in value
}

/** The body of an error's answer. */
export function problemXml(
  service: ApiService,
  { status, code, message }: ApiProblem,
  requestId: string,
): string {
  const words = element('Code', xmlText(code)) + element('Message', xmlText(message))
  if (service === 'ec2') {
    const errors = element('Errors', element('Error', words))
    return xmlDocument('Response', null, errors + element('RequestID', requestId))
  }
  const type = element('Type', status < 500 ? 'Sender' : 'Receiver')
  return xmlDocument(
    'ErrorResponse',
    stsNamespace,
    element('Error', type + words) + element('RequestId', requestId),
  )
}

/** Errors that both services have, each in its own words. */
export const commonProblems = {
  unsigned: (): ApiProblem =>
    problem(403, 'MissingAuthenticationToken', 'Request is missing Authentication Token'),
  malformedSignature: (service: ApiService, what: string): ApiProblem =>
    service === 'ec2'
      ? problem(401, 'AuthFailure', `AWS was not able to validate the provided access credentials: ${what}`)
      : problem(400, 'IncompleteSignature', what),
  wrongSignature: (service: ApiService): ApiProblem =>
    service === 'ec2'
      ? problem(401, 'AuthFailure', 'AWS was not able to validate the provided access credentials')
      : problem(
          403,
          'SignatureDoesNotMatch',
          'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
        ),
  expired: (service: ApiService): ApiProblem =>
    service === 'ec2'
      ? problem(400, 'RequestExpired', 'Request has expired.')
      : problem(403, 'ExpiredToken', 'The security token included in the request is expired'),
  skewed: (service: ApiService): ApiProblem =>
    service === 'ec2'
      ? problem(400, 'RequestExpired', 'Request has expired.')
      : problem(
          403,
          'SignatureDoesNotMatch',
          'Signature expired: the date of the request is too far from now',
        ),
  throttled: (service: ApiService): ApiProblem =>
    service === 'ec2'
      ? problem(503, 'RequestLimitExceeded', 'Request limit exceeded.')
      : problem(400, 'Throttling', 'Rate exceeded'),
  denied: (service: ApiService, arn: string, action: string): ApiProblem => {
    const who = `User: ${arn} is not authorized to perform: ${service}:${action}`
    return service === 'ec2'
      ? problem(
          403,
          'UnauthorizedOperation',
          `You are not authorized to perform this operation. ${who} because no identity-based policy allows the ${service}:${action} action`,
        )
      : problem(403, 'AccessDenied', who)
  },
  broken: (service: ApiService): ApiProblem =>
    service === 'ec2'
      ? problem(500, 'InternalError', 'An internal error has occurred')
      : problem(500, 'InternalFailure', 'The request processing has failed because of an unknown error.'),
  unavailable: (service: ApiService): ApiProblem =>
    service === 'ec2'
      ? problem(503, 'Unavailable', 'The service is unavailable. Please try again shortly.')
      : problem(503, 'ServiceUnavailable', 'Service is unable to handle request.'),
} as const
