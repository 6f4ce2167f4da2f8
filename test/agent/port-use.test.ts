import { expect, it } from 'vitest'
import { createPortUse } from '../../agent/evidence/port-use.ts'
import type { Attempt } from '../../model/observation.ts'

const made = (id: string, localPort: number, monotonicMs: number, address = '52.216.0.9') =>
  ({ stamp: { id, monotonicMs }, localAddress: '10.0.1.50', localPort, address, port: 443 }) as Attempt

it('finds the second connection by the same ports and addresses, and the first one then as well', () => {
  const ports = createPortUse()
  const first = made('1', 40_000, 0)
  ports.used(first)
  expect(ports.reused(first, 60)).toBe(false)
  const second = made('2', 40_000, 240_000)
  ports.used(second)
  expect(ports.reused(first, 60)).toBe(true)
  expect(ports.reused(second, 60)).toBe(true)
})

it('lets them share what lies further apart than twice the aggregation and 120 s, or differs in anything', () => {
  const ports = createPortUse()
  const first = made('1', 40_000, 0)
  ports.used(first)
  ports.used(made('2', 40_000, 240_001))
  ports.used(made('3', 40_001, 1000))
  ports.used(made('4', 40_000, 1000, '52.216.0.10'))
  expect(ports.reused(first, 60)).toBe(false)
  // The longer one record sums up, the longer it takes until a port can be told again.
  expect(ports.reused(first, 600)).toBe(true)
})

it('forgets what is old', () => {
  const ports = createPortUse()
  const first = made('1', 40_000, 1000)
  ports.used(first)
  ports.forget(1001)
  const second = made('2', 40_000, 2000)
  ports.used(second)
  expect(ports.reused(second, 60)).toBe(false)
})
