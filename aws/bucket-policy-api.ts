import type { AttestApi } from './attest-clients.ts'
import { type ApiFailure, failureOf, notAnAnswer } from './snapshot-api-errors.ts'

/** The text of a bucket's policy; null: it has none. */
export type BucketPolicyAnswer = { ok: true; policy: string | null } | { ok: false; failure: ApiFailure }

const permission = 's3:GetBucketPolicy'

/** Asks S3 for the policy of a bucket of `region`. Never rejects. */
export async function readBucketPolicy(
  { bucket, region }: { bucket: string; region: string },
  api: Pick<AttestApi, 'call'>,
  signal: AbortSignal,
  deadlineSeconds: number,
): Promise<BucketPolicyAnswer> {
  const answer = await api.call(permission, region, { Bucket: bucket }, signal)
  if (answer.ok) {
    const { Policy: policy } = answer.output
    return typeof policy === 'string'
      ? { ok: true, policy }
      : { ok: false, failure: notAnAnswer(permission, `s3.${region}`, 'no policy') }
  }
  const { error, lastAnswer, hostname } = answer
  if ((error as { name?: unknown } | null)?.name === 'NoSuchBucketPolicy') return { ok: true, policy: null }
  const endedAfterSeconds = signal.aborted ? deadlineSeconds : null
  const failure = failureOf(error, { permission, hostname, region, endedAfterSeconds, lastAnswer })
  const away = failure.reason === 'unreachable' || failure.reason === 'timeout'
  const nextStep = away
    ? `a VPC without a way to the internet needs an endpoint for s3 in ${region}; to use one by its own DNS name, set AWS_ENDPOINT_URL_S3`
    : failure.nextStep
  return { ok: false, failure: { ...failure, nextStep } }
}
