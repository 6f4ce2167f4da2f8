import type { HostAccess } from '../model/host.ts'
import type { Vantage } from '../model/topology.ts'
import { type MetadataReading, imdsEndpoint, readMetadata } from '../aws/imds.ts'

export interface VantageDeps {
  host: HostAccess
  /** Reads a small text file, null if it can't be read. */
  readText(path: string): Promise<string | null>
  /** What the configuration says: `auto`, `ec2` or `on-prem`. */
  configured: 'auto' | 'ec2' | 'on-prem'
  signal: AbortSignal
}

const vendorFile = '/sys/class/dmi/id/sys_vendor'

/**
 * Where this host stands. `ec2` needs an identity document of AWS's form and one of its interfaces' MACs on
 * this host (in a container, whose interfaces are others: hardware that does not contradict it). `on-prem`
 * is configured, or hardware of another vendor than Amazon or Xen. A silent metadata service alone is
 * `unknown`, where the classes of both remain.
 */
export function vantageOf(
  metadata: MetadataReading,
  macsHere: readonly string[],
  vendor: string | null,
  configured: VantageDeps['configured'],
): Vantage {
  const nowhere = { instanceId: null, accountId: null, region: null, interfaces: [] }
  if (configured === 'on-prem')
    return { ...nowhere, kind: 'on-prem', because: ['configured: agent.vantage is on-prem'] }
  const amazon = vendor !== null && /amazon|xen/i.test(vendor)
  const foreign = vendor !== null && vendor.trim() !== '' && !amazon
  if (metadata.answered && metadata.document !== null) {
    const here = metadata.interfaces.filter((i) => macsHere.includes(i.mac))
    const { instanceId, accountId, region } = metadata.document
    const known = { instanceId, accountId, region, interfaces: metadata.interfaces }
    if (here.length > 0) {
      return {
        ...known,
        kind: 'ec2',
        because: [`instance metadata names ${instanceId}, and the MAC of ${here[0]?.id} is on this host`],
      }
    }
    if (!foreign) {
      return {
        ...known,
        kind: 'ec2',
        because: [
          `instance metadata names ${instanceId}, but none of its MACs is here: this looks like a container of its own network`,
        ],
      }
    }
    return {
      ...nowhere,
      kind: 'unknown',
      because: [
        `instance metadata names ${instanceId}, but none of its MACs is here and the hardware is another vendor's`,
      ],
    }
  }
  const why = metadata.answered ? metadata.problems : [metadata.because]
  if (configured === 'auto' && foreign) {
    return {
      ...nowhere,
      kind: 'on-prem',
      because: [...why, `the hardware's vendor is neither Amazon nor Xen`],
    }
  }
  return {
    ...nowhere,
    kind: 'unknown',
    because: [
      ...why,
      'a silent metadata service alone settles nothing (in a container, raise the hop limit to 2)',
    ],
  }
}

/** Asks the metadata service and the hardware. Takes at most a few seconds where nothing answers. */
export async function findVantage(deps: VantageDeps): Promise<Vantage> {
  const { host, configured, signal } = deps
  if (configured === 'on-prem') return vantageOf({ answered: false, because: '' }, [], null, 'on-prem')
  const [metadata, vendor] = await Promise.all([
    readMetadata({ endpoint: host.serverAddress(imdsEndpoint), timeoutSeconds: 1, signal }),
    deps.readText(vendorFile),
  ])
  const macs = host.addresses().map((a) => a.mac.toLowerCase())
  return vantageOf(metadata, macs, vendor, configured)
}
