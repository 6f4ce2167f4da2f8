/** The own names of trusted endpoints: asked in each cycle, within a deadline, and never believed longer. */
import { describe, expect, it } from 'vitest'
import { createTrustedNames } from '../../agent/account/trusted-names.ts'
import type { TrustedEndpoint } from '../../model/topology.ts'
import type { EndpointName } from '../../verdict/endpoint-names.ts'
import { createHandClock } from './hand-clock.ts'

const declared = (dnsName: string): TrustedEndpoint => ({
  declared: { dnsName },
  via: 'tgw-1',
  addresses: [],
  vpcCidrs: [],
})
const found = (name: string, control = `no-${name}`): EndpointName => ({
  endpoint: 'vpce-1',
  dnsName: name,
  controlName: control,
})

type Reply = string[] | Error | Promise<string[]>
const absent = Object.assign(new Error('no'), { code: 'ENOTFOUND' })
const failed = Object.assign(new Error('later'), { code: 'EAI_AGAIN' })

function names(entries: TrustedEndpoint[], also: () => EndpointName[], replies: Record<string, Reply>) {
  const clock = createHandClock()
  const asked: string[] = []
  let under = 0
  let most = 0
  const lookup = async (name: string) => {
    asked.push(name)
    most = Math.max(most, ++under)
    try {
      await Promise.resolve()
      const reply = replies[name] ?? absent
      if (reply instanceof Error) throw reply
      return (await reply).map((address) => ({ address, family: 4 as const }))
    } finally {
      under--
    }
  }
  const trusted = createTrustedNames({ declared: entries, found: also, lookup, clock })
  const addresses = () =>
    Object.fromEntries(
      trusted.current().map((t) => ['dnsName' in t.declared ? t.declared.dnsName : '', t.addresses]),
    )
  return { trusted, clock, asked, addresses, mostAtOnce: () => most }
}

/** A deadline that is over at once, whatever the machine is busy with. */
const atOnce = 0
const long = 30

describe('declared names', () => {
  it('have what they answer, in canonical text; what fails has nothing', async () => {
    const replies = { a: ['10.9.0.7', '::FFFF:10.9.0.8', 'nonsense'], b: failed, c: absent }
    const { trusted, addresses } = names(['a', 'b', 'c'].map(declared), () => [], replies)
    expect(addresses()).toEqual({ a: [], b: [], c: [] })
    await trusted.resolve(long)
    expect(addresses()['a']).toContain('10.9.0.7')
    expect(addresses()['a']).not.toContain('nonsense')
    expect(addresses()).toMatchObject({ b: [], c: [] })
  })

  it('keep everything else that was declared, and what is no name is not asked for', async () => {
    const gateway: TrustedEndpoint = { ...declared('x'), declared: { gateway: 'vpce-0a' } }
    const { trusted, asked } = names([gateway, declared('a')], () => [], { a: ['10.9.0.7'] })
    await trusted.resolve(long)
    expect(asked).toEqual(['a'])
    expect(trusted.current()).toEqual([gateway, { ...declared('a'), addresses: ['10.9.0.7'] }])
  })

  it('are asked for once in 10 s, and an answer that fails to come again is gone', async () => {
    const replies: Record<string, Reply> = { a: ['10.9.0.7'] }
    const { trusted, clock, asked, addresses } = names([declared('a')], () => [], replies)
    await trusted.resolve(long)
    await clock.advance(9_000)
    await trusted.resolve(long)
    expect(asked.length).toBe(1)
    replies['a'] = failed
    await clock.advance(1_000)
    await trusted.resolve(long)
    expect(asked.length).toBe(2)
    expect(addresses()).toEqual({ a: [] })
  })

  it('that hang have no address from the deadline on, hold up nobody, and are not asked for twice', async () => {
    let answer: (addresses: string[]) => void = () => undefined
    const replies: Record<string, Reply> = { a: ['10.9.0.7'], b: ['10.9.0.8'] }
    const { trusted, clock, asked, addresses } = names(['a', 'b'].map(declared), () => [], replies)
    await trusted.resolve(long)
    replies['a'] = new Promise((resolve) => {
      answer = resolve
    })
    await clock.advance(10_000)
    await trusted.resolve(atOnce)
    expect(addresses()['a']).toEqual([])
    await clock.advance(10_000)
    await trusted.resolve(atOnce)
    expect(asked.filter((name) => name === 'a').length).toBe(2)
    expect(addresses()['a']).toEqual([])
    await clock.advance(10_000)
    const last = trusted.resolve(long)
    answer(['10.9.0.9'])
    await last
    expect(addresses()).toEqual({ a: ['10.9.0.9'], b: ['10.9.0.8'] })
  })

  it('serve all who ask at the same time, each within its own deadline', async () => {
    let answer: (addresses: string[]) => void = () => undefined
    const replies = {
      a: new Promise<string[]>((resolve) => {
        answer = resolve
      }),
    }
    const { trusted, asked, addresses } = names([declared('a')], () => [], replies)
    const patient = trusted.resolve(long)
    await trusted.resolve(atOnce)
    expect(addresses()).toEqual({ a: [] })
    answer(['10.9.0.7'])
    await patient
    expect(addresses()).toEqual({ a: ['10.9.0.7'] })
    expect(asked.length).toBe(1)
  })
})

describe('names that were found', () => {
  it('are trusted to nothing but a peering, and marked', async () => {
    const { trusted } = names([], () => [found('a')], { a: ['10.9.0.7'] })
    await trusted.resolve(long)
    expect(trusted.current()).toEqual([
      { declared: { dnsName: 'a' }, via: null, addresses: ['10.9.0.7'], vpcCidrs: [], found: true },
    ])
  })

  it.each<[string, Reply]>([
    ['has an address: somebody answers whatever is asked', ['10.9.0.7']],
    ['could not be asked for', failed],
    ['fails in another way', new Error('what')],
  ])('are not there where the name that nobody has %s', async (_, reply) => {
    const { trusted } = names([], () => [found('a')], { a: ['10.9.0.7'], 'no-a': reply })
    await trusted.resolve(long)
    expect(trusted.current()).toEqual([])
  })

  it('nor while that has not answered', async () => {
    const { trusted } = names([], () => [found('a')], {
      a: ['10.9.0.7'],
      'no-a': new Promise(() => undefined),
    })
    await trusted.resolve(atOnce)
    expect(trusted.current()).toEqual([])
  })

  it('come and go with the snapshot', async () => {
    let now = [found('a')]
    const { trusted, clock, addresses } = names([], () => now, { a: ['10.9.0.7'], b: ['10.9.0.8'] })
    await trusted.resolve(long)
    now = [found('b')]
    await clock.advance(10_000)
    await trusted.resolve(long)
    expect(addresses()).toEqual({ b: ['10.9.0.8'] })
  })

  it('take no more than two threads at once; a name that several control is asked for once', async () => {
    const many = Array.from({ length: 20 }, (_, n) => found(`n${n}`, 'nobody'))
    const { trusted, asked, mostAtOnce } = names([], () => many, {})
    await trusted.resolve(long)
    expect(asked.length).toBe(21)
    expect(mostAtOnce()).toBe(2)
  })
})
