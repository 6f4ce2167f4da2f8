import type { AwsName } from './hostname-name.ts'
import type { PresignedUrl } from './presigned-url.ts'

/**
 * A presigned URL with S3's global host name: what software made it so, and what to set. Checked against botocore
 * 1.43 (boto3, AWS CLI): without `addressing_style` it signs for `<bucket>.s3.amazonaws.com` in every region of
 * partition aws, also when a region is given (an explicit `virtual` is heeded since boto/botocore pull request 3081);
 * `us_east_1_regional_endpoint` matters for us-east-1 only. The JavaScript SDK v3 signs for the regional name unless it
 * is told otherwise.
 */
export function presignAdvice(name: AwsName, { signingRegion, signatureVersion }: PresignedUrl): string[] {
  const told = signingRegion !== null && signingRegion !== '*' && signingRegion !== 'aws-global'
  const region = told ? signingRegion : '<region>'
  const bucket = name.bucket ?? '<bucket>'
  const where = told
    ? signingRegion === 'us-east-1'
      ? 'signed for us-east-1'
      : `signed for ${region}, which stands in X-Amz-Credential only`
    : signatureVersion === 'v2'
      ? 'signed with SigV2, which names no region'
      : 'and its signature names no one region'
  const style = "{'addressing_style': 'virtual', 'us_east_1_regional_endpoint': 'regional'}"
  return [
    `A presigned URL with S3's global host name, ${where}: no private DNS of an S3 interface endpoint covers that name, so on-prem it leaves by the public way (in a VPC a gateway endpoint still takes it). The host is part of the signature: sign for ${bucket}.s3.${region}.amazonaws.com instead.`,
    `boto3: boto3.client('s3', region_name='${region}', config=Config(signature_version='s3v4', s3=${style})); a botocore older than 2024 does not heed that when it signs, there add endpoint_url='https://s3.${region}.amazonaws.com'.`,
    `AWS CLI: aws s3 presign s3://${bucket}/KEY --region ${region} --endpoint-url https://s3.${region}.amazonaws.com (signs by path), or once for all: aws configure set default.s3.addressing_style virtual and aws configure set default.s3.us_east_1_regional_endpoint regional.`,
    `JavaScript SDK v3: new S3Client({ region: '${region}' }) signs for the regional name; leave out useGlobalEndpoint, region 'aws-global', and an endpoint of https://s3.amazonaws.com.`,
  ]
}
