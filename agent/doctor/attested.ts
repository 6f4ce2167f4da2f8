import { canaryHost } from '../../aws/canary-hosts.ts'
import { callForName } from '../../aws/management-calls.ts'
import { canaryRegion } from '../evidence/canary-check.ts'
import { wantedPolicy } from '../evidence/canary-policy.ts'
import { type Finding, type Patient, counted, ok, warn } from './finding.ts'

/** What stands in the way of asking AWS itself, as far as it shows without asking: canary and CloudTrail. */
export function attestedFindings(patient: Patient): Finding[] {
  return [...canaryFindings(patient), ...witnessFindings(patient)]
}

function canaryFindings({ config, where, host, snapshot, targets }: Patient): Finding[] {
  const { canary } = config
  const area = 'canary'
  if (canary === null) return []
  const region = canaryRegion(config, canary, where.vantage, host.environment)
  if (region === null) return [warn(area, 'the region of its bucket is not known', 'set canary.region')]
  const findings: Finding[] = []
  const wanted = wantedPolicy(canary, region, where.vantage)
  if (!wanted.ok)
    findings.push(warn(area, wanted.because, 'set canary.source_addresses, or source_ip: false'))
  else if (canary.sourceIp) {
    const { sourceAddresses, vpcId } = wanted.wanted
    findings.push(
      ok(
        area,
        `its policy names ${sourceAddresses?.join(', ') ?? ''}${vpcId === null ? '' : ` in ${vpcId}`}`,
      ),
    )
  } else {
    const text = 'a relay inside the VPC can stand behind its answers'
    findings.push(ok(area, `${text}: source_ip would exclude it, on a host in the VPC of the endpoint`))
  }
  const described = snapshot?.endpoints.find(({ id }) => id === canary.endpoint)
  const vpcs = where.vantage.interfaces.map(({ vpcId }) => vpcId)
  if (described === undefined) {
    findings.push(
      warn(
        area,
        `${canary.endpoint} is not described by the account as it was read: of which kind it is stays open`,
        'see canary.endpoint; allow ec2:DescribeVpcEndpoints',
      ),
    )
  } else if (!described.serviceName.endsWith('.s3') && !described.serviceName.endsWith('.s3express')) {
    const text = `${canary.endpoint} serves ${described.serviceName}, not S3`
    findings.push(warn(area, text, 'set canary.endpoint to the endpoint of S3'))
  } else if (canary.sourceIp && vpcs.length > 0 && !vpcs.includes(described.vpcId)) {
    const text = `${canary.endpoint} lies in ${described.vpcId}, and this host does not: source_ip can never be met`
    findings.push(warn(area, text, 'set canary.source_ip: false'))
  } else findings.push(ok(area, `${canary.endpoint}: ${described.type}, ${described.vpcId}`))
  const names = targets.flatMap((target) => target.names)
  const carry = names.filter(({ hostname }) => canaryHost(hostname, canary.bucket, region).ok)
  findings.push(
    carry.length > 0
      ? ok(area, `${counted(carry.length, 'watched name')} can carry it; pathproof canary check asks AWS`)
      : ok(area, `no watched name can carry it: it goes by names of ${canary.bucket} of its own`),
  )
  return findings
}

function witnessFindings({ config, targets }: Patient): Finding[] {
  const area = 'cloudtrail'
  if (config.cloudtrail === null) return []
  const names = targets.flatMap((target) => target.names)
  const unknown = names.flatMap((name) => {
    const call = callForName(name)
    return call.ok ? [] : [call.because]
  })
  const known = names.length - unknown.length
  const text = `${counted(known, 'name')} of ${names.length} can be witnessed`
  if (known > 0 || names.length === 0) {
    return [ok(area, unknown.length === 0 ? text : `${text}; not: ${unknown.slice(0, 5).join('; ')}`)]
  }
  return [
    warn(area, `${text}: ${unknown.slice(0, 5).join('; ')}`, 'leave cloudtrail out of the configuration'),
  ]
}
