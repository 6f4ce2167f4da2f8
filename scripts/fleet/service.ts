/** What AWS allows one account in one region to ask of one action: so many at once, so many more each second. */
export interface Allowance {
  burst: number
  perSecond: number
}

/** One action of an API. Counts what it is asked. */
export interface Service {
  /** `out`: it is not to be reached. */
  ask(nowSeconds: number): 'answered' | 'throttled' | 'out'
  asked: number
  throttled: number
  out: boolean
}

/**
 * A token bucket that is full at first: each request takes one, what is refilled beyond the brim is lost (EC2 developer
 * guide, "Request throttling for the Amazon EC2 API").
 */
export function createService({ burst, perSecond }: Allowance): Service {
  let tokens = burst
  let lastSeconds = 0
  return {
    asked: 0,
    throttled: 0,
    out: false,
    ask(nowSeconds) {
      this.asked++
      if (this.out) return 'out'
      tokens = Math.min(burst, tokens + (nowSeconds - lastSeconds) * perSecond)
      lastSeconds = nowSeconds
      if (tokens >= 1) {
        tokens -= 1
        return 'answered'
      }
      this.throttled++
      return 'throttled'
    },
  }
}
