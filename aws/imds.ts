import { request } from 'undici'
import type { Endpoint } from '../model/host.ts'
import type { MetadataInterface } from '../model/topology.ts'
import { canonicalIp } from '../net/ip.ts'

/** Instance metadata service, IPv4 address (EC2 user guide, "Use IMDSv2"). */
export const imdsEndpoint: Endpoint = { address: '169.254.169.254', port: 80 }

export interface IdentityDocument {
  instanceId: string
  accountId: string
  region: string
}

export type MetadataReading =
  | { answered: true; document: IdentityDocument | null; interfaces: MetadataInterface[]; problems: string[] }
  /** Nothing, or nothing that speaks IMDSv2, is there: in a container often only the hop limit of 1. */
  | { answered: false; because: string }

export interface ImdsDeps {
  /** Where the service listens; its well-known address outside the lab. */
  endpoint: Endpoint
  /** For each request. A host without the service must not stall. */
  timeoutSeconds: number
  signal: AbortSignal
}

const macPattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/
const maxBodyBytes = 64 * 1024

async function ask(
  deps: ImdsDeps,
  method: 'GET' | 'PUT',
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; text: string }> {
  const signal = AbortSignal.any([deps.signal, AbortSignal.timeout(deps.timeoutSeconds * 1000)])
  const { address, port } = deps.endpoint
  const response = await request(`http://${address}:${port}${path}`, { method, headers, signal })
  let text = ''
  for await (const chunk of response.body) {
    text += String(chunk)
    if (text.length > maxBodyBytes) throw new Error(`answer to ${path} is longer than ${maxBodyBytes} bytes`)
  }
  return { status: response.statusCode, text }
}

/** An identity document of AWS's form, or null. The signature is not checked: the document only locates the host. */
export function parseIdentityDocument(text: string): IdentityDocument | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { instanceId, accountId, region } = value as Record<string, unknown>
  if (typeof instanceId !== 'string' || !/^i-[0-9a-f]{8,32}$/.test(instanceId)) return null
  if (typeof accountId !== 'string' || !/^\d{12}$/.test(accountId)) return null
  if (typeof region !== 'string' || !/^[a-z]{2,6}(-[a-z]+)+-\d{1,2}$/.test(region)) return null
  return { instanceId, accountId, region }
}

function lines(text: string | null): string[] {
  return (text ?? '')
    .split('\n')
    .map((l) => l.trim())
    .filter(Boolean)
}

function addresses(text: string | null): string[] {
  return lines(text).flatMap((l) => canonicalIp(l) ?? [])
}

function id(text: string | null, pattern: RegExp): string | null {
  const [value] = lines(text)
  return value !== undefined && pattern.test(value) ? value : null
}

/**
 * Reads who this instance is: IMDSv2 only (a token by PUT, then GET), the identity document and each
 * interface by its MAC. 404 means "not set". Never rejects; a field that is not of AWS's form is left out.
 */
export async function readMetadata(deps: ImdsDeps): Promise<MetadataReading> {
  try {
    const token = await ask(deps, 'PUT', '/latest/api/token', {
      'X-aws-ec2-metadata-token-ttl-seconds': '300',
    })
    if (token.status !== 200 || !/^[\x21-\x7e]{1,512}$/.test(token.text)) {
      return {
        answered: false,
        because: `the metadata service gave no IMDSv2 token (status ${token.status})`,
      }
    }
    const headers = { 'X-aws-ec2-metadata-token': token.text }
    const get = async (path: string): Promise<string | null> => {
      const answer = await ask(deps, 'GET', path, headers)
      if (answer.status === 404) return null
      if (answer.status !== 200) throw new Error(`status ${answer.status} for ${path}`)
      return answer.text
    }
    const problems: string[] = []
    const text = await get('/latest/dynamic/instance-identity/document')
    const document = text === null ? null : parseIdentityDocument(text)
    if (document === null) problems.push("the identity document is not of AWS's form")
    const macs = lines(await get('/latest/meta-data/network/interfaces/macs/')).map((l) =>
      l.replace(/\/$/, '').toLowerCase(),
    )
    const interfaces: MetadataInterface[] = []
    for (const mac of macs.slice(0, 64)) {
      if (!macPattern.test(mac)) {
        problems.push('a MAC of the metadata service is not of the usual form')
        continue
      }
      const at = (key: string) => get(`/latest/meta-data/network/interfaces/macs/${mac}/${key}`)
      const eni = id(await at('interface-id'), /^eni-[0-9a-f]+$/)
      if (eni === null) {
        problems.push(`the interface with the MAC ${mac} has no id`)
        continue
      }
      interfaces.push({
        id: eni,
        mac,
        subnetId: id(await at('subnet-id'), /^subnet-[0-9a-f]+$/),
        vpcId: id(await at('vpc-id'), /^vpc-[0-9a-f]+$/),
        subnetIpv4Cidr: lines(await at('subnet-ipv4-cidr-block'))[0] ?? null,
        ipv4: addresses(await at('local-ipv4s')),
        ipv6: addresses(await at('ipv6s')),
        ipv4Prefixes: lines(await at('ipv4-prefix')),
        ipv6Prefixes: lines(await at('ipv6-prefix')),
        vpcIpv4Cidrs: lines(await at('vpc-ipv4-cidr-blocks')),
        vpcIpv6Cidrs: lines(await at('vpc-ipv6-cidr-blocks')),
      })
    }
    return { answered: true, document, interfaces, problems }
  } catch (error) {
    const code = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.name) : 'unknown'
    return {
      answered: false,
      because: `the metadata service at ${deps.endpoint.address} did not answer (${code})`,
    }
  }
}
