import type { DeviceKind } from '../model/observation.ts'
import { linkArgs, memberArgs, parseLink, parseLinks } from './ip-command.ts'
import type { Link } from './ip-command.ts'
import type { RunCommand } from './run-command.ts'

export interface DeviceDeps {
  run: RunCommand
  /** Text of a file of /proc or /sys; rejects with `code` as node:fs does. */
  readFile(path: string): Promise<string>
  /** Whether a path of /sys is there. */
  exists(path: string): Promise<boolean>
}

export interface Device {
  kind: DeviceKind | null
  /** Lower case, colons. */
  mac: string | null
  detail: string | null
}

const kindOfInfo: Readonly<Record<string, DeviceKind>> = {
  vlan: 'vlan',
  veth: 'veth',
  tun: 'tun',
  bridge: 'bridge',
  wireguard: 'wireguard',
  bond: 'bond',
}

/** The kernel takes more, but nobody has more cards in one bundle. */
const mostMembers = 32

const notHardware = new Set(['netdevsim', 'platform-test'])

async function readLine(path: string, deps: DeviceDeps): Promise<string | null> {
  try {
    return (await deps.readFile(path)).trim()
  } catch {
    return null
  }
}

/**
 * What /sys says of the device, if it speaks of the same one: a /sys that was mounted in another network namespace lists other
 * devices under the same names.
 */
async function sysfsKind(link: Link, deps: DeviceDeps): Promise<DeviceKind | 'elsewhere' | null> {
  const folder = `/sys/class/net/${link.name}`
  const [index, mac, uevent] = await Promise.all([
    readLine(`${folder}/ifindex`, deps),
    readLine(`${folder}/address`, deps),
    readLine(`${folder}/uevent`, deps),
  ])
  if (index === null) return null
  if (Number(index) !== link.index || (mac !== null && link.mac !== null && mac.toLowerCase() !== link.mac)) {
    return 'elsewhere'
  }
  const type = /^DEVTYPE=(.+)$/m.exec(uevent ?? '')?.[1]
  if (type === 'vlan' || type === 'bridge' || type === 'wireguard') return type
  if (await deps.exists(`${folder}/bridge`)) return 'bridge'
  if (await deps.exists(`${folder}/tun_flags`)) return 'tun'
  if (await deps.exists(`${folder}/device`)) return 'physical'
  return 'other'
}

/** The kind of one link, without regard to what is below it; the kernel's list first, /sys only where it is silent. */
async function kindOf(link: Link, deps: DeviceDeps): Promise<Device> {
  const { mac } = link
  if (link.linkType === 'loopback') return { kind: 'loopback', mac: null, detail: null }
  if (link.infoKind !== null) return { kind: kindOfInfo[link.infoKind] ?? 'other', mac, detail: null }
  if (link.parentBus !== null && link.linkType === 'ether') {
    return { kind: notHardware.has(link.parentBus) ? 'other' : 'physical', mac, detail: null }
  }
  const kind = await sysfsKind(link, deps)
  if (kind === 'elsewhere') {
    return { kind: null, mac, detail: `/sys shows another network namespace than ${link.name}'s` }
  }
  if (kind === null) return { kind: null, mac, detail: `/sys says nothing of ${link.name}` }
  // hardware that is no Ethernet has no MAC that could be an ENI's
  return { kind: kind === 'physical' && link.linkType !== 'ether' ? 'other' : kind, mac, detail: null }
}

/** Null: every member of the bond is hardware; else why it does not count as a bundle of lines. */
async function whyNoBundle(bond: string, deps: DeviceDeps): Promise<string | null> {
  const members = parseLinks(await deps.run('ip', memberArgs(bond)))
  if (members === null) return `no answer about the members of ${bond}`
  if (members.length === 0) return `${bond} is a bond without members`
  if (members.length > mostMembers) return `${bond} has more than ${mostMembers} members`
  for (const member of members) {
    const { kind } = await kindOf(member, deps)
    if (kind !== 'physical') return `${bond} is a bond with ${member.name}, which is no hardware`
  }
  return null
}

/**
 * What a device is, by `ip -d link` and /sys. A bond counts as one only if every member is hardware, and a VLAN only if what
 * is below it, where that is in this namespace, is hardware; on such a bond it is a bond as well, for a bond shows no network
 * interface of a VPC. Never rejects.
 */
export async function lookAtDevice(name: string, deps: DeviceDeps): Promise<Device> {
  const link = parseLink(await deps.run('ip', linkArgs(name)))
  if (!link || link.name !== name) return { kind: null, mac: null, detail: `no answer about device ${name}` }
  const device = await kindOf(link, deps)
  const other = (detail: string): Device => ({ kind: 'other', mac: device.mac, detail })
  if (device.kind === 'bond') {
    const why = await whyNoBundle(name, deps)
    return why === null ? device : other(why)
  }
  if (device.kind !== 'vlan' || link.lower === null) return device
  const below = parseLink(await deps.run('ip', linkArgs(link.lower)))
  const lower = below && below.name === link.lower ? await kindOf(below, deps) : null
  if (lower?.kind === 'physical') return device
  if (lower?.kind === 'bond') {
    const why = await whyNoBundle(link.lower, deps)
    return why === null ? { ...device, kind: 'bond' } : other(`${name} is a VLAN on a bond: ${why}`)
  }
  return other(`${name} is a VLAN on ${link.lower}, which is no hardware`)
}

/**
 * The only non-loopback device of the namespace that is up, for hosts without `ip`; null if there are several, none, or
 * /sys is not this namespace's. `macs` are those of `os.networkInterfaces()`, which asks the kernel in this namespace.
 */
export async function onlyDevice(
  macs: ReadonlyMap<string, string>,
  deps: DeviceDeps,
): Promise<{ name: string; device: Device } | null> {
  const list = await readLine('/proc/net/dev', deps)
  if (list === null) return null
  const names = [...list.matchAll(/^\s*([^\s:]+):/gm)].map((match) => match[1] as string)
  const up: { name: string; device: Device }[] = []
  for (const name of names) {
    const folder = `/sys/class/net/${name}`
    const flags = await readLine(`${folder}/flags`, deps)
    // not listed by /sys: it may be up
    if (flags === null || !/^0x[0-9a-f]+$/i.test(flags)) return null
    const bits = Number(flags)
    if ((bits & 0x8) !== 0 || (bits & 0x1) === 0) continue
    const [index, mac, type] = await Promise.all([
      readLine(`${folder}/ifindex`, deps),
      readLine(`${folder}/address`, deps),
      readLine(`${folder}/type`, deps),
    ])
    if (index === null || mac === null || macs.get(name) !== mac.toLowerCase()) return null
    const link: Link = {
      index: Number(index),
      name,
      linkType: type === '1' ? 'ether' : 'other',
      mac: mac.toLowerCase(),
      infoKind: null,
      parentBus: null,
      lower: null,
    }
    up.push({ name, device: await kindOf(link, deps) })
  }
  const [only] = up
  return up.length === 1 && only ? only : null
}
