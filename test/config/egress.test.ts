import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../agent/config/load.ts'
import { notActive } from '../../agent/config/not-active.ts'

const head = `version: 1
targets:
  - { name: a, hostname: sts.us-east-1.amazonaws.com }
  - { name: seldom, hostname: kms.us-east-1.amazonaws.com, every: 1h }
  - { name: nightly, hostname: sqs.us-east-1.amazonaws.com, cron: "0 3 * * *" }
  - { name: shut, hostname: sns.us-east-1.amazonaws.com, require: blocked }
`
const read = (egress: string) => parseConfig(`${head}egress: ${egress}\n`, 'x.yml', 0)
const errors = (egress: string) => {
  const loaded = read(egress)
  return loaded.ok ? [] : loaded.problems.map(({ path, problem }) => `${path}: ${problem}`)
}
const warnings = (egress: string) => {
  const loaded = read(egress)
  return loaded.ok ? loaded.warnings.map(({ path, problem }) => `${path}: ${problem}`) : ['wrong']
}
const one = (more: string) => `{ must_fail: [{ name: x, url: "tcp://1.1.1.1:443", control: a${more} }] }`

describe('egress', () => {
  test('its defaults, and nothing of it is left out', () => {
    const loaded = read(one(''))
    if (!loaded.ok) throw new Error('wrong')
    expect(loaded.config.egress).toEqual({
      everySeconds: 60,
      timeoutSeconds: 5,
      mustFail: [{ name: 'x', url: 'tcp://1.1.1.1:443', control: 'a', proxy: false }],
    })
    expect(loaded.config.posture).toEqual({ enabled: true })
    expect(loaded.warnings).toEqual([])
    expect(notActive(loaded.config).map(({ path }) => path)).not.toContain('egress')
  })

  test.each([
    [
      'a control that must be blocked itself',
      one('').replace('control: a', 'control: shut'),
      /control: the target "shut" must be blocked itself/,
    ],
    ['no such control', one('').replace('control: a', 'control: b'), /there is no target "b"/],
    ['a proxy for what has none', one(', proxy: true'), /proxy: stands beside tcp/],
    [
      'an address that is never dialled',
      one('').replace('1.1.1.1:443', '169.254.169.254:80'),
      /has an address that is refused/,
    ],
    ['this host', one('').replace('1.1.1.1:443', 'localhost:80'), /is this host itself/],
    ['looks that overlap', `{ every: 5s, timeout: 5s }`, /timeout \(5s\) is not below every \(5s\)/],
    ['too seldom', `{ every: 2h }`, /every: .*too long/],
    [
      'the same name twice',
      `{ must_fail: [{ name: x, url: "tcp://1.1.1.1:1", control: a }, { name: x, url: "tcp://1.1.1.1:2", control: a }] }`,
      /taken by egress\.must_fail\[0\]/,
    ],
    ['an unknown key', `{ must_fail: [], evry: 1m }`, /unknown key/],
  ])('%s is refused', (_name, egress, expected) => {
    expect(errors(egress).join('\n')).toMatch(expected)
  })

  test.each([
    ['seldom', one('').replace('control: a', 'control: seldom'), /looked at every 1h.*untestable/],
    ['by cron', one('').replace('control: a', 'control: nightly'), /looked at by cron.*untestable/],
    ['UDP that need not be answered', one('').replace('tcp:', 'udp:'), /UDP port 443 need not answer/],
  ])('%s is warned of', (_name, egress, expected) => {
    expect(warnings(egress).join('\n')).toMatch(expected)
  })
})
