import { EC2Client } from '@aws-sdk/client-ec2'

/** How the SDK repeats a request, as far as the wire sees it. */
export interface Retry {
  maxAttempts: number
  /** The longest wait before the first repetition of a throttled request; it doubles each time. Seconds. */
  throttledBaseSeconds: number
  /** The same where nobody answers. */
  transientBaseSeconds: number
  /**
   * Between two requests of one action after a throttling, in `adaptive` mode: the limiter's least rate, at which it begins
   * because a process that has just been started has measured none.
   */
  spacingSeconds: number
}

/** What is used of the SDK's own strategy. */
interface Strategy {
  rateLimiter: { minFillRate: number }
  standardRetryStrategy: {
    retryBackoffStrategy: { setDelayBase(ms: number): void; computeNextBackoffDelay(n: number): number }
    acquireInitialRetryToken(scope: string): Promise<object>
    refreshRetryTokenForRetry(token: object, error: { errorType: string }): Promise<object>
  }
}

/** Asks the SDK itself, that is: the strategy of a client as the agent makes it. */
export async function sdkRetry(maxAttempts: number): Promise<Retry> {
  const identity = { accessKeyId: 'none', secretAccessKey: 'none' }
  const client = new EC2Client({
    region: 'us-east-1',
    credentials: identity,
    retryMode: 'adaptive',
    maxAttempts,
  })
  const strategy = (await client.config.retryStrategy()) as unknown as Strategy
  const standard = strategy.standardRetryStrategy
  const baseOf = async (errorType: string): Promise<number> => {
    let base = 0
    standard.retryBackoffStrategy = {
      setDelayBase: (ms) => void (base = ms),
      computeNextBackoffDelay: () => 0,
    }
    await standard.refreshRetryTokenForRetry(await standard.acquireInitialRetryToken('ec2'), { errorType })
    return base / 1000
  }
  const retry = {
    maxAttempts,
    throttledBaseSeconds: await baseOf('THROTTLING'),
    transientBaseSeconds: await baseOf('TRANSIENT'),
    spacingSeconds: 1 / strategy.rateLimiter.minFillRate,
  }
  client.destroy()
  return retry
}

/** The wait before repetition `n` (from 0): full jitter, at most 20 s (AWS SDKs and Tools, "Retry behavior"). */
export function backoffSeconds(baseSeconds: number, n: number, random: number): number {
  return random * Math.min(baseSeconds * 2 ** n, 20)
}
