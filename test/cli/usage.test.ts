import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chooseCommand, helpText, parseCommand } from '../../agent/cli/usage.ts'
import type { CommandSpec } from '../../agent/cli/usage.ts'

const spec = {
  name: 'route',
  summary: 'Says which route wins.',
  options: {
    snapshot: { type: 'string', value: 'DIR', help: 'the snapshot' },
    to: { type: 'string', value: 'IP', multiple: true, short: 't', help: 'an address' },
    json: { type: 'boolean', help: 'JSON' },
    'config.file': { type: 'string', value: 'FILE', help: 'the configuration' },
  },
  positionals: { label: '[NAME…]', min: 0, max: 2, help: 'names' },
  examples: ['pathproof route --snapshot dump --to 10.0.0.1'],
} as const satisfies CommandSpec

function refusal(...argv: string[]): string {
  const parsed = parseCommand(spec, argv)
  return parsed.ok ? 'accepted' : `${parsed.code} ${parsed.text.split('\n')[0]}`
}

describe('arguments', () => {
  test('are read by the table', () => {
    expect(
      parseCommand(spec, [
        '--snapshot',
        'd',
        '--to=1',
        '-t',
        '2',
        'x',
        '--json',
        '--config.file=f',
        '--',
        '--y',
      ]),
    ).toEqual({
      ok: true,
      values: { snapshot: 'd', to: ['1', '2'], json: true, 'config.file': 'f' },
      positionals: ['x', '--y'],
    })
    expect(parseCommand(spec, [])).toEqual({ ok: true, values: {}, positionals: [] })
    expect(parseCommand(spec, ['-'])).toMatchObject({ positionals: ['-'] })
  })

  test.each([
    [['--jsno'], '64 pathproof route: unknown option "--jsno" (did you mean "--json"?)'],
    [['--verbose'], '64 pathproof route: unknown option "--verbose"'],
    [['-x'], '64 pathproof route: unknown option "-x"'],
    [['--json=1'], '64 pathproof route: --json takes no value'],
    [['--snapshot'], '64 pathproof route: --snapshot needs a value, DIR'],
    [['--snapshot='], '64 pathproof route: --snapshot needs a value, DIR'],
    [['--snapshot', '--json'], '64 pathproof route: --snapshot needs a value, DIR'],
    [['--snapshot', 'a', '--snapshot', 'b'], '64 pathproof route: --snapshot is given twice'],
    [['a', 'b', 'c'], '64 pathproof route: unexpected argument "c"'],
    [['--constructor'], '64 pathproof route: unknown option "--constructor"'],
    [['--__proto__'], '64 pathproof route: unknown option "--__proto__"'],
  ])('%j is refused', (argv, expected) => {
    expect(refusal(...argv)).toBe(expected)
  })

  test('every refusal names the next step', () => {
    expect(parseCommand(spec, ['--x'])).toMatchObject({
      text: expect.stringContaining('\nNext step: pathproof route --help\n'),
    })
  })

  test('too few', () => {
    const strict = { ...spec, positionals: { label: 'NAME', min: 1, max: 1, help: 'a name' } }
    expect(parseCommand(strict, [])).toMatchObject({
      code: 64,
      text: expect.stringContaining('NAME is missing'),
    })
  })

  test('secrets and terminal escapes are not echoed', () => {
    const said = refusal('a', 'b', 'https://b.s3.amazonaws.com/k?X-Amz-Signature=c0ffee\u001B[31m')
    expect(said).toContain('unexpected argument')
    expect(said).not.toMatch(/c0ffee|\u001B/)
  })

  test('random arguments never throw', () => {
    const argument = fc.oneof(
      fc.string(),
      fc.constantFrom('--json', '--to', '--', '-t', '--help', '-tx', '--no-json', '---'),
    )
    fc.assert(fc.property(fc.array(argument, { maxLength: 6 }), (argv) => void parseCommand(spec, argv)))
  })
})

test('help shows all that there is, and never fails', () => {
  const help = helpText(spec)
  expect(parseCommand(spec, ['--snapshot', 'x', '--help'])).toEqual({ ok: false, code: 0, text: help })
  for (const word of [
    'Usage: pathproof route [OPTIONS] [NAME…]',
    '--snapshot DIR',
    '-t, --to IP',
    '--json ',
    '--help',
    ...spec.examples,
  ]) {
    expect(help).toContain(word)
  }
})

describe('commands', () => {
  const table = { check: 'checks', show: 'shows' }
  const choose = (...argv: string[]) => chooseCommand('config', 'Configuration.', table, argv)

  test('are found by their first word', () => {
    expect(choose('check', '--json')).toEqual({ ok: true, command: 'check', argv: ['--json'] })
  })

  test('that do not exist', () => {
    expect(choose('chekc')).toMatchObject({
      code: 64,
      text: expect.stringContaining('(did you mean "check"?)'),
    })
    expect(choose('toString')).toMatchObject({ code: 64 })
    expect(choose()).toMatchObject({ code: 64, text: expect.stringContaining('shows') })
  })

  test('help', () => {
    expect(choose('--help')).toMatchObject({
      code: 0,
      text: expect.stringMatching(/check +checks\n +show +shows/),
    })
  })
})
