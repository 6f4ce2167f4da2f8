import { describe, expect, it } from 'vitest'
import { hostAddresses, hostRoute, sourceFor } from '../../lab/host.ts'
import type { WorldHost } from '../../lab/world/types.ts'
import { worldFrom } from '../../lab/world/world.ts'

const eni = { interface: 'eni-0a000050' }
const everywhere = { from: null, gateway: null, selector: false, applies: true }

/** A host with a second ENI for 52.216.0.0/15 and for what is sent from its address, and a tunnel for packets with a mark. */
const host: Partial<WorldHost> = {
  ipv6Usable: false,
  devices: [
    {
      name: 'ens5',
      kind: 'physical',
      mac: '02:1a:00:00:00:50',
      addresses: ['10.0.1.50', '2600:1f18::50'],
      leads: eni,
    },
    {
      name: 'ens6',
      kind: 'physical',
      mac: '02:1a:00:00:00:51',
      addresses: ['169.254.9.9', '10.0.2.51'],
      leads: eni,
    },
    { name: 'tun0', kind: 'tun', mac: '', addresses: ['10.8.0.2'], leads: eni },
  ],
  routes: [
    { ...everywhere, to: '0.0.0.0/0', device: 'ens5', gateway: '10.0.1.1' },
    { ...everywhere, to: '52.216.0.0/15', device: 'ens6', gateway: '10.0.2.1' },
    { ...everywhere, from: '10.0.2.51/32', to: '0.0.0.0/0', device: 'ens6', gateway: '10.0.2.1' },
    { ...everywhere, to: '54.231.0.0/16', device: 'tun0', selector: true },
  ],
  redirects: [{ to: '3.5.0.0/19', ends: { class: 'relay' } }],
}
const world = worldFrom({ host })

describe('addresses', () => {
  it('are those of the families that are usable', () => {
    expect(
      hostAddresses(world).map(({ device, address, linkLocal }) => [device, address, linkLocal]),
    ).toEqual([
      ['ens5', '10.0.1.50', false],
      ['ens6', '169.254.9.9', true],
      ['ens6', '10.0.2.51', false],
      ['tun0', '10.8.0.2', false],
    ])
  })
})

describe('the kernel', () => {
  it.each([
    ['209.54.177.164', null, 'ens5', '10.0.1.1', '10.0.1.50'],
    ['52.216.8.53', null, 'ens6', '10.0.2.1', '10.0.2.51'],
    ['209.54.177.164', '10.0.2.51', 'ens6', '10.0.2.1', '10.0.2.51'],
    ['209.54.177.164', '10.0.1.50', 'ens5', '10.0.1.1', '10.0.1.50'],
    ['54.231.0.1', null, 'ens5', '10.0.1.1', '10.0.1.50'],
  ])('sends to %s from %s by %s', (destination, source, device, gateway, chosen) => {
    expect(hostRoute(world, destination, source)).toMatchObject({
      device,
      gateway,
      source: chosen,
      selectorRules: true,
    })
  })

  it('says where a redirect may match, and where there is no route', () => {
    expect(hostRoute(world, '3.5.2.17', null).redirect).toBe('possible')
    expect(hostRoute(world, '3.5.64.1', null).redirect).toBe('none')
    expect(hostRoute(world, '2600:1fa0::1', null)).toMatchObject({
      device: null,
      mac: null,
      source: null,
      detail: 'no route to 2600:1fa0::1',
    })
    expect(hostRoute(worldFrom(), '52.216.8.53', null).selectorRules).toBe(false)
  })

  it('has no source for a family that is not usable', () => {
    expect(sourceFor(world, '2600:1fa0::1')).toBeNull()
    expect(
      sourceFor(
        worldFrom({
          host: { ...host, ipv6Usable: true, routes: [{ ...everywhere, to: '::/0', device: 'ens5' }] },
        }),
        '2600:1fa0::1',
      ),
    ).toBe('2600:1f18::50')
  })
})
