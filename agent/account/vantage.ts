import type { HostAccess } from '../../model/host.ts'
import type { Vantage } from '../../model/topology.ts'
import { type MetadataReading, imdsEndpoint, readMetadata } from '../../aws/imds.ts'

export interface VantageDeps {
  host: HostAccess
  /** Reads a small text file, null if it can't be read. */
  readText(path: string): Promise<string | null>
  /** What the configuration says: `auto`, `ec2` or `on-prem`. */
  configured: 'auto' | 'ec2' | 'on-prem'
  signal: AbortSignal
}

/** The vantage with what it was found by; the rest serves who explains it. */
export interface VantageFinding {
  vantage: Vantage
  /** Null: not asked, since the configuration settles it. */
  metadata: MetadataReading | null
  /** Null: can't be read. */
  vendor: string | null
  /** MACs of this host's interfaces, lower case; null: they can't be listed. */
  macs: string[] | null
}

/** Linux: what the firmware says of who made this machine (DMI). */
const vendorFile = '/sys/class/dmi/id/sys_vendor'
/** One request. On-prem nothing answers the first one, and this is all that it costs. */
const timeoutSeconds = 1
/** Where a token came there is a service, and it is worth waiting for. */
const deadlineSeconds = 5

const nowhere = { instanceId: null, accountId: null, region: null, interfaces: [] }

/** What the hardware says: Amazon's or Xen's, somebody else's, or nothing. */
function hardware(vendor: string | null): 'amazon' | 'foreign' | 'silent' {
  if (vendor === null || vendor.trim() === '') return 'silent'
  return /amazon|xen/i.test(vendor) ? 'amazon' : 'foreign'
}

/** On an instance's own document: it is this host's if a MAC is here, or if this may be a container inside. */
function byDocument(
  metadata: Extract<MetadataReading, { answered: true }>,
  macsHere: readonly string[] | null,
  vendor: string | null,
): Vantage | null {
  if (metadata.document === null) return null
  const { instanceId, accountId, region } = metadata.document
  const known = { instanceId, accountId, region, interfaces: metadata.interfaces, kind: 'ec2' } as const
  const says = `instance metadata names ${instanceId}`
  const unknown = (why: string): Vantage => ({
    ...nowhere,
    kind: 'unknown',
    because: [`${says}, but ${why}`],
  })
  if (macsHere === null) return unknown("this host's own interfaces can't be listed")
  const here = metadata.interfaces.find((i) => macsHere.includes(i.mac))
  if (here !== undefined) {
    return { ...known, because: [`${says}, and the MAC of ${here.id} is on this host`, ...metadata.problems] }
  }
  if (hardware(vendor) === 'foreign')
    return unknown("none of its MACs is here and the hardware is another vendor's")
  return {
    ...known,
    because: [
      `${says}, but none of its MACs is here: this looks like a container with a network of its own`,
      ...metadata.problems,
    ],
  }
}

/**
 * Where this host stands. `ec2` needs an identity document of AWS's form and one of its interfaces' MACs on
 * this host (in a container, whose interfaces are others: hardware that does not contradict it). `on-prem`
 * is configured, or hardware of another vendor than Amazon or Xen. A silent metadata service alone is
 * `unknown`, where the classes of both remain. `macsHere` null: they can't be listed.
 */
export function vantageOf(
  metadata: MetadataReading,
  macsHere: readonly string[] | null,
  vendor: string | null,
  configured: VantageDeps['configured'],
): Vantage {
  if (configured === 'on-prem')
    return { ...nowhere, kind: 'on-prem', because: ['configured: agent.vantage is on-prem'] }
  const found = metadata.answered ? byDocument(metadata, macsHere, vendor) : null
  if (found !== null) return found
  const why = metadata.answered ? metadata.problems : [metadata.because]
  if (configured === 'auto' && hardware(vendor) === 'foreign') {
    return {
      ...nowhere,
      kind: 'on-prem',
      because: [...why, "the hardware's vendor is neither Amazon nor Xen"],
    }
  }
  const container =
    !metadata.answered && metadata.silence === 'no_token'
      ? ['in a container, raise the hop limit of the instance metadata to 2']
      : []
  return {
    ...nowhere,
    kind: 'unknown',
    because: [...why, ...container, 'a silent metadata service alone settles nothing'],
  }
}

/** MACs of this host's own interfaces; null where the kernel can't be asked. */
function macsOf(host: HostAccess): string[] | null {
  try {
    return [...new Set(host.addresses().map((a) => a.mac.toLowerCase()))]
  } catch {
    return null
  }
}

/**
 * Asks the metadata service and the hardware. Takes about a second where nothing answers, at most five where something does.
 * With `AWS_EC2_METADATA_DISABLED` (as the AWS SDKs know it) the service is not asked. Never rejects.
 */
export async function lookAround(deps: VantageDeps): Promise<VantageFinding> {
  const { host, configured, signal } = deps
  const macs = macsOf(host)
  const vendor = await deps.readText(vendorFile).catch(() => null)
  if (configured === 'on-prem') {
    const unasked: MetadataReading = { answered: false, silence: 'disabled', because: 'not asked' }
    return { vantage: vantageOf(unasked, macs, vendor, configured), metadata: null, vendor, macs }
  }
  const metadata: MetadataReading =
    host.environment['AWS_EC2_METADATA_DISABLED']?.toLowerCase() === 'true'
      ? {
          answered: false,
          silence: 'disabled',
          because: 'the metadata service was not asked: AWS_EC2_METADATA_DISABLED is true',
        }
      : await readMetadata({
          endpoint: host.serverAddress(imdsEndpoint),
          timeoutSeconds,
          deadlineSeconds,
          signal,
        })
  return { vantage: vantageOf(metadata, macs, vendor, configured), metadata, vendor, macs }
}

/** Where this host stands now; see `lookAround`. */
export async function findVantage(deps: VantageDeps): Promise<Vantage> {
  return (await lookAround(deps)).vantage
}
