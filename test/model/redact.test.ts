import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redact, redactValue, redactWithin } from '../../model/redact.ts'

const secret = 'wJalrXUtnFEMI'

const anyCase = (text: string) =>
  fc
    .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
    .map((flags) =>
      Array.from(text, (letter, i) => (flags[i] ? letter.toUpperCase() : letter.toLowerCase())).join(''),
    )
/** Percent-encodes some characters, `times` times over. */
const encodeSome = (text: string, times: number) =>
  fc.array(fc.boolean(), { minLength: text.length, maxLength: text.length }).map((flags) =>
    Array.from(text, (letter, i) => {
      let out = letter
      for (let n = 0; n < times && flags[i]; n++) {
        out = n === 0 ? `%${letter.charCodeAt(0).toString(16).padStart(2, '0')}` : out.replaceAll('%', '%25')
      }
      return out
    }).join(''),
  )

describe('redact', () => {
  it.each([
    [
      'https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261120%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20261120T120000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=wJalrXUtnFEMI',
      'https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=REDACTED&X-Amz-Date=20261120T120000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=REDACTED',
    ],
    ['/k?x-amz-signature=wJalrXUtnFEMI#top', '/k?x-amz-signature=REDACTED'],
    ['/k?X%2DAmz%2DSignature=wJalrXUtnFEMI&a=1', '/k?X%2DAmz%2DSignature=REDACTED&a=1'],
    ['/k?X%252dAmz%252DSignature%3dwJalrXUtnFEMI%26a=1', '/k?X%252dAmz%252DSignature%3dREDACTED%26a=1'],
    [
      '?next=https%3A%2F%2Fh%2Fk%3FX-Amz-Signature%3DwJalrXUtnFEMI%26b%3D1',
      '?next=https%3A%2F%2Fh%2Fk%3FX-Amz-Signature%3DREDACTED%26b%3D1',
    ],
    ['?X-Amz-Security-Token=a%26wJalrXUtnFEMI%20x&b=2', '?X-Amz-Security-Token=REDACTED&b=2'],
    [
      '?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=wJalrXUtnFEMI&Expires=1',
      '?AWSAccessKeyId=REDACTED&Signature=REDACTED&Expires=1',
    ],
    [
      '?Policy=wJalrXUtnFEMI&Signature=x~y&Key-Pair-Id=K2JCJMDEHXQW5F',
      '?Policy=REDACTED&Signature=REDACTED&Key-Pair-Id=REDACTED',
    ],
    [
      '{"u":"https://h/k?X-Amz-Signature=wJalrXUtnFEMI\\u0026x=1"}',
      '{"u":"https://h/k?X-Amz-Signature=REDACTED"}',
    ],
    ['{"X-Amz-Security-Token": "wJalrXUtnFEMI", "a": 1}', '{"X-Amz-Security-Token": "REDACTED", "a": 1}'],
    [
      "rawHeaders: [ 'X-Amz-Security-Token', 'wJalrXUtnFEMI', 'Host', 'h' ]",
      "rawHeaders: [ 'X-Amz-Security-Token', 'REDACTED', 'Host', 'h' ]",
    ],
    [
      'Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/x, Signature=wJalrXUtnFEMI\nHost: h',
      'Authorization: REDACTED\nHost: h',
    ],
    [
      'authorization: Bearer wJalrXUtnFEMI\r\nx-amz-request-id: A1',
      'authorization: REDACTED\r\nx-amz-request-id: A1',
    ],
    ['X-aws-ec2-metadata-token: wJalrXUtnFEMI', 'X-aws-ec2-metadata-token: REDACTED'],
    ['Set-Cookie: a=wJalrXUtnFEMI; b=2; Path=/', 'Set-Cookie: REDACTED'],
    ['Cookie: CloudFront-Policy=a; CloudFront-Signature=wJalrXUtnFEMI', 'Cookie: REDACTED'],
    ['AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI npm start', 'AWS_SECRET_ACCESS_KEY=REDACTED npm start'],
    ['https://user:wJalrXUtnFEMI@host/path', 'https://REDACTED@host/path'],
    ['https://user:p@ss@wJalrXUtnFEMI@host/path?x=a@b', 'https://REDACTED@host/path?x=a@b'],
    ['https%3A%2F%2Fuser%3AwJalrXUtnFEMI%40host%2Fpath', 'https%3A%2F%2FREDACTED%40host%2Fpath'],
    ['//token@host', '//REDACTED@host'],
    ['user:wJalrXUtnFEMI@s3.amazonaws.com', 'REDACTED@s3.amazonaws.com'],
    ['key AKIAIOSFODNN7EXAMPLE and ASIAIOSFODNN7EXAMPLE', 'key REDACTED and REDACTED'],
    ['token IQoJb3JpZ2luX2VjEXAMPLE%2Bx%3D%3D.', 'token REDACTED.'],
    ['?X-Amz-\u001B[31mSignature\u001B[0m=wJalrXUtnFEMI', '?X-Amz-\u001B[31mSignature\u001B[0m=REDACTED'],
    ['?X-Amz-Sig\u200Bnature=wJalrXUtnFEMI', '?X-Amz-Sig\u200Bnature=REDACTED'],
  ])('%s', (input, expected) => {
    expect(redact(input)).toBe(expected)
    expect(redact(input)).not.toContain(secret)
  })

  it.each([
    'x-amz-request-id: 4442587FB7D0A2F9 x-amz-bucket-region: eu-west-1',
    'arn:aws:s3:::my-bucket/key and arn:aws:iam::123456789012:role/probe',
    'pl-6da54004 -> vpce-0123456789abcdef0 at 10.0.1.50:443 (s3.eu-west-1.amazonaws.com)',
    'X-aws-ec2-metadata-token-ttl-seconds: 21600',
    'https://bucket.s3.eu-west-1.amazonaws.com/a/b?versionId=3#top',
    '100 % of 5 addresses, 12:30:01.5, "quoted", C:\\dir',
    'SignatureDoesNotMatch: The request signature we calculated does not match',
    '{"signatureVersion":"v4","policy":{"Statement":[]},"signingRegion":"eu-west-1"}',
    '',
  ])('leaves %j as it is', (text) => {
    expect(redact(text)).toBe(text)
  })

  const names = [
    'X-Amz-Signature',
    'X-Amz-Credential',
    'X-Amz-Security-Token',
    'X-Amz-S3session-Token',
    'Signature',
    'AWSAccessKeyId',
    'Policy',
    'Key-Pair-Id',
    'X-Amz-Anything-New',
    'token',
  ]
  const marked = 'mArKeDsEcReT'
  const salt = fc.string({
    unit: fc.constantFrom(
      'a',
      'Z',
      '9',
      '/',
      '+',
      '=',
      '%',
      '&',
      ' ',
      '#',
      ';',
      '"',
      "'",
      'é',
      '.',
      '~',
      '\\',
      '@',
      ':',
    ),
    maxLength: 6,
  })
  const key = fc
    .constantFrom(...names)
    .chain(anyCase)
    .chain((name) => fc.integer({ min: 0, max: 3 }).chain((times) => encodeSome(name, times)))
  const value = fc
    .tuple(salt, salt)
    .map(([before, after]) => encodeURIComponent(before) + marked + encodeURIComponent(after))
  const harmless = fc
    .tuple(fc.webPath(), fc.constantFrom('a=1', 'versionId=x', 'X-Amz-Date=20260101T000000Z', 'x%20y=%zz'))
    .map(([path, query]) => `${path}?${query}`)
  const around = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.string({
      unit: fc.constantFrom('%', '2', '5', '3', 'D', 'd', '\\', 'u', '0', '&', '=', ':', '"', '\n', ' ', 'x'),
      maxLength: 20,
    }),
  )
  const holdsMark = (text: string) => text.toLowerCase().includes(marked.toLowerCase())

  it('lets no marked secret of a query survive, in any case and encoding, in any text', () => {
    fc.assert(
      fc.property(
        around,
        harmless,
        fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 4 }),
        around,
        fc.integer({ min: 0, max: 2 }),
        (before, url, pairs, after, wraps) => {
          let query = `https://b.s3.amazonaws.com${url}&${pairs.map(([k, v]) => `${k}=${v}`).join('&')}&z=1`
          for (let n = 0; n < wraps; n++) query = encodeURIComponent(query)
          const text = `${before} ${query} ${after}`
          const clean = redact(text)
          expect(holdsMark(clean)).toBe(false)
          expect(redact(clean)).toBe(clean)
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('lets no marked secret of a header survive', () => {
    const header = fc
      .constantFrom(
        'Authorization',
        'Proxy-Authorization',
        'Cookie',
        'Set-Cookie',
        'X-Amz-Security-Token',
        'X-aws-ec2-metadata-token',
      )
      .chain(anyCase)
    const form = fc.constantFrom(
      (k: string, v: string) => `${k}: ${v}\r\n`,
      (k: string, v: string) => `${k}:${v}`,
      (k: string, v: string) => JSON.stringify({ [k]: v, next: 1 }),
      (k: string, v: string) => JSON.stringify(JSON.stringify({ a: 1, [k]: v })),
      (k: string, v: string) => `['${k}', '${v}']`,
      (k: string, v: string) => `-H "${k}: ${v}"`,
    )
    fc.assert(
      fc.property(
        around,
        header,
        form,
        fc.tuple(fc.webFragments(), fc.webFragments()),
        around,
        (before, k, make, [a, b], after) => {
          const clean = redact(
            `${before}\n${make(k, (encodeURIComponent(a) + marked + encodeURIComponent(b)).replaceAll("'", ''))}${after}`,
          )
          expect(holdsMark(clean)).toBe(false)
          expect(redact(clean)).toBe(clean)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('lets no user information survive', () => {
    fc.assert(
      fc.property(
        around,
        fc.webAuthority(),
        salt,
        salt,
        fc.integer({ min: 0, max: 2 }),
        around,
        (before, host, user, tail, wraps, after) => {
          let url = `https://${encodeURIComponent(user)}:${marked}${encodeURIComponent(tail)}@${host}/x`
          for (let n = 0; n < wraps; n++) url = encodeURIComponent(url)
          const clean = redact(`${before} ${url} ${after}`)
          expect(holdsMark(clean)).toBe(false)
          expect(redact(clean)).toBe(clean)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('gives a fixed point and never throws, for any text', () => {
    const piece = fc.constantFrom(
      'X-Amz-Signature',
      '=',
      '%3D',
      '%25',
      '3D',
      '%',
      '&',
      '"',
      "'",
      '\\',
      '\\u003d',
      'AKIA',
      'ABCDEFGHIJKLMNOP',
      '//',
      ':',
      '@',
      'Cookie',
      '\n',
      ' ',
      ',',
      'a',
      'IQoJb3JpZ2lu',
      '\u001B[1m',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(piece, { maxLength: 25 }).map((parts) => parts.join('')),
        ),
        (text) => {
          const clean = redact(text)
          expect(redact(clean)).toBe(clean)
        },
      ),
      { numRuns: 5000 },
    )
  })

  it.each([
    ['one long value', `X-Amz-Signature=${'a'.repeat(1_000_000)}`],
    ['names and separators', 'X-Amz-Signature='.repeat(62_500)],
    ['open quotes', '"Signature":"'.repeat(77_000)],
    ['encoded percent signs', '%25'.repeat(333_000)],
    ['nested encodings', `%${'25'.repeat(500_000)}`],
    ['slashes and at signs', '//a@'.repeat(250_000)],
    ['prefix of a name', 'x-amz-'.repeat(166_000)],
    ['key ids cut short', 'AKIAAAAA '.repeat(111_000)],
    ['escapes', '\u001B['.repeat(500_000)],
    ['quotes that never close', "password:'x ".repeat(83_000)],
  ])('a megabyte of %s is done in one pass', (_what, text) => {
    // No clock: a quadratic pass would need about 10^12 steps and end by the test runner's own limit.
    expect(redact(text).length).toBeLessThanOrEqual(text.length * 4 + 20)
  })
})

describe('redactValue', () => {
  it('goes through nested data by name and by content', () => {
    const input = {
      url: `https://h/k?X-Amz-Signature=${secret}`,
      headers: { Authorization: `AWS4 ${secret}`, host: 'h', 'x-amz-request-id': 'A' },
      raw: ['Cookie', secret, 'Host', 'h'],
      credentials: { accessKeyId: secret, secretAccessKey: secret, sessionToken: secret },
      list: [1, null, true, { password: secret }],
      endpoint: { policy: '{"Statement":[]}' },
      when: new Date(0),
      bytes: new Uint8Array(3),
      [`AKIAIOSFODNN7EXAMPLE`]: 1,
    }
    const out = redactValue(input)
    expect(JSON.stringify(out)).not.toContain(secret)
    expect(out).toEqual({
      url: 'https://h/k?X-Amz-Signature=REDACTED',
      headers: { Authorization: 'REDACTED', host: 'h', 'x-amz-request-id': 'A' },
      raw: ['Cookie', 'REDACTED', 'Host', 'h'],
      credentials: { accessKeyId: 'REDACTED', secretAccessKey: 'REDACTED', sessionToken: 'REDACTED' },
      list: [1, null, true, { password: 'REDACTED' }],
      endpoint: { policy: '{"Statement":[]}' },
      when: '1970-01-01T00:00:00.000Z',
      bytes: '[3 bytes]',
      REDACTED: 1,
    })
  })

  it('reads errors without what an SDK hangs on them', () => {
    const error = Object.assign(new Error(`GET https://h/?Signature=${secret}`), {
      code: 'ECONNRESET',
      $response: { headers: { cookie: secret } },
      cause: new Error(`token: IQoJb3JpZ2lu${secret}`),
    })
    expect(redactValue({ error })).toEqual({
      error: {
        name: 'Error',
        message: 'GET https://h/?Signature=REDACTED',
        code: 'ECONNRESET',
        cause: { name: 'Error', message: 'token: REDACTED' },
      },
    })
  })

  it('is bounded and takes anything', () => {
    const loop: Record<string, unknown> = { a: 1 }
    loop['self'] = loop
    expect(redactValue(loop)).toEqual({ a: 1, self: '[circular]' })
    let deep: unknown = 'bottom'
    for (let i = 0; i < 1000; i++) deep = [deep]
    expect(JSON.stringify(redactValue(deep))).toContain('[too deep]')
    for (const large of [
      Array.from({ length: 2_000_000 }, () => 'x'),
      Array.from({ length: 2_000_000 }, () => 1),
      Object.fromEntries(Array.from({ length: 300_000 }, (_, n) => [`name-${n}`, null])),
      Array.from({ length: 40 }, () => 'long '.repeat(20_000)),
    ]) {
      const text = JSON.stringify(redactValue(large))
      expect(text.length).toBeLessThan(2 * 1024 * 1024)
      expect(text).toContain('[too large]')
    }
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no')
        },
      },
    )
    expect(redactValue({ hostile })).toEqual({ hostile: '[unreadable]' })
    expect(redactValue(undefined)).toBeUndefined()
    expect(redactValue(JSON.parse('{"__proto__":{"password":"x"}}'))).toEqual(
      JSON.parse('{"__proto__":{"password":"REDACTED"}}'),
    )
  })

  it('leaves nothing out of what a document has: 30,000 numbers, a thousand findings', () => {
    const numbers = Array.from({ length: 30_000 }, (_, n) => n)
    expect(redactValue(numbers)).toEqual(numbers)
    const findings = Array.from({ length: 1000 }, (_, n) => ({
      look: { family: 4, address: `10.0.${n >> 8}.${n & 255}`, via: 'direct', reached: 'tcp', status: null },
      control: { target: 'artifacts', good: true, because: 'it got through', atMs: n },
      state: 'open',
      because: `a connection came about, ${n}`,
    }))
    expect(redactValue({ findings })).toEqual({ findings })
  })

  it('says whether it left anything out: no value whose JSON is within the bound loses anything', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat(2000), (data, bound) => {
        const length = JSON.stringify(data).length
        const { value, whole } = redactWithin(data, length + 1)
        expect(whole).toBe(true)
        expect(JSON.stringify(value)).not.toContain('[too large]')
        const cut = redactWithin([data, 'tail'], bound)
        if (!cut.whole) expect(JSON.stringify(cut.value)).toContain('[too large]')
        else expect(JSON.stringify(cut.value)).toContain('tail')
      }),
      { numRuns: 500 },
    )
  })

  it('never throws and never keeps a marked value, for any data', () => {
    fc.assert(
      fc.property(
        fc.object({
          maxDepth: 4,
          withBigInt: true,
          withDate: true,
          withMap: true,
          withNullPrototype: true,
          withSet: true,
          withSparseArray: true,
          withTypedArray: true,
        }),
        fc.constantFrom('password', 'X-Amz-Signature', 'sessionToken', 'authorization', 'Cookie'),
        (data, name) => {
          const out = redactValue({
            data,
            deep: { [name]: { any: 'mArKeD' } },
            list: [data, [name, 'mArKeD']],
          })
          expect(JSON.stringify(out)).not.toContain('mArKeD')
        },
      ),
      { numRuns: 500 },
    )
  })
})
