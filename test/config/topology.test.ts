import { parse } from 'yaml'
import { describe, expect, test } from 'vitest'
import { effectiveConfig } from '../../agent/config/effective.ts'
import { exampleConfig } from '../../agent/config/example.ts'
import { parseConfig } from '../../agent/config/load.ts'
import { problemText } from '../../agent/config/problems.ts'

const role = 'arn:aws:iam::444455556666:role/network/pathproof-read'

function load(topology: object) {
  const text = JSON.stringify({ version: 1, topology: { source: 'aws', ...topology } })
  return parseConfig(text, 'test.yml', Date.UTC(2026, 10, 20))
}
function topologyOf(topology: object) {
  const loaded = load(topology)
  if (!loaded.ok) throw new Error(loaded.problems.map(problemText).join('\n'))
  return loaded.config.topology
}
const problems = (topology: object) => {
  const loaded = load(topology)
  return loaded.ok ? [] : loaded.problems.map(problemText)
}

describe('further accounts', () => {
  test('by a directory or by a role, and shown as they were written', () => {
    const also = [
      { directory: '/srv/dump' },
      { role_arn: role, external_id: 'a=b/c', region: 'eu-west-1' },
      { role_arn: 'arn:aws-us-gov:iam::444455556666:role/r' },
    ]
    expect(topologyOf({ also }).also).toEqual([
      { directory: '/srv/dump', roleArn: null, externalId: null, region: null },
      { directory: null, roleArn: role, externalId: 'a=b/c', region: 'eu-west-1' },
      { directory: null, roleArn: 'arn:aws-us-gov:iam::444455556666:role/r', externalId: null, region: null },
    ])
    const loaded = load({ also })
    if (!loaded.ok) throw new Error('refused')
    const shown = parse(effectiveConfig(loaded.config)) as { topology: unknown }
    expect(shown.topology).toMatchObject({ also })
    expect(load({ ...(shown.topology as object) })).toMatchObject({ ok: true, hash: loaded.hash })
  })

  test.each<[object[], RegExp]>([
    [[{}], /also\[0\]: names no account, expected one of directory and role_arn/],
    [[{ directory: '/srv/dump', role_arn: role }], /also\[0\]: has directory and role_arn/],
    [[{ directory: '/srv/dump', region: 'eu-west-1' }], /also\[0\]\.region: stands without role_arn/],
    [[{ directory: '/srv/dump', external_id: 'abc' }], /also\[0\]\.external_id: stands without role_arn/],
    [[{ role_arn: 'arn:aws:iam::4444:role/r' }], /also\[0\]\.role_arn: .*expected the ARN of a role/],
    [[{ role_arn: 'arn:aws:iam::444455556666:user/r' }], /expected the ARN of a role/],
    [[{ role_arn: `${role}\nx` }], /expected the ARN of a role/],
    [[{ role_arn: role, external_id: 'a b' }], /also\[0\]\.external_id: .*expected an external id/],
    [[{ role_arn: role, region: 'nowhere' }], /also\[0\]\.region: .*expected the name of a region/],
    [
      [{ role_arn: role, region: 'cn-north-1' }],
      /also\[0\]\.region: "cn-north-1" is a region of aws-cn, the role one of aws/,
    ],
    [
      [{ role_arn: role }, { role_arn: 'arn:aws:iam::444455556666:role/other' }],
      /also\[1\]\.role_arn: "account 444455556666" is read by topology\.also\[0\] already/,
    ],
    [
      [{ directory: '/srv/dump' }, { directory: '/srv/dump' }],
      /also\[1\]\.directory: "\/srv\/dump" is read by topology\.also\[0\] already/,
    ],
    [[{ role_arn: role, rgion: 'eu-west-1' }], /also\[0\]\.rgion: .*did you mean "region"/],
  ])('%j is refused', (also, expected) => {
    expect(problems({ also }).join('\n')).toMatch(expected)
  })

  test('one account in two regions', () => {
    expect(problems({ also: [{ role_arn: role }, { role_arn: role, region: 'eu-west-1' }] })).toEqual([])
  })
})

describe('endpoints of the APIs', () => {
  const ec2 = 'https://vpce-0a-b.ec2.eu-west-1.vpce.amazonaws.com'
  test('are read to their origin', () => {
    const endpoint = { ec2: `${ec2.toUpperCase().replace('HTTPS', 'https')}/`, sts: 'http://localhost:8080' }
    expect(topologyOf({ endpoint }).endpoint).toEqual({ ec2, sts: 'http://localhost:8080' })
    expect(topologyOf({ endpoint: { sts: 'https://sts.example:8443' } }).endpoint).toEqual({
      ec2: null,
      sts: 'https://sts.example:8443',
    })
    expect(topologyOf({}).endpoint).toBeNull()
  })

  test.each(['http://127.0.0.1:1', 'http://127.9.9.9', 'http://[::1]:9', 'http://localhost'])(
    '%s is on loopback',
    (url) => {
      expect(topologyOf({ endpoint: { ec2: url } }).endpoint?.ec2).toBe(url)
    },
  )

  test.each([
    ['http://ec2.eu-west-1.amazonaws.com', /not encrypted.*did you mean "https:\/\/ec2\.eu-west-1/],
    ['http://127.0.0.1.evil.example', /not encrypted/],
    ['http://localhost.evil.example', /not encrypted/],
    ['http://10.0.0.1', /not encrypted/],
    ['ftp://127.0.0.1', /scheme/],
    ['file:///etc/passwd', /is not a URL|scheme/],
    ['https://user:hunter2@ec2.example', /user info/],
    ['https://ec2.example/path', /a path/],
    ['https://ec2.example/?x=1', /a query/],
    ['https://ec2.example/#x', /fragment/],
    ['ec2.example', /is not a URL/],
    ['', /is not a URL/],
  ])('%s is refused', (url, expected) => {
    const told = problems({ endpoint: { ec2: url } }).join('\n')
    expect(told).toMatch(/topology\.endpoint\.ec2/)
    expect(told).toMatch(expected)
    expect(told).not.toContain('hunter2')
  })
})

test('the example holds both, switched off', () => {
  const on = exampleConfig.replace(/^( *)#(also|endpoint):/gm, '$1$2:')
  const loaded = parseConfig(on, 'example.yml', Date.UTC(2026, 10, 20))
  expect(loaded).toMatchObject({ ok: true })
  expect(loaded.ok && loaded.config.topology.also.length).toBe(2)
  expect(loaded.ok && loaded.config.topology.endpoint?.sts).toMatch(/^https/)
})
