import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nameCommand } from '../../agent/cli/name.ts'

async function run(argv: string[], lines: string[] | null = null, color = false) {
  let stdout = ''
  let stderr = ''
  async function* stdin() {
    for (const line of lines ?? []) yield line
  }
  const code = await nameCommand(argv, {
    stdout: (text) => (stdout += text),
    stderr: (text) => (stderr += text),
    stdin: lines === null ? null : stdin(),
    color,
    nowMs: Date.UTC(2026, 10, 20, 12),
  })
  return { code, stdout, stderr }
}

const documents = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

const presigned =
  'https://my-bucket.s3.amazonaws.com/file.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIAIOSFODNN7EXAMPLE%2F20261120%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20261120T115900Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Security-Token=IQoJb3JpZ2luX2VjEJr&X-Amz-Signature=deadbeefdeadbeef'

describe('pathproof name', () => {
  it('gives one document per input with all fields of the contract', async () => {
    const { code, stdout } = await run(['--json', presigned, 'sts.amazonaws.com'])
    expect(code).toBe(0)
    const [first, second] = documents(stdout)
    expect(first).toMatchObject({
      schema: 'pathproof.name/1',
      hostname: 'my-bucket.s3.amazonaws.com',
      service: 's3',
      style: 'global',
      region: null,
      partition: 'aws',
      bucket: 'my-bucket',
      accessPoint: null,
      account: null,
      endpointId: null,
      zone: null,
      dualstack: false,
      fips: false,
      presigned: true,
      signatureVersion: 'v4',
      signingRegion: 'eu-west-1',
      expiresAt: '2026-11-20T12:59:00.000Z',
    })
    expect(first?.['input']).toContain('X-Amz-Signature=REDACTED')
    expect(first?.['advice']).toEqual(expect.arrayContaining([expect.stringContaining('boto3')]))
    expect(second).toMatchObject({
      hostname: 'sts.amazonaws.com',
      service: 'sts',
      style: 'global',
      presigned: false,
      signatureVersion: null,
    })
    expect(stdout).not.toMatch(/deadbeef|ASIA|IQoJ/)
  })

  it('answers well-formed names outside AWS with exit code 0', async () => {
    const { code, stdout } = await run(['--json', 's3.amazonaws.com.evil.tld', '10.0.0.1'])
    expect(code).toBe(0)
    expect(documents(stdout).map((row) => row['service'])).toEqual([null, null])
  })

  it('reads lines from standard input, and goes on behind malformed ones', async () => {
    const { code, stdout } = await run(
      ['--json'],
      [
        's3.amazonaws.com\r',
        '',
        '  ',
        'a..b',
        'https://u:hunter2@h:0/?Signature=deadbeef',
        'kms.eu-west-1.amazonaws.com\n',
      ],
    )
    expect(code).toBe(65)
    const rows = documents(stdout)
    expect(rows.map((row) => row['hostname'] ?? 'error')).toEqual([
      's3.amazonaws.com',
      'error',
      'error',
      'kms.eu-west-1.amazonaws.com',
    ])
    expect(rows[1]).toEqual({
      schema: 'pathproof.name/1',
      error: expect.stringContaining('empty label'),
      input: 'a..b',
    })
    expect(stdout).not.toMatch(/hunter2|deadbeef/)
  })

  it('writes for people, without colour unless asked', async () => {
    const plain = await run([presigned])
    expect(plain.stdout).toContain('my-bucket.s3.amazonaws.com\n')
    expect(plain.stdout).toMatch(/signature +SigV4 for eu-west-1, expires 2026-11-20T12:59:00.000Z/)
    expect(plain.stdout).not.toContain('\u001B')
    expect(
      Math.max(
        ...plain.stdout
          .split('\n')
          .filter((line) => !line.includes('read from'))
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(115)
    expect((await run(['sts.amazonaws.com'], null, true)).stdout).toContain('\u001B[1msts.amazonaws.com')
  })

  it('sends errors of the text form to standard error, without what a terminal obeys', async () => {
    const { code, stdout, stderr } = await run(['\u001B]0;x\u0007evil\u202E.tld', 'sts.amazonaws.com'])
    expect(code).toBe(65)
    expect(stdout).toContain('sts.amazonaws.com')
    expect(stderr).not.toMatch(/\u001B|\u0007|\u202E/)
  })

  it('explains itself', async () => {
    for (const flag of ['--help', '-h']) {
      const { code, stdout } = await run([flag])
      expect(code).toBe(0)
      expect(stdout).toContain('Examples:')
    }
  })

  it.each([[['--jsno']], [['-', 'a.b']], [[]]])('refuses %j with 64', async (argv) => {
    const { code, stderr } = await run(argv)
    expect(code).toBe(64)
    expect(stderr).toContain('Next step')
  })

  it('takes names that start with a hyphen behind --, and - for standard input', async () => {
    expect((await run(['--', '--x.tld'])).code).toBe(0)
    expect((await run(['-', '--json'], ['sts.amazonaws.com'])).stdout).toContain('"sts.amazonaws.com"')
  })

  it('shows nothing of an input that is too long to read', async () => {
    const { code, stdout } = await run([
      '--json',
      `https://user:${'s'.repeat(20_000)}MARK@host/`,
      `${'x'.repeat(2_000_000)}MARK`,
    ])
    expect(code).toBe(65)
    expect(stdout).not.toContain('MARK')
    expect(stdout).not.toContain('sss')
  })

  it('never throws, never leaks, always one line per input, for any input', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc
        .webUrl({ withQueryParameters: true })
        .map(
          (url) =>
            `${url}${url.includes('?') ? '&' : '?'}X-Amz-Signature=mArKeD&Signature=mArKeD&AWSAccessKeyId=mArKeD&X-Amz-Credential=mArKeD/20260101/eu-west-1/s3/aws4_request`,
        ),
      fc.domain().map((host) => `https://mArKeD:mArKeD@${host}/`),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 3 }), async (inputs) => {
        const json = await run(['--json', '--', ...inputs])
        expect([0, 65]).toContain(json.code)
        expect(documents(json.stdout)).toHaveLength(
          inputs.filter((input) => inputs.length > 1 || input !== '-').length,
        )
        const plain = await run(['--', ...inputs])
        const all = json.stdout + json.stderr + plain.stdout + plain.stderr
        expect(all.toLowerCase()).not.toContain('marked')
        expect(all).not.toMatch(/\u001B|\u202E|\u009B/)
      }),
      { numRuns: 500 },
    )
  })
})
