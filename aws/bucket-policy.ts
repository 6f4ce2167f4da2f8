import { parseCidr } from '../net/cidr.ts'
import { canonicalIp } from '../net/ip.ts'

/** What the bucket policy of a canary has to say. */
export interface CanaryPolicyWanted {
  /** `aws`, `aws-cn`, …: first part of its ARNs. */
  partition: string
  bucket: string
  positive: string
  negative: string
  /** The one endpoint through which the positive object may be read. */
  endpoint: string
  /** The VPC that the endpoint must lie in, null: not demanded. */
  vpcId: string | null
  /** The only addresses inside the VPC that may read the positive object (`aws:VpcSourceIp`), null: any. */
  sourceAddresses: readonly string[] | null
}

interface DenyStatement {
  Sid: string
  Effect: 'Deny'
  Principal: '*'
  Action: 's3:GetObject'
  Resource: string
  Condition: Record<string, Record<string, string | string[]>>
}

export interface BucketPolicy {
  Version: '2012-10-17'
  Statement: DenyStatement[]
}

/**
 * The statements of a canary. All of them deny, for what an identity's own policy allows no bucket policy can take back
 * but by a Deny. Each demand stands in a statement of its own: conditions of one statement hold together, and a Deny
 * with two of them would be weaker than with one. A negated operator is true where the key is absent (IAM user guide,
 * "Condition operators"), so a request by no endpoint is denied. Nothing but reading two objects is denied, to anybody:
 * nobody is locked out of the bucket, its policy or its objects, and no principal has to be excepted.
 */
export function canaryPolicy(wanted: CanaryPolicyWanted): BucketPolicy {
  const { partition, bucket, positive, negative, endpoint, vpcId, sourceAddresses } = wanted
  const deny = (sid: string, key: string, operator: string, name: string, value: string | string[]) =>
    ({
      Sid: sid,
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:GetObject',
      Resource: `arn:${partition}:s3:::${bucket}/${key}`,
      Condition: { [operator]: { [name]: value } },
    }) as const satisfies DenyStatement
  const own = sourceAddresses?.map((address) => canonicalIp(address) ?? address).toSorted() ?? null
  return {
    Version: '2012-10-17',
    Statement: [
      deny('PathproofPositiveEndpoint', positive, 'StringNotEquals', 'aws:SourceVpce', endpoint),
      ...(vpcId === null
        ? []
        : [deny('PathproofPositiveVpc', positive, 'StringNotEquals', 'aws:SourceVpc', vpcId)]),
      ...(own === null
        ? []
        : [deny('PathproofPositiveHost', positive, 'NotIpAddress', 'aws:VpcSourceIp', own)]),
      deny('PathproofNegativeNoEndpoint', negative, 'Null', 'aws:SourceVpce', 'false'),
    ],
  }
}

/** How the text of a bucket's policy compares with what is wanted. */
export type PolicyComparison = { holds: true } | { holds: false; because: string }

/** S3 takes 20 KB (S3 user guide, "Bucket policies"). */
const longestPolicy = 64 * 1024

/**
 * Whether every wanted Deny stands in the policy that `GetBucketPolicy` answered (its text; null: the bucket has none).
 * Compared by meaning of the form alone: order of keys, of statements and of values, one value or a list of one, letter
 * case where IAM ignores it, and `Sid` do not matter. A statement that says more or less, in whatever way, is another one.
 */
export function policyHolds(actual: string | null, wanted: CanaryPolicyWanted): PolicyComparison {
  const no = (because: string): PolicyComparison => ({ holds: false, because })
  if (actual === null) return no('the bucket has no policy')
  if (actual.length > longestPolicy) return no('the policy is longer than S3 takes')
  let document: unknown
  try {
    document = JSON.parse(actual)
  } catch {
    return no('the policy is no JSON')
  }
  const statements = fieldsOf(document)?.['Statement']
  const list = Array.isArray(statements) ? statements : [statements]
  const standing = new Set(list.flatMap((statement) => canonicalStatement(statement) ?? []))
  const missing = canaryPolicy(wanted).Statement.filter((statement) => {
    const own = canonicalStatement(statement)
    return own === null || !standing.has(own)
  })
  if (missing.length === 0) return { holds: true }
  const names = missing.map(({ Sid }) => Sid).join(', ')
  return no(`what pathproof canary policy prints as ${names} does not stand in it`)
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
}

/** Texts, numbers and booleans alike, as IAM compares them; null for what is no such value or list of them. */
function textsOf(value: unknown): string[] | null {
  const list = Array.isArray(value) ? value : [value]
  const texts = list.map((item: unknown) =>
    typeof item === 'string' || typeof item === 'boolean' || typeof item === 'number' ? String(item) : null,
  )
  if (texts.length === 0 || texts.includes(null)) return null
  return [...new Set(texts as string[])].toSorted()
}

/** `10.0.1.50` and `10.0.1.50/32` are one to IAM. */
function bareAddress(text: string): string {
  const cidr = text.includes('/') ? parseCidr(text) : null
  const host = cidr?.ok === true && cidr.value.length === (cidr.value.family === 4 ? 32 : 128)
  return canonicalIp(host ? text.slice(0, text.indexOf('/')) : text) ?? text
}

/** The form of a statement by which two of them are compared; null for what is none. */
function canonicalStatement(value: unknown): string | null {
  const statement = fieldsOf(value)
  if (statement === null) return null
  const parts: [string, unknown][] = []
  for (const [name, part] of Object.entries(statement)) {
    if (name === 'Sid') continue
    const canonical =
      name === 'Condition'
        ? canonicalCondition(part)
        : name === 'Principal'
          ? canonicalPrincipal(part)
          : textsOf(part)?.map((text) => (name === 'Action' ? text.toLowerCase() : text))
    if (canonical === null || canonical === undefined) return null
    parts.push([name, canonical])
  }
  return JSON.stringify(parts.toSorted(byName))
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** `"*"` and `{"AWS": "*"}` are everybody alike (IAM user guide, "Principal"). */
function canonicalPrincipal(value: unknown): unknown {
  if (value === '*') return '*'
  const principal = fieldsOf(value)
  if (principal === null) return null
  const kinds = Object.entries(principal)
  const only = kinds.length === 1 && kinds[0]?.[0] === 'AWS' ? textsOf(kinds[0][1]) : null
  if (only?.length === 1 && only[0] === '*') return '*'
  return kinds.map(([kind, who]): [string, unknown] => [kind, textsOf(who)]).toSorted(byName)
}

function canonicalCondition(value: unknown): unknown {
  const condition = fieldsOf(value)
  if (condition === null) return null
  const operators: [string, unknown][] = []
  for (const [operator, tests] of Object.entries(condition)) {
    const keys = fieldsOf(tests)
    if (keys === null) return null
    const pairs: [string, unknown][] = []
    for (const [key, values] of Object.entries(keys)) {
      const texts = textsOf(values)
      if (texts === null) return null
      const addresses = operator === 'IpAddress' || operator === 'NotIpAddress'
      pairs.push([key.toLowerCase(), addresses ? texts.map(bareAddress).toSorted() : texts])
    }
    operators.push([operator, pairs.toSorted(byName)])
  }
  return operators.toSorted(byName)
}

/** For a shell: in single quotes wherever a character might mean something. */
function quoted(text: string): string {
  return /^[A-Za-z0-9_./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/**
 * How the policy and the three objects come into being: commands of the AWS CLI for a person to run. This program uploads
 * nothing and changes no policy. Objects are encrypted by S3's own keys: a KMS key would be asked for by S3, without an
 * endpoint, and answer by rights of its own.
 */
export function canaryCommands(
  wanted: Pick<CanaryPolicyWanted, 'bucket' | 'positive' | 'negative'> & { control: string },
): { text: string; command: string }[] {
  const { bucket } = wanted
  const put = (object: 'control' | 'positive' | 'negative') => ({
    text: `makes the ${object} object; what is in it does not matter`,
    command: `printf ${object} | aws s3 cp - ${quoted(`s3://${bucket}/${wanted[object]}`)} --sse AES256`,
  })
  return [
    put('control'),
    put('positive'),
    put('negative'),
    {
      text: 'shows the policy that the bucket has; put-bucket-policy replaces it as a whole, so what stands in it belongs into the new one as well',
      command: `aws s3api get-bucket-policy --bucket ${quoted(bucket)} --query Policy --output text`,
    },
    {
      text: 'puts the policy',
      command: `aws s3api put-bucket-policy --bucket ${quoted(bucket)} --policy file://canary-policy.json`,
    },
  ]
}
