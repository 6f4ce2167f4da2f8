/** Ten thousand attempts that wait, and a hundred thousand records: what is kept is bounded, and what is found is right. */
import { expect, it } from 'vitest'
import { loadAttempts, loadBook, loadRecords } from '../support/late-load.ts'

const waiting = 10_000
const records = 100_000

it('each of 10,000 attempts finds its own record among 100,000, and keeps no other', () => {
  const { book, results } = loadBook()
  const dialled = loadAttempts(waiting, 'endpoint')
  for (const one of dialled) book.dialled(one)
  expect(book.size()).toEqual({ pending: waiting, kept: waiting, records: 0 })
  const captured = loadRecords(dialled, records, 'endpoint')
  expect(book.captured({ records: captured, skipped: [] })).toHaveLength(waiting)
  expect(results).toEqual(dialled.map(() => 'confirmed'))
  expect(book.size().records).toBe(waiting)
  // Each round reads the same again.
  expect(book.captured({ records: captured, skipped: [] })).toEqual([])
  expect(book.size().records).toBe(waiting)
  expect(book.attempt('a0')).toMatchObject({ state: 'private', proof: 'observed', confirmation: 'confirmed' })
}, 60_000)

it('behind a busy NAT gateway few of its records are kept with each attempt, and none is taken for its own', () => {
  const { book } = loadBook()
  const dialled = loadAttempts(waiting, 'nat')
  for (const one of dialled) book.dialled(one)
  const captured = loadRecords(dialled, records, 'nat')
  book.captured({ records: captured, skipped: [] })
  const { records: kept } = book.size()
  expect(kept).toBeGreaterThan(waiting)
  expect(kept).toBeLessThanOrEqual(40 * waiting)
  for (const { verdict } of dialled.slice(0, 100))
    expect(book.attempt(verdict.id)).toMatchObject({ state: verdict.state, confirmation: 'pending' })
}, 60_000)

it('no more attempts wait than there is room for, and no more are kept', () => {
  const { book, results } = loadBook()
  for (const one of loadAttempts(waiting + 500, 'endpoint')) book.dialled(one)
  expect(book.size()).toMatchObject({ pending: waiting, kept: waiting })
  expect(results).toEqual(Array.from({ length: 500 }, () => 'overflow'))
}, 60_000)
