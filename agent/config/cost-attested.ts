import type { Config } from './config.ts'
import type { Cost } from './cost.ts'
import { defaultStyles } from './defaults.ts'

const perDay = 86_400
/** S3 pricing: 0.0004 USD for 1,000 GET requests, refused ones included. */
const dollarsPerGet = 0.0004 / 1000
/** The policy is read each half an hour. */
const policyReadsPerDay = 48

const rounded = (value: number): string => Math.round(value).toLocaleString('en-US')

/** Styles of S3's names in the configuration: one connection of each round goes to each. */
function stylesOf(targets: Config['targets']): number {
  const s3 = targets.filter(({ service, hostname }) => service === 's3' || hostname?.includes('s3') === true)
  const styles = new Set(s3.flatMap((target) => target.styles ?? [...defaultStyles.s3]))
  return Math.max(1, styles.size)
}

/** What is asked of AWS itself: the canary, and CloudTrail. */
export function attestedCosts({
  canary,
  cloudtrail,
  targets,
}: Pick<Config, 'canary' | 'cloudtrail' | 'targets'>): Cost[] {
  const costs: Cost[] = []
  if (canary !== null) {
    const rounds = perDay / canary.everySeconds
    const gets = rounds * stylesOf(targets) * 3
    const requestsPerDay = gets + policyReadsPerDay
    const dollarsPerMonth = requestsPerDay * dollarsPerGet * 30
    costs.push({
      path: 'canary',
      requestsPerDay,
      dollarsPerMonth,
      text: `canary: ${rounded(requestsPerDay)} requests a day to S3 (three for each of ${stylesOf(targets)} styles of name, at most twice as many by a public path): about ${dollarsPerMonth.toFixed(2)} USD a month`,
    })
  }
  if (cloudtrail !== null) {
    const rounds = perDay / cloudtrail.everySeconds
    costs.push({
      path: 'cloudtrail',
      requestsPerDay: rounds,
      dollarsPerMonth: null,
      text: `cloudtrail: ${rounded(rounds)} management calls a day for each name, and as many or a few more look-ups for each kind of call: AWS charges for neither, but CloudTrail takes two look-ups a second from all of an account`,
    })
  }
  return costs
}
