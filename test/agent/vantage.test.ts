import { type AddressInfo, createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { lookAround, vantageOf } from '../../agent/account/vantage.ts'
import type { MetadataReading } from '../../aws/imds.ts'
import { type MetadataMode, createMetadataService } from '../../lab/imds.ts'
import { metadataOf } from '../../lab/world/metadata.ts'
import { worldFrom } from '../../lab/world/world.ts'
import type { HostAccess } from '../../model/host.ts'
import { systemHost } from '../../probes/host.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const own = {
  id: 'eni-0123456789abcdef0',
  mac: '0a:00:00:00:00:01',
  subnetId: 'subnet-0123456789abcdef0',
  vpcId: 'vpc-0123456789abcdef0',
  subnetIpv4Cidr: '10.0.1.0/24',
  ipv4: ['10.0.1.50'],
  ipv6: [],
  ipv4Prefixes: [],
  ipv6Prefixes: [],
  vpcIpv4Cidrs: ['10.0.0.0/16'],
  vpcIpv6Cidrs: [],
  publicIpv4: [],
}
const document = { instanceId: 'i-0123456789abcdef0', accountId: '111122223333', region: 'eu-west-1' }
const answers: MetadataReading = { answered: true, document, interfaces: [own], problems: [] }
const silent: MetadataReading = { answered: false, silence: 'no_connection', because: 'nothing there' }
const here = ['0a:00:00:00:00:01']
const elsewhere = ['02:42:ac:11:00:02']

describe('vantage', () => {
  it.each([
    // metadata, MACs of this host, DMI vendor, configured, expected, reason
    ['an instance', answers, here, 'Amazon EC2', 'auto', 'ec2', 'is on this host'],
    ['an instance whose hardware says nothing', answers, here, null, 'auto', 'ec2', 'is on this host'],
    [
      'a container with its own network on an instance',
      answers,
      elsewhere,
      'Amazon EC2',
      'auto',
      'ec2',
      'container',
    ],
    ['the same on an old instance', answers, elsewhere, 'Xen', 'auto', 'ec2', 'container'],
    ['the same where the hardware can not be read', answers, elsewhere, null, 'auto', 'ec2', 'container'],
    ['the same where its name is empty', answers, elsewhere, ' \n', 'auto', 'ec2', 'container'],
    [
      "somebody else's hardware that relays an instance's metadata",
      answers,
      elsewhere,
      'LENOVO',
      'auto',
      'unknown',
      "another vendor's",
    ],
    [
      'an instance whose interfaces can not be listed',
      answers,
      null,
      'Amazon EC2',
      'auto',
      'unknown',
      "can't be listed",
    ],
    ['silence alone', silent, here, null, 'auto', 'unknown', 'settles nothing'],
    ['silence on an instance', silent, here, 'Amazon EC2', 'auto', 'unknown', 'settles nothing'],
    ["silence on somebody else's hardware", silent, here, 'Dell Inc.', 'auto', 'on-prem', 'vendor'],
    ["another cloud's metadata", { ...answers, document: null }, here, 'Google', 'auto', 'on-prem', 'vendor'],
    [
      'no document on an instance',
      { ...answers, document: null },
      here,
      'Amazon EC2',
      'auto',
      'unknown',
      'settles nothing',
    ],
    ['configured on-prem', answers, here, 'Amazon EC2', 'on-prem', 'on-prem', 'configured'],
    // the configuration may say that it is an instance; which one, it can't
    ['configured ec2, silence', silent, here, 'Dell Inc.', 'ec2', 'unknown', 'settles nothing'],
    ['configured ec2, an instance', answers, here, 'Amazon EC2', 'ec2', 'ec2', 'is on this host'],
  ] as const)('%s', (_what, metadata, macs, vendor, configured, kind, reason) => {
    const vantage = vantageOf(metadata as MetadataReading, macs, vendor, configured)
    expect(vantage.kind).toBe(kind)
    expect(vantage.because.join('; ')).toContain(reason)
    // whoever is not an instance has no interfaces of one
    expect(vantage.interfaces).toEqual(kind === 'ec2' ? [own] : [])
    expect(vantage.region).toBe(kind === 'ec2' ? 'eu-west-1' : null)
  })

  it('a token that never comes is told with what mends it', () => {
    const reading: MetadataReading = { answered: false, silence: 'no_token', because: 'no token' }
    expect(vantageOf(reading, here, null, 'auto').because.join()).toContain('hop limit')
    expect(vantageOf(silent, here, null, 'auto').because.join()).not.toContain('hop limit')
  })
})

async function host(
  mode: MetadataMode,
  macs: string[],
  more: Partial<HostAccess> = {},
): Promise<{ host: HostAccess; connections(): number }> {
  const world = worldFrom({})
  const service = createMetadataService({ metadata: () => metadataOf(world), mode, nowMs: () => Date.now() })
  let connections = 0
  const server = createServer((socket) => {
    connections++
    service.receive(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () => new Promise((resolve) => server.close(resolve)),
    () => service.close(),
  )
  const { port } = server.address() as AddressInfo
  return {
    connections: () => connections,
    host: {
      ...systemHost({}),
      serverAddress: () => ({ address: '127.0.0.1', port }),
      addresses: () =>
        macs.map((mac, i) => ({ device: `d${i}`, address: '10.0.1.50', family: 4, mac, linkLocal: false })),
      ...more,
    },
  }
}

const look = (on: HostAccess, vendor: string | null, configured: 'auto' | 'ec2' | 'on-prem' = 'auto') =>
  lookAround({
    host: on,
    configured,
    readText: (path) => Promise.resolve(path.endsWith('/sys_vendor') ? vendor : null),
    signal: new AbortController().signal,
  })

describe('looking around', () => {
  it('finds the instance by its own metadata', async () => {
    const { host: on } = await host('answers', ['02:1A:00:00:00:50'])
    const { vantage } = await look(on, 'Amazon EC2\n')
    expect(vantage).toMatchObject({ kind: 'ec2', instanceId: 'i-0a000050', region: 'us-east-1' })
    expect(vantage.because[0]).toContain('eni-0a000050')
  })

  it('does not ask where it is told not to', async () => {
    const asked = await host('answers', ['02:1a:00:00:00:50'], {
      environment: { AWS_EC2_METADATA_DISABLED: 'TRUE' },
    })
    const { vantage, metadata } = await look(asked.host, 'Amazon EC2')
    expect(vantage.kind).toBe('unknown')
    expect(metadata).toMatchObject({ silence: 'disabled' })
    expect((await look(asked.host, null, 'on-prem')).metadata).toBeNull()
    expect(asked.connections()).toBe(0)
  })

  it('gives up soon where a token never comes, as on-prem with something at that address', async () => {
    const { host: on } = await host('hop_limit', ['02:1a:00:00:00:50'])
    expect((await look(on, 'Dell Inc.')).vantage.kind).toBe('on-prem')
    expect((await look(on, null)).vantage.kind).toBe('unknown')
  })

  it('survives a kernel that does not list its interfaces, and hardware that can not be read', async () => {
    const { host: on } = await host('answers', [], {
      addresses: () => {
        throw new Error('EAFNOSUPPORT')
      },
    })
    const finding = await lookAround({
      host: on,
      configured: 'auto',
      readText: () => Promise.reject(new Error('EACCES')),
      signal: new AbortController().signal,
    })
    expect(finding).toMatchObject({ macs: null, vendor: null, vantage: { kind: 'unknown' } })
  })
})
