import type { NameStyle } from '../model/target.ts'
import {
  accountPattern,
  type AwsName,
  bareName,
  type NameUnderSuffix,
  partitionUnder,
  withoutFips,
} from './hostname-name.ts'
import { isRegion } from './partitions.ts'

/** Labels that end S3's part of a name, without the FIPS mark. */
const kinds: Record<string, { style: NameStyle; service: string }> = {
  s3: { style: 'regional', service: 's3' },
  's3-accelerate': { style: 'accelerate', service: 's3' },
  's3-website': { style: 'website', service: 's3' },
  's3-accesspoint': { style: 'access_point', service: 's3' },
  's3-object-lambda': { style: 'object_lambda', service: 's3' },
  's3-control': { style: 'control', service: 's3' },
  's3-outposts': { style: 'outposts', service: 's3-outposts' },
  's3express-control': { style: 'express', service: 's3express' },
}

const expressZone = /^s3express(-fips)?-([a-z0-9]+-az\d+)$/
/** Old names that join service and region: `s3-eu-west-1`, `s3-fips-us-gov-west-1`, `s3-website-eu-west-1`. */
const dashed = /^(s3-fips|s3-website|s3)-([a-z]+(?:-[a-z]+)+-\d+)$/

/**
 * S3's names, from the right: suffix, region, `dualstack`, the label that says which part of S3 it is, and then bucket,
 * access point or account, which may hold dots and look like anything. Null: not a name of S3.
 */
export function readS3Name({ hostname, labels, suffix }: NameUnderSuffix): AwsName | null {
  if (suffix.kind !== 'dns') return readS3Outposts({ hostname, labels, suffix })
  const rest = [...labels]
  const last = rest.at(-1) ?? ''
  const name = bareName(hostname)
  if (isRegion(last)) name.region = rest.pop() ?? null
  name.partition = partitionUnder(suffix, name.region)
  if (rest.at(-1) === 'dualstack' && rest.length > 1) {
    rest.pop()
    name.dualstack = true
  }
  const label = rest.pop() ?? ''
  if (name.region === null) return readWithoutRegion(name, label, rest, suffix)
  const express = expressZone.exec(label)
  if (express !== null) {
    name.fips = express[1] !== undefined
    name.zone = express[2] ?? null
    return finish(name, { style: 'express', service: 's3express' }, rest)
  }
  const kind = kinds[withoutFips(label)]
  if (kind === undefined || !Object.hasOwn(kinds, withoutFips(label))) return null
  name.fips = withoutFips(label) !== label
  return finish(name, kind, rest)
}

function readWithoutRegion(
  name: AwsName,
  label: string,
  rest: string[],
  suffix: NameUnderSuffix['suffix'],
): AwsName | null {
  if (label === 's3-accelerate') return finish(name, { style: 'accelerate', service: 's3' }, rest)
  if (name.dualstack) return null
  if (label === 's3') return finish(name, { style: 'global', service: 's3' }, rest)
  if (label === 's3-global' && rest.at(-1) === 'accesspoint') {
    const alias = rest.slice(0, -1).join('.')
    return {
      ...name,
      service: 's3',
      style: 'mrap',
      accessPoint: alias === '' || alias === 'mrap' ? null : alias,
    }
  }
  // The oldest name of Northern Virginia that is not global.
  if (label === 's3-external-1')
    return finish({ ...name, region: 'us-east-1' }, { style: 'dash', service: 's3' }, rest)
  const old = dashed.exec(label)
  const region = old?.[2] ?? ''
  if (old === null || !isRegion(region)) return null
  const dash: AwsName = {
    ...name,
    region,
    partition: partitionUnder(suffix, region),
    fips: old[1] === 's3-fips',
  }
  return finish(dash, { style: old[1] === 's3-website' ? 'website' : 'dash', service: 's3' }, rest)
}

/** S3 on Outposts has its management names under the dual-stack suffix as well. */
function readS3Outposts({ hostname, labels, suffix }: NameUnderSuffix): AwsName | null {
  const [label, region] = labels.slice(-2)
  if (suffix.kind !== 'dual_stack' || label === undefined || region === undefined) return null
  if (withoutFips(label) !== 's3-outposts' || !isRegion(region)) return null
  const name: AwsName = {
    ...bareName(hostname),
    region,
    partition: partitionUnder(suffix, region),
    dualstack: true,
  }
  name.fips = withoutFips(label) !== label
  return finish(name, { style: 'outposts', service: 's3-outposts' }, labels.slice(0, -2))
}

function finish(name: AwsName, kind: { style: NameStyle; service: string }, rest: string[]): AwsName {
  const named: AwsName = { ...name, service: kind.service, style: kind.style }
  const left = rest.length === 0 ? null : rest.join('.')
  switch (kind.style) {
    case 'access_point':
    case 'object_lambda':
      return { ...named, ...splitAccessPoint(left) }
    case 'outposts': {
      // `<access point>-<account>.op-<outpost>` or `<alias>--op-s3.{op-<outpost>,ec2}`
      const outpost = rest.length > 1 ? rest.slice(0, -1).join('.') : null
      return { ...named, ...splitAccessPoint(outpost) }
    }
    case 'control':
      return { ...named, account: left !== null && accountPattern.test(left) ? left : null }
    case 'express':
      return left?.endsWith('--xa-s3') ? { ...named, accessPoint: left } : { ...named, bucket: left }
    case 'regional':
    case 'dash':
      // "fips and dualstack together: style fips"
      if (named.fips) return { ...named, style: 'fips', bucket: left }
      return { ...named, style: named.dualstack ? 'dualstack' : kind.style, bucket: left }
    default:
      return { ...named, bucket: left }
  }
}

/** `<name>-<account>`; an alias (without an account) is a name of its own. */
export function splitAccessPoint(text: string | null): {
  accessPoint: string | null
  account: string | null
} {
  const match = /^(.+)-(\d{12})$/.exec(text ?? '')
  if (match === null) return { accessPoint: text, account: null }
  return { accessPoint: match[1] ?? null, account: match[2] ?? null }
}
