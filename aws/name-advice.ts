import type { AwsName } from './hostname-name.ts'
import { lacksEndpointSuffix } from './hostname-vpce.ts'
import type { NameInput } from './name-input.ts'
import { partitionById } from './partitions.ts'
import { presignAdvice } from './name-advice-presign.ts'

/**
 * What somebody who wants private paths should know about a name, most important first; each a sentence or two that
 * stand alone. Sources: S3 user guide ("AWS PrivateLink for Amazon S3", "Virtual hosting", "Website endpoints"), VPC
 * guide (gateway endpoints), and the SDKs' own endpoint resolution.
 */
export function adviseOnName(input: NameInput, nowMs: number): string[] {
  const { name, presigned } = input
  const advice: string[] = []
  if (name.service === null) {
    if (name.partition === null && name.family === null)
      advice.push('Not a name of AWS: nothing is known of its path.')
    if (name.family !== null) advice.push('An address, not a name: TLS to AWS needs the host name.')
  } else if (presigned.presigned && name.service === 's3' && name.style === 'global') {
    advice.push(...presignAdvice(name, presigned))
  } else {
    advice.push(...styleAdvice(name))
  }
  if (presigned.presigned) advice.push(...signatureAdvice(input, nowMs))
  if (name.service !== null) advice.push(...formAdvice(input))
  return advice
}

const gatewayNote =
  'A gateway endpoint goes by address and not by name: it takes such a name as well, if the host is in the VPC and the bucket in its region.'

const dualStackNote =
  'A dual-stack name is covered by private DNS only if the endpoint itself is dual-stack, and it also answers IPv6: with an IPv4 endpoint those connections are dropped or leave by an (egress-only) internet gateway.'

function styleAdvice(name: AwsName): string[] {
  const regional = regionalName(name)
  switch (name.style) {
    case 'global':
      return globalAdvice(name)
    case 'dash':
      return [
        `The old name with a hyphen in front of the region is covered by no private DNS of an S3 interface endpoint; use ${regional}. ${gatewayNote}`,
      ]
    case 'fips':
      return name.service === 's3'
        ? [
            `FIPS names are covered by no private DNS of an S3 interface endpoint: on-prem they leave by the public way. ${gatewayNote}`,
          ]
        : [
            'The private DNS of the plain endpoint does not cover the FIPS name; some services have an endpoint service of their own for it, whose name ends in -fips.',
          ]
    case 'dualstack':
      return [`${dualStackNote} The IPv4 name is ${regional}.`]
    case 'accelerate':
      return [
        `Acceleration leads to AWS's edge locations: no endpoint of either kind serves such names. Use ${regional}.`,
      ]
    case 'website':
      return [
        `Website names speak http only and are covered by no private DNS of an S3 interface endpoint. Use ${regional} with a signed or otherwise allowed request.`,
      ]
    case 'object_lambda':
      return [
        'It is not documented that the private DNS of an S3 interface endpoint covers Object Lambda names: check what the resolver answers.',
      ]
    case 'mrap':
      return [
        'Multi-region access points are served by an endpoint service of their own, com.amazonaws.s3-global.accesspoint; an S3 endpoint does not carry them.',
      ]
    case 'express':
      return [
        `S3 Express has an endpoint service of its own, com.amazonaws.${name.region ?? '<region>'}.s3express; an S3 endpoint does not carry it.`,
      ]
    case 'vpce':
      return vpceAdvice(name)
    case 'access_point':
    case 'control':
      if (name.fips) return styleAdvice({ ...name, style: 'fips' })
      return name.dualstack ? [dualStackNote] : []
    default:
      return []
  }
}

function globalAdvice(name: AwsName): string[] {
  if (name.service === 's3') {
    return [
      `The global name is covered by no private DNS of an S3 interface endpoint: on-prem, and in a VPC without a gateway endpoint, it leaves by the public way. Use ${regionalName(name)}. ${gatewayNote}`,
    ]
  }
  if (name.service === 'sts') {
    return [
      'The global STS name is not known to be covered by the private DNS of an STS interface endpoint, which has the regional name. Use sts.<region>.amazonaws.com: set AWS_STS_REGIONAL_ENDPOINTS=regional (or sts_regional_endpoints = regional in the profile) for SDKs and CLIs that still default to the global name.',
    ]
  }
  return [
    `${name.service ?? 'The service'} answers here by a global name: an endpoint in a VPC serves it only where the service says so.`,
  ]
}

function vpceAdvice(name: AwsName): string[] {
  if (name.endpointId === null)
    return ["This is the base of endpoint names, not one endpoint's own name: nothing answers here."]
  if (lacksEndpointSuffix(name.hostname)) {
    return [
      `${name.endpointId} alone is not a name: the random part behind the id is missing. Take the name from DnsEntries: aws ec2 describe-vpc-endpoints --vpc-endpoint-ids ${name.endpointId} --query 'VpcEndpoints[].DnsEntries[].DnsName'`,
    ]
  }
  const advice = [
    "An endpoint's own name is in public DNS and gives its private addresses to anybody: that it resolves proves no path.",
  ]
  if (name.service?.startsWith('vpce-svc-'))
    advice.push('The service behind it is not one of AWS but of whoever shares it.')
  const front = name.hostname.split('.vpce-')[0] ?? ''
  if (name.service === 's3' && front === name.hostname) {
    advice.push(
      "For S3 the name needs bucket., accesspoint. or control. in front: aws s3 ls --endpoint-url https://bucket.<the endpoint's name>",
    )
  }
  return advice
}

/** The regional name for the same bucket, with a placeholder where the region is not told. */
function regionalName(name: AwsName): string {
  const suffix = partitionById(name.partition ?? 'aws')?.dnsSuffix ?? 'amazonaws.com'
  const service = name.service ?? ''
  const bucket = name.bucket === null || service !== 's3' ? '' : `${name.bucket}.`
  return `${bucket}${service}.${name.region ?? '<region>'}.${suffix}`
}

function signatureAdvice({ presigned }: NameInput, nowMs: number): string[] {
  const advice = presigned.problems.map((problem) => `The signature's parameters are wrong: ${problem}.`)
  if (presigned.expiresAt !== null && Date.parse(presigned.expiresAt) <= nowMs) {
    advice.push(
      `The signature expired at ${presigned.expiresAt}: S3 answers 403, which says nothing about the path.`,
    )
  }
  if (presigned.signatureVersion === 'v2') {
    advice.push(
      "Signed with SigV2, which holds no region and which regions opened since 2014 refuse: sign with SigV4 (boto3: Config(signature_version='s3v4')).",
    )
  }
  return advice
}

function formAdvice(input: NameInput): string[] {
  const { name, scheme, port } = input
  const advice: string[] = []
  if (scheme === 'http' && name.style !== 'website') {
    advice.push(
      'http:// sends everything, a signature too, in clear text, and no certificate shows who answers: use https://.',
    )
  }
  if (input.userInformation) advice.push('User information in a URL is dropped here; AWS does not use it.')
  if (name.service === 's3' && name.bucket?.includes('.') && !input.pathStyle && name.style !== 'website') {
    advice.push(
      "A bucket with dots does not fit the certificate's wildcard, so TLS verification of this name fails: address it by path, or use a bucket without dots.",
    )
  }
  if (input.pathStyle) {
    advice.push(
      'The bucket stands in the path: the host name alone decides the path through the network, so all buckets by this name share it.',
    )
  }
  if (port !== null && port !== 443 && scheme !== 'http')
    advice.push(`Port ${port}: AWS services answer on 443.`)
  return advice
}
