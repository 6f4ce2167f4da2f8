import { dnsByEndpointService, endpointServiceByDns } from './hostname-endpoint-service.ts'
import { type AwsName, bareName } from './hostname-name.ts'
import { readS3Name } from './hostname-s3.ts'
import { readServiceName } from './hostname-service.ts'
import { readHostname } from './hostname-syntax.ts'
import { readVpceName } from './hostname-vpce.ts'
import { isRegion, partitions, suffixOf } from './partitions.ts'

/** Well formed (an AWS name or any other), or one sentence that says what is wrong. */
export type HostnameParse = { ok: true; name: AwsName } | { ok: false; error: string }

/**
 * Reads a host name by AWS's grammar, label by label from the right, for all partitions. A name outside AWS's own
 * suffixes is well formed too: its `service` and `partition` are null, its style `other`. Malformed text (see
 * `readHostname`; a URL, a port or user information too) is an error whose text is safe to print. Never throws.
 */
export function parseHostname(text: string): HostnameParse {
  const read = readHostname(text)
  if (!read.ok) return read
  const { hostname, labels, family } = read
  const suffix = family === null ? suffixOf(hostname) : null
  if (suffix === null) return { ok: true, name: { ...bareName(hostname), family } }
  const left = labels.slice(0, labels.length - suffix.suffix.split('.').length)
  // The suffix alone is AWS's, but no service answers there.
  if (left.length === 0)
    return { ok: true, name: { ...bareName(hostname), partition: suffix.partitions[0]?.id ?? null } }
  const under = { hostname, labels: left, suffix }
  return { ok: true, name: readVpceName(under) ?? readS3Name(under) ?? readServiceName(under) }
}

/** True for a well-formed name of an AWS service or of a resource under AWS's suffixes; look-alikes are none. */
export function isAwsName(hostname: string): boolean {
  const parsed = parseHostname(hostname)
  return parsed.ok && parsed.name.service !== null
}

/** The last part of the endpoint service's name that serves a DNS service: `kinesis` → `kinesis-streams`. */
export function endpointServiceOf(dnsService: string): string {
  return endpointServiceByDns.get(dnsService) ?? dnsService
}

/**
 * The DNS service that an endpoint service's full name stands for: `com.amazonaws.eu-west-1.kinesis-streams` →
 * `kinesis`, `com.amazonaws.eu-west-1.kms-fips` → `kms-fips`. Null for services of third parties
 * (`com.amazonaws.vpce.…`) and for what is no endpoint service's name.
 */
export function dnsServiceOf(endpointServiceName: string): string | null {
  const name = endpointServiceName.toLowerCase()
  if (!/^[a-z0-9.-]{1,253}$/.test(name)) return null
  const sagemaker = /^aws\.sagemaker\.([a-z0-9-]+)\.([a-z0-9-]+)$/.exec(name)
  if (sagemaker !== null) return isRegion(sagemaker[1] ?? '') ? `${sagemaker[2]}.sagemaker` : null
  const service = afterPrefix(name)
  if (service === null) return null
  if (service === 's3-global.accesspoint') return dnsByEndpointService.get(service) ?? null
  const [region = '', ...rest] = service.split('.')
  if (
    !isRegion(region) ||
    rest.length === 0 ||
    rest.includes('') ||
    rest.some((label) => label.startsWith('vpce'))
  )
    return null
  const own = rest.join('.')
  return dnsByEndpointService.get(own) ?? own
}

/** Drops the partition's domain written backwards (`com.amazonaws`, `gov.ic.c2s`), China's `cn.`, or `aws.api`. */
function afterPrefix(name: string): string | null {
  const reversed = partitions.map((partition) => partition.dnsSuffix.split('.').reverse().join('.'))
  for (const prefix of [...reversed, 'aws.api']) {
    if (name.startsWith(`${prefix}.`)) return name.slice(prefix.length + 1)
  }
  return null
}
