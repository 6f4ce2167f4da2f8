import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import type { Config } from '../../agent/config/config.ts'
import { configHash, effectiveConfig } from '../../agent/config/effective.ts'
import { exampleConfig } from '../../agent/config/example.ts'
import { parseConfig } from '../../agent/config/load.ts'
import { notActive } from '../../agent/config/not-active.ts'
import { problemText } from '../../agent/config/problems.ts'
import { targetsOf } from '../../agent/config/targets.ts'

function read(text: string): Config {
  const result = parseConfig(text, 'test.yml', Date.UTC(2026, 10, 20))
  if (!result.ok) throw new Error(result.problems.map(problemText).join('\n'))
  return result.config
}

const everything = exampleConfig.replace(/^( *)#(?=[a-z])/gm, '$1')

describe('the effective configuration', () => {
  test('reads back to the same', () => {
    for (const text of ['version: 1', exampleConfig, everything]) {
      expect(read(effectiveConfig(read(text)))).toEqual(read(text))
    }
  })

  test('of random targets reads back to the same', () => {
    const seconds = fc.integer({ min: 61, max: 86_400 })
    const target = fc.record(
      {
        hostname: fc.constantFrom('sts.amazonaws.com', 'kms.eu-west-1.amazonaws.com'),
        every: seconds.map((value) => `${value}s`),
        timeout: fc.integer({ min: 100, max: 14_000 }).map((value) => `${value}ms`),
        require: fc.constantFrom('private', 'blocked', ['nat_gateway', 'public_vif']),
        min_proof: fc.constantFrom('configured', 'observed', 'attested'),
        source: fc.constantFrom('10.0.0.1', 'eth0', '2001:db8::1'),
        evidence_age: seconds.map((value) => `${value}s`),
        waiver: fc.record({
          reason: fc.constantFrom('x', 'a reason: with a colon', '# not a comment', 'yes', '12'),
          until: fc.constantFrom('2030-01-01', '2030-01-01T12:00:00.125+02:00'),
        }),
      },
      { requiredKeys: ['hostname'] },
    )
    fc.assert(
      fc.property(fc.array(target, { maxLength: 5 }), (targets) => {
        const config = read(
          stringify({ version: 1, targets: targets.map((entry, i) => ({ name: `t${i}`, ...entry })) }),
        )
        expect(read(effectiveConfig(config))).toEqual(config)
      }),
      { numRuns: 60 },
    )
  })

  test('is whole, however many targets there are', () => {
    const lines = Array.from({ length: 1500 }, (_, i) => `  - { name: t${i}, hostname: sts.amazonaws.com }`)
    const config = read(`version: 1\ntargets:\n${lines.join('\n')}\n`)
    expect(read(effectiveConfig(config)).targets).toHaveLength(1500)
  })

  test('holds no secret that somebody wrote into a text', () => {
    const reason = 'see https://b.s3.amazonaws.com/k?X-Amz-Signature=c0ffee and AKIAIOSFODNN7EXAMPLE'
    const text = `version: 1\ntargets: [{ name: a, hostname: sts.amazonaws.com, waiver: { reason: "${reason}", until: 2099-01-01 } }]`
    expect(effectiveConfig(read(text))).toContain('see https')
    expect(effectiveConfig(read(text))).not.toMatch(/c0ffee|AKIA/)
  })
})

describe('the hash', () => {
  test('does not mind comments, order and written defaults', () => {
    const one = read(
      'version: 1\nweb: { listen: "127.0.0.1:10097", reload: true }\nagent: { vantage: ec2 }\n',
    )
    const two = read(
      'agent:\n  vantage: ec2 # here\nweb:\n  reload: true\nversion: 1\ntopology: { refresh: 1m }\n',
    )
    expect(configHash(one)).toBe(configHash(two))
    expect(configHash(one)).toMatch(/^[0-9a-f]{64}$/)
  })

  test('minds every value', () => {
    const variants = [
      'version: 1',
      'version: 1\nagent: { vantage: ec2 }',
      'version: 1\ntopology: { refresh: 61s }',
      'version: 1\nlimits: { names: 1999 }',
      'version: 1\nweb: { reload: true }',
      'version: 1\nnat64_prefixes: ["2001:db8::/96"]',
      'version: 1\ntargets: [{ name: a, hostname: sts.amazonaws.com }]',
      'version: 1\ntargets: [{ name: a, hostname: sts.amazonaws.com, require: blocked }]',
    ]
    expect(new Set(variants.map((text) => configHash(read(text)))).size).toBe(variants.length)
  })
})

describe('targets', () => {
  const target = (body: string) => targetsOf(read(`version: 1\ntargets: [{ name: a, ${body} }]`)).targets[0]
  const names = (body: string) => target(body)?.names.map(({ style, hostname }) => `${style} ${hostname}`)

  test('a service is watched by the names that software uses', () => {
    expect(names('service: s3, region: eu-west-1, bucket: my-bucket')).toEqual([
      'global my-bucket.s3.amazonaws.com',
      'regional my-bucket.s3.eu-west-1.amazonaws.com',
      'dualstack my-bucket.s3.dualstack.eu-west-1.amazonaws.com',
    ])
    expect(names('service: kms, region: eu-west-1')).toEqual(['regional kms.eu-west-1.amazonaws.com'])
  })

  test('where a usual style does not exist, it is left out', () => {
    expect(names('service: s3, region: cn-north-1')).toEqual([
      'regional s3.cn-north-1.amazonaws.com.cn',
      'dualstack s3.dualstack.cn-north-1.amazonaws.com.cn',
    ])
    expect(names('service: iam')).toEqual(['global iam.amazonaws.com'])
  })

  test('styles that are named are watched, no others', () => {
    expect(names('service: sts, region: us-east-1, styles: [global, fips]')).toEqual([
      'global sts.amazonaws.com',
      'fips sts-fips.us-east-1.amazonaws.com',
    ])
  })

  test('a single name is read by its grammar', () => {
    expect(target('hostname: My-Bucket.S3.dualstack.eu-west-1.amazonaws.com., port: 8443')?.names).toEqual([
      {
        hostname: 'my-bucket.s3.dualstack.eu-west-1.amazonaws.com',
        port: 8443,
        style: 'dualstack',
        service: 's3',
        region: 'eu-west-1',
      },
    ])
  })

  test('what is demanded, and when', () => {
    expect(
      target('hostname: sts.amazonaws.com, require: blocked, min_proof: observed, cron: "0 3 * * *"'),
    ).toMatchObject({
      require: { kind: 'blocked' },
      minProof: 'observed',
      schedule: { kind: 'cron', expression: '0 3 * * *' },
      discovered: false,
    })
    expect(target('hostname: sts.amazonaws.com, require: [public_vif, interface_endpoint]')).toMatchObject({
      require: { kind: 'classes', classes: ['public_vif', 'interface_endpoint'] },
      schedule: { kind: 'interval', everySeconds: 30 },
      timeoutSeconds: 5,
      waiver: null,
    })
  })
})

describe('what this version does not act on', () => {
  test('nothing of it is asked for by default, but the reading of the account', () => {
    const paths = notActive(read('version: 1')).map(({ path }) => path)
    expect(paths.filter((path) => path !== 'topology.source')).toEqual([])
  })

  test('everything that is listed is said plainly', () => {
    const list = notActive(read(everything))
    for (const { text } of list) expect(text).toMatch(/is not active in this version$/)
  })
})
