import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Evidence } from '../../model/evidence.ts'
import type { PathClass } from '../../model/path.ts'
import { createTaintBook } from '../../agent/evidence/taint.ts'
import { loadTaints, saveTaints } from '../../agent/evidence/taint-store.ts'
import { judgeAttempt, noContext } from '../../verdict/judge.ts'
import { judgeName } from '../../verdict/name.ts'
import {
  answer,
  attempt,
  dns,
  natTable,
  now,
  stamp,
  topology,
  viaEndpoint,
  viaIgw,
  viaNat,
  withRoutes,
} from '../verdict/fixture.ts'

const record = (...possible: PathClass[]): Evidence => ({
  rule: 'flow.traffic_path',
  possible,
  rank: 'observed',
  because: `a flow record leaves ${possible.join()}`,
  source: 'flow log',
  observedAtMs: now,
  flags: [],
  assumptions: [],
})

const judged = (
  address: string,
  evidence: Evidence[],
  atMs = now,
  confirmation: 'pending' | 'confirmed' = 'pending',
) =>
  judgeAttempt(attempt({ address, stamp: stamp(address, atMs) }), topology(), {
    ...noContext,
    late: evidence,
    confirmation,
  })

const endpoint = record('gateway_endpoint')
const nat = record('nat_gateway', 'internet_gateway')
const day = 24 * 3600 * 1000

describe('taint', () => {
  it('a record that says public against tables that say endpoint taints the basis', () => {
    const book = createTaintBook()
    const verdict = judged('52.216.1.1', [nat])
    expect(verdict.state).toBe('public')
    expect(book.judged(verdict)).toBe(true)
    expect(book.bases()).toEqual([verdict.basis])
    expect(book.addresses()).toEqual(['52.216.1.1'])
  })

  it('records that contradict each other taint as well', () => {
    const book = createTaintBook()
    const verdict = judged('52.216.1.1', [nat, endpoint])
    expect(verdict.state).toBe('undetermined')
    expect(book.judged(verdict)).toBe(true)
  })

  it('nothing without records taints, and no private verdict does', () => {
    const book = createTaintBook()
    expect(book.judged(judged('52.216.1.1', []))).toBe(false)
    expect(book.judged(judged('52.216.1.1', [endpoint], now, 'confirmed'))).toBe(false)
    expect(book.bases()).toEqual([])
  })

  it('a record of what is public by the tables as well taints nothing, unless it was another way', () => {
    const public_ = (...possible: PathClass[]) =>
      judgeAttempt(attempt(), topology([withRoutes([viaNat], {}, [natTable([viaIgw])])]), {
        ...noContext,
        late: possible.length === 0 ? [] : [record(...possible)],
        confirmation: 'pending',
      })
    expect(public_()).toMatchObject({ state: 'public', possible: ['nat_gateway'] })
    const book = createTaintBook()
    const asKnown = public_('nat_gateway')
    expect(asKnown).toMatchObject({ state: 'public', proof: 'observed', conflicts: [] })
    expect(book.judged(asKnown)).toBe(false)
    expect(book.bases()).toEqual([])
    const otherwise = public_('internet_gateway')
    expect(otherwise.conflicts).toHaveLength(1)
    expect(book.judged(otherwise)).toBe(true)
    // without the tables it is the record alone that says public
    const unread = judgeAttempt(
      attempt(),
      topology([withRoutes([viaEndpoint, viaNat]), withRoutes([viaNat])]),
      {
        ...noContext,
        late: [record('nat_gateway')],
        confirmation: 'pending',
      },
    )
    expect(unread.state).toBe('public')
    expect(createTaintBook().judged(unread)).toBe(true)
  })

  it('holds later attempts of any name on the same basis', () => {
    const book = createTaintBook()
    book.judged(judged('52.216.1.1', [nat]))
    const name = judgeName(
      {
        hostname: 'other.s3.us-east-1.amazonaws.com',
        style: 'regional',
        resolvers: ['system'],
        dns: [dns(answer(['52.216.9.9']), answer([]))],
        families: [],
        attempts: [{ attempt: attempt({ address: '52.216.9.9' }), context: noContext }],
        tainted: book.bases(),
      },
      topology(),
    )
    expect(name).toMatchObject({ state: 'undetermined', tainted: true })
  })

  it('is lifted only when each address that showed it is confirmed private by records, later', () => {
    const book = createTaintBook()
    book.judged(judged('52.216.1.1', [nat]))
    book.judged(judged('52.216.2.2', [nat]))
    const later = now + 60_000
    expect(book.judged(judged('52.216.1.1', [], later))).toBe(false)
    expect(book.judged(judged('52.216.1.1', [endpoint], later, 'pending'))).toBe(false)
    expect(book.judged(judged('52.216.3.3', [endpoint], later, 'confirmed'))).toBe(false)
    expect(book.judged(judged('52.216.1.1', [endpoint], now - 1, 'confirmed'))).toBe(false)
    expect(book.judged(judged('52.216.1.1', [endpoint], later, 'confirmed'))).toBe(true)
    expect(book.bases()).toHaveLength(1)
    expect(book.judged(judged('52.216.2.2', [endpoint], later, 'confirmed'))).toBe(true)
    expect(book.bases()).toEqual([])
  })

  it('an address unseen for 24 hours no longer holds; one that is still answered does', () => {
    const book = createTaintBook()
    book.judged(judged('52.216.1.1', [nat]))
    book.judged(judged('52.216.2.2', [nat]))
    book.seen('52.216.2.2', now + day)
    expect(book.expire(now + day)).toBe(false)
    expect(book.expire(now + day + 1)).toBe(true)
    expect(book.addresses()).toEqual(['52.216.2.2'])
  })

  it('is kept on disk, and a file that is no use stops the start', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pathproof-taint-'))
    try {
      expect(await loadTaints(directory, now)).toEqual([])
      const book = createTaintBook()
      book.judged(judged('52.216.1.1', [nat]))
      await saveTaints(directory, book.contents())
      const again = createTaintBook(await loadTaints(directory, now + day))
      expect(again.bases()).toEqual(book.bases())
      expect(again.expire(now + 2 * day)).toBe(false)
      await writeFile(join(directory, 'taint.json'), '{"schema":"pathproof.taint/1","taints":[{}]}')
      await expect(loadTaints(directory, now)).rejects.toThrow(/Next step/)
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  it('survives a restart', () => {
    const book = createTaintBook()
    book.judged(judged('52.216.1.1', [nat]))
    expect(createTaintBook(JSON.parse(JSON.stringify(book.contents()))).bases()).toEqual(book.bases())
  })
})
