import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HostRoute } from '../../model/observation.ts'
import { familyUsable } from '../../probes/family.ts'
import { hasNoRoute, linuxHostRoute } from '../../probes/host-route.ts'
import type { HostRouteDeps } from '../../probes/host-route.ts'
import { parseBatch, parseFibMatch, parseLink, parseRouteGet } from '../../probes/ip-command.ts'
import { parseRules } from '../../probes/ip-rules.ts'
import type { CommandResult } from '../../probes/run-command.ts'
import { unknownRoute } from '../../probes/tls.ts'
import { needs, titled } from '../support/needs.ts'
import { clock, stamp } from './support.ts'

const said = (stdout: string, stderr = '', code: number | null = 0): CommandResult => ({
  ran: true,
  code,
  stdout,
  stderr,
})

function line(json: string) {
  return { ok: true as const, json: JSON.parse(json) as unknown }
}

const route = (device: string, gateway: string | null, source: string | null, type = 'unicast') => ({
  kind: 'route',
  type,
  nextHop: { device, gateway },
  source,
  encapsulated: false,
})

describe('parseRouteGet', () => {
  // what iproute2 4.18, 5.10 and 6.1 print
  it.each([
    [
      '[{"dst":"8.8.8.8","gateway":"10.0.1.1","dev":"ens5","prefsrc":"10.0.1.50","flags":[],"uid":0,"cache":[]}]',
      route('ens5', '10.0.1.1', '10.0.1.50'),
    ],
    [
      '[{"type":"unicast","dst":"8.8.8.8","from":"10.0.1.50","gateway":"10.0.1.1","dev":"ens5","table":"main","flags":[],"uid":0,"cache":[]}]',
      route('ens5', '10.0.1.1', '10.0.1.50'),
    ],
    [
      '[{"dst":"1.2.3.4","via":{"family":"inet6","host":"fe80::1"},"dev":"ens5","prefsrc":"10.0.1.50","flags":[]}]',
      route('ens5', 'fe80::1', '10.0.1.50'),
    ],
    [
      '[{"type":"local","dst":"10.0.1.50","dev":"lo","prefsrc":"10.0.1.50","flags":[],"uid":0,"cache":["local"]}]',
      route('lo', null, '10.0.1.50', 'local'),
    ],
    [
      '[{"type":"broadcast","dst":"10.0.1.255","dev":"ens5","prefsrc":"10.0.1.50","flags":[],"cache":["local","brd"]}]',
      route('ens5', null, '10.0.1.50', 'broadcast'),
    ],
    [
      '[{"dst":"fd12:3456::9","from":"::","dev":"ens5","protocol":"kernel","prefsrc":"fd12:3456::5","metric":256,"flags":[],"pref":"medium"}]',
      route('ens5', null, 'fd12:3456::5'),
    ],
    [
      '[{},{"dst":"10.0.0.2","dev":"eth0.100","prefsrc":"10.0.1.50","flags":[]},{}]',
      route('eth0.100', null, '10.0.1.50'),
    ],
    [
      '[{"dst":"10.0.0.2","encap":"mpls","dst":"100","gateway":"10.0.1.1","dev":"ens5","flags":[]}]',
      { ...route('ens5', '10.0.1.1', null), encapsulated: true },
    ],
    [
      '[{"type":"unreachable","dst":"2001:db8::1","from":"::","dev":"lo","metric":4294967295,"flags":[]}]',
      { kind: 'unreachable', reason: 'unreachable route' },
    ],
    ['[]', { kind: 'unreadable', reason: 'not one route' }],
    [
      '[{"dst":"1.1.1.1","dev":"a"},{"dst":"1.1.1.1","dev":"b"}]',
      { kind: 'unreadable', reason: 'not one route' },
    ],
    ['[{"dst":"1.1.1.1","dev":"-x"}]', expect.objectContaining({ kind: 'unreadable' })],
    ['[{"dst":"1.1.1.1","dev":"a","gateway":"x"}]', expect.objectContaining({ kind: 'unreadable' })],
  ])('%s', (json, expected) => {
    expect(parseRouteGet(line(json))).toEqual(expected)
  })

  it.each([
    ['Network is unreachable', 'unreachable'],
    ['No route to host', 'unreachable'],
    ['Permission denied', 'unreachable'],
    ['Invalid argument', 'unreachable'],
    ['Operation not permitted', 'unreadable'],
    ['No such device', 'unreadable'],
  ])('RTNETLINK answers: %s', (reason, kind) => {
    expect(parseRouteGet({ ok: false, reason })).toEqual({ kind, reason })
  })
})

describe('parseBatch', () => {
  it('puts answers and errors where they belong', () => {
    const stderr =
      'RTNETLINK answers: Network is unreachable\nCommand failed -:2\nRTNETLINK answers: No route to host\nCommand failed -:4\n'
    expect(parseBatch(said('[1]\n[3]\n', stderr, 1), 4)).toEqual([
      { ok: true, json: [1] },
      { ok: false, reason: 'Network is unreachable' },
      { ok: true, json: [3] },
      { ok: false, reason: 'No route to host' },
    ])
  })

  it.each([
    [
      'an ip that stopped at a mistake',
      said('[1]\n', 'Error: inet prefix is expected rather than "x".\n', 1),
    ],
    ['an ip without JSON (busybox)', said('', 'ip: unrecognized option: j\nBusyBox v1.36\n', 1)],
    ['plain text', said('8.8.8.8 via 10.0.1.1 dev eth0\n8.8.8.8\n')],
    ['too many answers', said('[1]\n[2]\n[3]\n')],
    ['a failure out of range', said('[1]\n[2]\n', 'Command failed -:9\n', 1)],
    ['one that was killed', said('[1]\n[2]\n', '', null)],
    ['none', { ran: false, code: 'ENOENT' } as const],
  ])('gives nothing for %s', (_name, result) => {
    expect(parseBatch(result, 2)).toBeNull()
  })
})

describe('parseFibMatch', () => {
  it.each([
    ['[{"dst":"default","gateway":"10.0.1.1","dev":"ens5","flags":[]}]', 1],
    [
      '[{"dst":"52.216.0.0/15","flags":[],"nexthops":[{"gateway":"10.0.1.2","dev":"ens5","weight":1,"flags":[]},{"gateway":"10.0.1.3","dev":"ens5","weight":1,"flags":[]}]}]',
      2,
    ],
    [
      '[{"dst":"7.0.0.0/8","nhid":10,"flags":[],"nexthops":[{"gateway":"10.0.1.2","dev":"ens5","weight":1},{"gateway":"10.0.1.2","dev":"ens5","weight":1}]}]',
      1,
    ],
  ])('%s', (json, hops) => {
    const match = parseFibMatch(line(json))
    expect(match.kind === 'hops' && match.hops.length).toBe(hops)
  })

  it('can read nothing where a hop is unknown', () => {
    expect(
      parseFibMatch(line('[{"dst":"default","nexthops":[{"dev":"ens5"},{"via":{"host":"x"}}]}]')).kind,
    ).toBe('unreadable')
    expect(parseFibMatch({ ok: false, reason: 'x' }).kind).toBe('unreadable')
  })
})

const plainRules =
  '[{"priority":0,"src":"all","table":"local"},{"priority":32766,"src":"all","table":"main"},{"priority":32767,"src":"all","table":"default"}]'

describe('parseRules', () => {
  it.each<[string, string, number | null, unknown]>([
    ['the usual three', plainRules, 0, { readable: true, variants: [] }],
    [
      'what the kernel weighs itself',
      '[{"priority":1,"src":"all","l3mdev":null},{"priority":2,"src":"10.0.0.1","dst":"1.2.3.4","iif":"lo","oif":"x","tos":"0x10","table":"5"},{"priority":3,"src":"all","goto":32766},{"priority":4,"src":"all","table":"main","suppress_prefixlen":0,"protocol":"kernel"}]',
      0,
      { readable: true, variants: [] },
    ],
    [
      'marks',
      '[{"priority":1,"src":"all","fwmark":"0x80","fwmask":"0x80","table":"main"},{"priority":2,"not":null,"src":"all","fwmark":"0xca6c","table":"51820"}]',
      0,
      { readable: true, variants: [{ mark: '0x80' }, { mark: '0xca6c' }] },
    ],
    [
      'ports',
      '[{"priority":1,"src":"all","sport_start":1,"sport_end":100,"table":"1"},{"priority":2,"src":"all","ipproto":"tcp","dport":443,"table":"101"}]',
      0,
      {
        readable: true,
        variants: [
          { sport: '1', ipproto: 'tcp' },
          { dport: '443', ipproto: 'tcp' },
        ],
      },
    ],
    [
      'other protocols',
      '[{"priority":1,"src":"all","ipproto":"udp","table":"1"},{"priority":2,"not":null,"src":"all","ipproto":"udp","table":"2"}]',
      0,
      { readable: true, variants: [{ ipproto: 'tcp' }] },
    ],
    [
      'users',
      '[{"priority":1,"src":"all","uid_start":1000,"uid_end":1999,"table":"1"},{"priority":2,"src":"all","uid_start":0,"uid_end":0,"table":"1"}]',
      1000,
      { readable: true, variants: [{ uid: '1000' }] },
    ],
    [
      'users, ours unknown',
      '[{"priority":1,"src":"all","uid_start":5,"uid_end":9,"table":"1"}]',
      null,
      { readable: true, variants: [{ uid: '5' }] },
    ],
    [
      'selectors to come',
      '[{"priority":1,"src":"all","flowlabel":"0x1","table":"1"}]',
      0,
      { readable: false, variants: [] },
    ],
    ['a mark that is no word', '[{"fwmark":"1; rm"}]', 0, { readable: false, variants: [] }],
    ['nonsense', '{"a":1}', 0, { readable: false, variants: [] }],
    ['nonsense inside', '[1]', 0, { readable: false, variants: [] }],
  ])('%s', (_name, json, uid, expected) => {
    expect(parseRules(line(json), uid)).toEqual(expected)
  })
})

describe('the parsers of ip', () => {
  it('never throw', () => {
    const text = fc.oneof(fc.string(), fc.json())
    fc.assert(
      fc.property(text, text, fc.anything(), fc.nat(5), (stdout, stderr, json, count) => {
        parseBatch(said(stdout, stderr, 1), count)
        parseLink(said(stdout))
        for (const value of [
          json,
          [json],
          [{ dev: json, nexthops: [json], via: json, fwmark: json, uid_start: json }],
        ]) {
          parseRouteGet({ ok: true, json: value })
          parseFibMatch({ ok: true, json: value })
          parseRules({ ok: true, json: value }, 0)
        }
        expect(parseLink(said(stdout, '', 1))).toBeNull()
      }),
    )
  })
})

const ens5 =
  '[{"ifindex":2,"ifname":"ens5","flags":["UP"],"link_type":"ether","address":"02:FC:00:00:00:01","parentbus":"pci","parentdev":"0000:00:05.0"}]'
const get =
  '[{"type":"unicast","dst":"52.216.1.1","gateway":"10.0.1.1","dev":"ens5","prefsrc":"10.0.1.50","flags":[]}]'
const match = '[{"type":"unicast","dst":"default","gateway":"10.0.1.1","dev":"ens5","flags":[]}]'

/** A host whose commands and files are given; the first batch is the route, the second asks the rules' variants. */
function host(
  more: {
    batches?: CommandResult[]
    links?: Record<string, string>
    files?: Record<string, string>
    commands?: Record<string, CommandResult>
    macs?: [string, string][]
  } = {},
) {
  const batches = [...(more.batches ?? [said([get, match, plainRules].join('\n'))])]
  const inputs: string[] = []
  const files = more.files ?? {}
  const commands: Record<string, CommandResult> = {
    nft: said('{"nftables":[{"metainfo":{"version":"1.0.6"}}]}'),
    'ip xfrm': said(''),
    ...more.commands,
  }
  const deps: HostRouteDeps = {
    clock,
    uid: 0,
    macs: () => new Map(more.macs),
    run(file, args, input) {
      if (file === 'ip' && args.includes('-batch')) {
        inputs.push(input ?? '')
        return Promise.resolve(batches.shift() ?? { ran: false, code: 'ENOENT' })
      }
      if (file === 'ip' && args.includes('link')) {
        const [, , , , by = '', name = ''] = args
        const found = (more.links ?? { ens5 })[by === 'dev' ? name : `${by} ${name}`]
        return Promise.resolve(found ? said(found) : said('', 'Device does not exist.', 1))
      }
      const result = commands[file === 'ip' ? 'ip xfrm' : file]
      return Promise.resolve(result ?? { ran: false, code: 'ENOENT' })
    },
    readFile(path) {
      const text = files[path]
      return text === undefined
        ? Promise.reject(Object.assign(new Error('no file'), { code: 'ENOENT' }))
        : Promise.resolve(text)
    },
    exists: (path) => Promise.resolve(path in files),
  }
  return { inputs, ask: linuxHostRoute(deps) }
}

const link = (fields: object) =>
  JSON.stringify([
    { ifindex: 2, ifname: 'ens5', link_type: 'ether', address: '02:fc:00:00:00:01', ...fields },
  ])
const kind = (name: string) => ({ linkinfo: { info_kind: name } })
const sys = (more: Record<string, string>) => ({
  '/sys/class/net/ens5/ifindex': '2\n',
  '/sys/class/net/ens5/address': '02:fc:00:00:00:01\n',
  '/sys/class/net/ens5/uevent': 'INTERFACE=ens5\nIFINDEX=2\n',
  ...more,
})

const dev = (...names: string[]) =>
  `Inter-|   Receive\n face |bytes\n${names.map((name) => `  ${name}: 1 2 3\n`).join('')}`
const files = (name: string, more: Record<string, string> = {}) => ({
  [`/sys/class/net/${name}/ifindex`]: '2',
  [`/sys/class/net/${name}/address`]: '02:fc:00:00:00:01',
  [`/sys/class/net/${name}/type`]: '1',
  [`/sys/class/net/${name}/flags`]: '0x1003',
  [`/sys/class/net/${name}/uevent`]: '',
  [`/sys/class/net/${name}/device`]: '',
  '/sys/class/net/lo/flags': '0x9',
  ...more,
})

describe('linuxHostRoute', () => {
  it('puts the kernel, the device, the rules and the filters together', async () => {
    const { ask, inputs } = host()
    expect(await ask('52.216.1.1', '10.0.1.50')).toEqual({
      method: 'ip_route_get',
      device: 'ens5',
      deviceKind: 'physical',
      mac: '02:fc:00:00:00:01',
      gateway: '10.0.1.1',
      source: '10.0.1.50',
      selectorRules: false,
      redirect: 'none',
      detail: null,
    })
    expect(inputs).toEqual([
      'route get 52.216.1.1 from 10.0.1.50\nroute get fibmatch 52.216.1.1 from 10.0.1.50\nrule show\n',
    ])
  })

  it('asks without a source when there is none, and by IPv4 for an IPv4-mapped destination', async () => {
    const { ask, inputs } = host()
    await ask('::ffff:52.216.1.1', null)
    expect(inputs[0]).toBe('route get 52.216.1.1\nroute get fibmatch 52.216.1.1\nrule show\n')
  })

  it('lets nothing but addresses onto a command line', async () => {
    const { ask, inputs } = host()
    for (const bad of ['', '1.2.3.4 dev lo', '1.2.3.4\nroute del default', '010.0.0.1', 'fe80::1%eth0']) {
      expect((await ask(bad, null)).method).toBe('none')
      expect((await ask('52.216.1.1', bad)).method).toBe('none')
    }
    expect((await ask('52.216.1.1', 'fd00::1')).method).toBe('none')
    expect(inputs).toEqual([])
  })

  it('says what the kernel refuses', async () => {
    const none = host({
      batches: [
        said(
          plainRules,
          'RTNETLINK answers: Network is unreachable\nCommand failed -:1\nRTNETLINK answers: Network is unreachable\nCommand failed -:2\n',
          1,
        ),
      ],
    })
    const route = await none.ask('2600::1', null)
    expect(route).toMatchObject({
      method: 'ip_route_get',
      device: null,
      detail: 'the kernel says: Network is unreachable',
    })
    expect(hasNoRoute(route)).toBe(true)
    const prohibited = host({
      batches: [
        said(
          plainRules,
          'RTNETLINK answers: Permission denied\nCommand failed -:1\nx\nCommand failed -:2\n',
          1,
        ),
      ],
    })
    expect(hasNoRoute(await prohibited.ask('52.97.1.1', null))).toBe(false)
  })

  it.each([
    [
      'several next hops',
      '[{"dst":"default","nexthops":[{"gateway":"10.0.1.1","dev":"ens5"},{"gateway":"10.0.2.1","dev":"ens6"}]}]',
      'the route has several next hops: 10.0.1.1 dev ens5, 10.0.2.1 dev ens6',
    ],
    ['encapsulation', '[{"dst":"default","encap":"ip","dev":"ens5"}]', 'the route encapsulates'],
    ['a match that can not be read', '[]', 'the matching route could not be read'],
  ])('names no device for %s', async (_name, matching, detail) => {
    const { ask } = host({ batches: [said([get, matching, plainRules].join('\n'))] })
    expect(await ask('52.216.1.1', null)).toMatchObject({ device: null, deviceKind: null, mac: null, detail })
  })

  const marked = '[{"priority":512,"src":"all","fwmark":"0x80","fwmask":"0x80","table":"main"}]'
  const fibAndRoute = (rules: string) => said([get, match, rules].join('\n'))
  it.each([
    ['the same way', [fibAndRoute(marked), said(get)], false],
    ['another device', [fibAndRoute(marked), said(get.replace('ens5', 'wg0'))], true],
    ['another gateway', [fibAndRoute(marked), said(get.replace('10.0.1.1', '10.0.1.9'))], true],
    [
      'no way',
      [fibAndRoute(marked), said('', 'RTNETLINK answers: Network is unreachable\nCommand failed -:1\n', 1)],
      true,
    ],
    ['no answer', [fibAndRoute(marked)], null],
    ['an answer that can not be read', [fibAndRoute(marked), said('[]')], null],
    ['rules that can not be read', [fibAndRoute('[{"priority":1,"novel":true}]')], null],
    ['too many rules', [fibAndRoute(`[${Array(17).fill('{"fwmark":"0x1","table":"1"}').join(',')}]`)], true],
  ])('weighs a rule with a mark that leads to %s', async (_name, batches, expected) => {
    const { ask, inputs } = host({ batches })
    const route = await ask('52.216.1.1', '10.0.1.50')
    expect(route.selectorRules).toBe(expected)
    expect(inputs[1] ?? 'route get 52.216.1.1 from 10.0.1.50 mark 0x80\n').toBe(
      'route get 52.216.1.1 from 10.0.1.50 mark 0x80\n',
    )
  })

  it.each<[string, object, Record<string, string>, HostRoute['deviceKind']]>([
    ['hardware by its bus', { parentbus: 'virtio' }, {}, 'physical'],
    ['hardware by /sys', {}, sys({ '/sys/class/net/ens5/device': '' }), 'physical'],
    ['a test device', { parentbus: 'netdevsim' }, {}, 'other'],
    ['veth', kind('veth'), {}, 'veth'],
    ['veth, though /sys shows hardware', kind('veth'), sys({ '/sys/class/net/ens5/device': '' }), 'veth'],
    ['tun', kind('tun'), {}, 'tun'],
    ['tun on an old kernel', { link_type: 'none' }, sys({ '/sys/class/net/ens5/tun_flags': '0x1' }), 'tun'],
    ['bridge', kind('bridge'), {}, 'bridge'],
    ['wireguard', kind('wireguard'), {}, 'wireguard'],
    ['macvlan', kind('macvlan'), {}, 'other'],
    ['a bond whose members are not told', kind('bond'), {}, 'other'],
    ['a team', kind('team'), {}, 'other'],
    ['vlan by uevent', {}, sys({ '/sys/class/net/ens5/uevent': 'DEVTYPE=vlan\n' }), 'vlan'],
    ['something that /sys does not know either', {}, sys({}), 'other'],
    [
      '/sys of another namespace',
      {},
      sys({ '/sys/class/net/ens5/ifindex': '7', '/sys/class/net/ens5/device': '' }),
      null,
    ],
    [
      '/sys with another MAC',
      {},
      sys({ '/sys/class/net/ens5/address': '02:00:00:00:00:09', '/sys/class/net/ens5/device': '' }),
      null,
    ],
    ['no /sys at all', {}, {}, null],
    ['loopback', { link_type: 'loopback', address: '00:00:00:00:00:00' }, {}, 'loopback'],
    [
      'hardware that is no Ethernet',
      { link_type: 'infiniband', parentbus: 'pci' },
      sys({ '/sys/class/net/ens5/device': '' }),
      'other',
    ],
  ])('knows %s', async (_name, fields, files, expected) => {
    const { ask } = host({ links: { ens5: link(fields) }, files })
    expect((await ask('52.216.1.1', null)).deviceKind).toBe(expected)
  })

  it('believes a VLAN only on hardware', async () => {
    const vlan = (lower: string) => link({ ...kind('vlan'), link: lower })
    const on = async (lower: object) =>
      (
        await host({ links: { ens5: vlan('eth9'), eth9: link({ ...lower, ifname: 'eth9' }) } }).ask(
          '52.216.1.1',
          null,
        )
      ).deviceKind
    expect(await on({ parentbus: 'pci' })).toBe('vlan')
    expect(await on(kind('veth'))).toBe('other')
    expect((await host({ links: { ens5: vlan('gone0') } }).ask('52.216.1.1', null)).deviceKind).toBe('other')
  })

  describe('a bond', () => {
    const card = (ifname: string, fields: object = { parentbus: 'pci' }) => ({
      ifindex: 7,
      ifname,
      link_type: 'ether',
      address: '02:fc:00:00:00:01',
      ...fields,
    })
    const bonded = async (members: string | undefined, more: Record<string, string> = {}) => {
      const links = {
        ens5: link(kind('bond')),
        ...(members !== undefined && { 'master ens5': members }),
        ...more,
      }
      return (await host({ links }).ask('52.216.1.1', null)).deviceKind
    }

    it('is one if every member is hardware', async () => {
      expect(await bonded(JSON.stringify([card('eno1')]))).toBe('bond')
      // what `ip` leaves out it prints as {}
      expect(await bonded(JSON.stringify([{}, card('eno1'), {}, card('eno2')]))).toBe('bond')
    })

    it.each<[string, string | undefined]>([
      ['a tunnel', JSON.stringify([card('eno1'), card('tap0', kind('tun'))])],
      ['a pair of virtual devices', JSON.stringify([card('veth0', kind('veth'))])],
      ['another bond', JSON.stringify([card('bond1', kind('bond'))])],
      ['a VLAN', JSON.stringify([card('eno1'), card('eno2.7', kind('vlan'))])],
      ['a member of which nothing is known', JSON.stringify([card('eno1'), card('dummy0', {})])],
      ['no member', '[]'],
      ['more members than a bundle has', JSON.stringify(Array.from({ length: 33 }, (_, i) => card(`e${i}`)))],
      ['an answer that can not be read', '[{"ifname":"eno1"}]'],
      ['half an answer', JSON.stringify([card('eno1'), 'eno2'])],
      ['no answer', undefined],
    ])('is none with %s', async (_name, members) => {
      expect(await bonded(members)).toBe('other')
    })

    it('carries a VLAN, which is then a bond too', async () => {
      const on = async (members: string) => {
        const links = {
          ens5: link({ ...kind('vlan'), link: 'bond0' }),
          bond0: link({ ...kind('bond'), ifname: 'bond0' }),
          'master bond0': members,
        }
        return (await host({ links }).ask('52.216.1.1', null)).deviceKind
      }
      expect(await on(JSON.stringify([card('eno1'), card('eno2')]))).toBe('bond')
      expect(await on(JSON.stringify([card('eno1'), card('tap0', kind('tun'))]))).toBe('other')
    })
  })

  describe('without ip', () => {
    const macs: [string, string][] = [['ens5', '02:fc:00:00:00:01']]
    const noIp = [{ ran: false, code: 'ENOENT' } as const]

    it('names the only device that is up', async () => {
      const down = { '/sys/class/net/ifb0/flags': '0x82' }
      const { ask } = host({
        batches: noIp,
        macs,
        files: files('ens5', { ...down, '/proc/net/dev': dev('lo', 'ifb0', 'ens5') }),
      })
      expect(await ask('52.216.1.1', '10.0.1.50')).toMatchObject({
        method: 'only_device',
        device: 'ens5',
        deviceKind: 'physical',
        mac: '02:fc:00:00:00:01',
        gateway: null,
        selectorRules: false,
      })
    })

    it('reads the next hop from the main table', async () => {
      const head = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT'
      const rows = [
        'ens5\t00000000\t0101000A\t0003\t0\t0\t100\t00000000\t0\t0\t0',
        'ens5\t0001000A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0',
        'ens5\t0000D834\t4D01000A\t0003\t0\t0\t0\t0000FEFF\t0\t0\t0',
      ]
      const { ask } = host({
        batches: noIp,
        macs,
        files: {
          ...files('ens5'),
          '/proc/net/dev': dev('lo', 'ens5'),
          '/proc/net/route': [head, ...rows].join('\n'),
        },
      })
      const gateway = async (to: string) => (await ask(to, '10.0.1.50')).gateway
      expect(await gateway('3.5.0.1')).toBe('10.0.1.1')
      expect(await gateway('10.0.1.60')).toBeNull()
      expect(await gateway('52.216.1.1')).toBe('10.0.1.77')
    })

    it.each([
      [
        'two are up',
        { ...files('ens5'), ...files('ens6'), '/proc/net/dev': dev('lo', 'ens5', 'ens6') },
        macs,
      ],
      ['/sys does not list one', { ...files('ens5'), '/proc/net/dev': dev('lo', 'ens5', 'wg0') }, macs],
      [
        '/sys is of another namespace',
        { ...files('ens5'), '/proc/net/dev': dev('lo', 'ens5') },
        [['ens5', '02:00:00:00:00:77']],
      ],
      ['the kernel lists no MAC for it', { ...files('ens5'), '/proc/net/dev': dev('lo', 'ens5') }, []],
      ['nothing is up', { ...files('ens5'), '/proc/net/dev': dev('lo') }, macs],
      ['there is no /proc', files('ens5'), macs],
    ] as [string, Record<string, string>, [string, string][]][])(
      'names none when %s',
      async (_name, all, seen) => {
        const both: [string, string][] = [...seen, ['ens6', '02:fc:00:00:00:01']]
        const { ask } = host({ batches: noIp, macs: both, files: all })
        expect(await ask('52.216.1.1', null)).toMatchObject({
          method: 'none',
          device: null,
          redirect: 'none',
        })
      },
    )
  })

  it('never rejects', async () => {
    const broken = linuxHostRoute({
      clock,
      uid: null,
      run: () => Promise.reject(new Error('bug')),
      readFile: () => Promise.reject(new Error('bug')),
      exists: () => Promise.reject(new Error('bug')),
      macs: () => {
        throw new Error('bug')
      },
    })
    expect(await broken('52.216.1.1', null)).toMatchObject({ method: 'none', redirect: 'unreadable' })
  })
})

const address = (text: string, linkLocal = false) =>
  ({ device: 'ens5', address: text, family: text.includes(':') ? 6 : 4, mac: '', linkLocal }) as const

describe('familyUsable', () => {
  const noRoute = {
    ...unknownRoute('the kernel says: Network is unreachable'),
    method: 'ip_route_get',
  } as const
  const someRoute = { ...unknownRoute(''), method: 'ip_route_get', device: 'ens5' } as const

  it.each([
    ['no address', [address('10.0.1.50')], [], false],
    ['link-local only', [address('fe80::1', true)], [someRoute], false],
    ['an address, nothing asked', [address('fd00::1')], [], true],
    ['an address, no route to anything', [address('fd00::1')], [noRoute, noRoute], false],
    ['an address, a route to something', [address('fd00::1')], [noRoute, someRoute], true],
    ['an address, one that could not be asked', [address('fd00::1')], [noRoute, unknownRoute('x')], true],
  ])('IPv6 with %s', (_name, addresses, routes, usable) => {
    expect(familyUsable(6, addresses, routes, stamp())).toMatchObject({ kind: 'family', family: 6, usable })
  })
})

/** Runs the probes in a network namespace of their own, without a way out; null where that is not allowed. */
function inNamespace(setUp: string, ...questions: string[]) {
  const script = join(import.meta.dirname, 'namespace-look.ts')
  const command = `${setUp}\nexec "$0" "$@"`
  return JSON.parse(
    execFileSync('unshare', ['-rnm', 'sh', '-ec', command, process.execPath, script, ...questions], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  ) as {
    routes: HostRoute[]
    failures: ({ type: string; code?: string } | null)[]
    families: { usable: boolean }[]
    badDial: { type: string } | null
    addresses: { address: string }[]
  }
}

const missing = await needs('namespaces', 'ip')

describe.skipIf(missing !== null)(titled('in a network namespace', missing), () => {
  it('knows that the kernel has no route, from connect() and from the route', () => {
    const seen = inNamespace('ip link set lo up', '52.216.1.1', '2600:1f00::1')
    expect(seen.failures).toEqual([
      { type: 'no_local_route', code: 'ENETUNREACH' },
      { type: 'no_local_route', code: 'ENETUNREACH' },
    ])
    expect(seen.routes.every(hasNoRoute)).toBe(true)
    expect(seen.families.map(({ usable }) => usable)).toEqual([false, false])
    expect(seen.badDial).not.toBeNull()
    // without ::1 the kernel finds no source first, in the words of a host that ran out of ports
    expect(inNamespace('true', '2600:1f00::1').failures).toEqual([
      { type: 'resources', code: 'EADDRNOTAVAIL' },
    ])
  })

  const veth = [
    'ip link set lo up',
    'ip link add ens5 type veth peer name far0',
    'ip addr add 10.0.1.50/24 dev ens5',
    'ip link set ens5 up',
    'ip link set far0 up',
    'ip route add default via 10.0.1.1',
  ].join('\n')

  it('sees the veth for what it is, and the kernel refusing what its routes forbid', () => {
    const routes = ['blackhole 52.95.0.0/16', 'unreachable 52.96.0.0/16', 'prohibit 52.97.0.0/16']
    const setUp = [veth, ...routes.map((route) => `ip route add ${route}`)].join('\n')
    const seen = inNamespace(setUp, '52.216.1.1,10.0.1.50', '52.95.1.1', '52.96.1.1', '52.97.1.1')
    expect(seen.routes[0]).toMatchObject({
      method: 'ip_route_get',
      device: 'ens5',
      deviceKind: 'veth',
      gateway: '10.0.1.1',
      source: '10.0.1.50',
      selectorRules: false,
    })
    expect(seen.failures.slice(1)).toEqual([
      { type: 'unreachable', code: 'EINVAL' },
      { type: 'unreachable', code: 'EHOSTUNREACH' },
      { type: 'denied', code: 'EACCES' },
    ])
    expect(seen.routes.slice(1).map(({ device, detail }) => [device, detail])).toEqual([
      [null, 'the kernel says: Invalid argument'],
      [null, 'the kernel says: No route to host'],
      [null, 'the kernel says: Permission denied'],
    ])
    expect(seen.families.map(({ usable }) => usable)).toEqual([true, false])
  })

  it('finds the rule with a mark that leads elsewhere, and the route with two next hops', () => {
    const rule = 'ip rule add fwmark 0x80/0x80 lookup 100'
    const same = inNamespace(`${veth}\n${rule}\nip route add default via 10.0.1.1 table 100`, '52.216.1.1')
    expect(same.routes[0]?.selectorRules).toBe(false)
    const other = inNamespace(`${veth}\n${rule}\nip route add default via 10.0.1.9 table 100`, '52.216.1.1')
    expect(other.routes[0]?.selectorRules).toBe(true)
    const hops = 'ip route add 52.216.0.0/15 nexthop via 10.0.1.2 nexthop via 10.0.1.3'
    const two = inNamespace(`${veth}\n${hops}`, '52.216.1.1')
    expect(two.routes[0]).toMatchObject({
      device: null,
      detail: expect.stringContaining('several next hops'),
    })
  })
})
