import { describe, expect, it } from 'vitest'
import type { SeenPacket, Station } from './plan.ts'
import { attemptedOf, refuted, tally, wentByDirectConnect, wentPrivately } from './truth.ts'

const address = '52.216.8.53'
const packet = (ms: number, at: Station, destination = address): SeenPacket => ({
  at,
  ms,
  kind: 'tcp',
  source: '10.0.1.50',
  sourcePort: 40_000,
  destination,
  port: 443,
})
const claims = (...times: number[]) => times.map((ms) => ({ ms, made: true }))
const own = new Set([address])

describe('claims against packets', () => {
  it('stand while the packets go as claimed', () => {
    expect(
      refuted(claims(0, 50, 100), [packet(0, 'gwe'), packet(60, 'gwe')], own, wentPrivately, 10),
    ).toEqual([])
  })

  it('are refuted once packets have gone otherwise for longer than the lag', () => {
    const packets = [packet(0, 'gwe'), packet(100, 'nat'), packet(120, 'nat')]
    expect(refuted(claims(90, 105, 110, 111), packets, own, wentPrivately, 10)).toEqual([
      { ms: 111, address, sinceMs: 100, at: 'nat' },
    ])
  })

  it('are refuted at once when they come back while the packets still go otherwise', () => {
    const seen = [
      { ms: 101, made: true },
      { ms: 102, made: false },
      { ms: 103, made: true },
    ]
    expect(refuted(seen, [packet(100, 'igw')], own, wentPrivately, 1000)).toMatchObject([{ ms: 103 }])
  })

  it('one leaking address of several is enough, and a packet of it that goes privately ends it', () => {
    const other = '54.231.7.77'
    const packets = [packet(0, 'r3', other), packet(50, 'gwe'), packet(90, 'gwe', other)]
    const found = refuted(claims(60, 95), packets, new Set([address, other]), wentPrivately, 10)
    expect(found).toEqual([{ ms: 60, address: other, sinceMs: 0, at: 'r3' }])
  })

  it('the far side of a way says nothing of the line that led to it', () => {
    const packets = [packet(0, 'vpn'), packet(1, 'epa'), packet(20, 'dx'), packet(21, 'epa')]
    expect(refuted(claims(15), packets, own, wentByDirectConnect, 10)).toMatchObject([{ at: 'vpn' }])
    expect(refuted(claims(25), packets, own, wentByDirectConnect, 10)).toEqual([])
    expect(refuted(claims(15, 25), packets, own, wentPrivately, 10)).toEqual([])
  })

  it('packets of other kinds and addresses count for nothing', () => {
    const udp = { ...packet(0, 'nat'), kind: 'udp' }
    expect(refuted(claims(100), [udp, packet(0, 'nat', '10.0.0.9')], own, wentPrivately, 10)).toEqual([])
    expect(tally([udp, packet(0, 'nat'), packet(1, 'nat')], own)).toEqual({ nat: 2 })
  })
})

it('a trace of system calls gives every address that was tried', () => {
  const trace = `7  connect(18, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("1.1.1.1")}, 16) = -1 ENETUNREACH (Network is unreachable)
8  connect(5, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT (No such file or directory)
9  sendmmsg(6, [{msg_hdr={msg_name={sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.0.0.2")}, msg_namelen=16, msg_iov=[]}, msg_len=2}], 1, 0) = 1
9  connect(6, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "2606:4700::1", &sin6_addr), sin6_scope_id=0}, 28) = -1 EADDRNOTAVAIL
9  bind(6, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("0.0.0.0")}, 16) = 0`
  expect(attemptedOf(trace)).toEqual([
    { kind: 'connect', address: '1.1.1.1', port: 443 },
    { kind: 'sendmmsg', address: '10.0.0.2', port: 53 },
    { kind: 'connect', address: '2606:4700::1', port: 443 },
  ])
})
