import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { flowCommand } from '../../agent/cli/flow.ts'
import { say } from '../support/io.ts'

const run = (argv: string[], lines: string[] | null = [], color = false) =>
  say((io) => flowCommand(argv, io), { lines, color })

const documents = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

const short = '${srcaddr} ${dstaddr} ${srcport} ${dstport} ${flow-direction} ${traffic-path} ${action}'
const gateway = '10.0.0.1 52.1.1.1 40000 443 egress 7 ACCEPT'
const v2 = '2 123456789010 eni-1 10.0.0.1 52.1.1.1 40000 443 6 10 840 1600000000 1600000060 ACCEPT OK'

describe('documents', () => {
  test('hold the fields by their names, numbers as numbers, and what is left possible', async () => {
    const { code, stdout, stderr } = await run(['--json', '--format', short], [gateway])
    expect(code).toBe(0)
    expect(stderr).toBe('')
    expect(documents(stdout)).toEqual([
      {
        schema: 'pathproof.flow/1',
        fields: {
          srcaddr: '10.0.0.1',
          dstaddr: '52.1.1.1',
          srcport: 40000,
          dstport: 443,
          'flow-direction': 'egress',
          'traffic-path': 7,
          action: 'ACCEPT',
        },
        possible: ['gateway_endpoint'],
        because: expect.stringContaining('7'),
      },
    ])
  })

  test('go on behind a malformed line, which is told with its number', async () => {
    const lines = [v2, '', 'bad line', v2.replace('443', '70000'), `${v2}\r`]
    const { code, stdout } = await run(['--json'], lines)
    expect(code).toBe(65)
    expect(documents(stdout)).toEqual([
      expect.objectContaining({ fields: expect.objectContaining({ version: 2 }) }),
      {
        schema: 'pathproof.flow/1',
        error: 'the line has 2 columns, its format 14',
        line: 'bad line',
        lineNumber: 3,
      },
      expect.objectContaining({ error: expect.stringContaining('dstport is "70000"'), lineNumber: 4 }),
      expect.objectContaining({ fields: expect.objectContaining({ 'log-status': 'OK' }) }),
    ])
  })

  test('NODATA and SKIPDATA leave nothing to say', async () => {
    const line = (status: string) => `2 1 eni-1 - - - - - - - 1600000000 1600000060 - ${status}`
    const { code, stdout } = await run(['--json'], [line('NODATA'), line('SKIPDATA')])
    expect(code).toBe(0)
    for (const [i, document] of documents(stdout).entries())
      expect(document).toMatchObject({
        possible: null,
        because: expect.stringContaining(['NODATA', 'SKIPDATA'][i] ?? ''),
        fields: { srcaddr: null },
      })
  })

  test("of AWS's own examples never say private where the guide has the internet gateway", async () => {
    const examples = readFileSync(join(import.meta.dirname, '../data/flow-logs/aws-examples.jsonl'), 'utf8')
      .split('\n')
      .filter((text) => text !== '')
      .map((text) => JSON.parse(text) as { format: string; line: string })
    for (const { format, line } of examples) {
      const { code, stdout } = await run(['--json'], [format, line])
      expect(code).toBe(0)
      const [document] = documents(stdout)
      const possible = document?.['possible'] as string[] | null
      if (possible !== null) expect(possible).toContain('internet_gateway')
    }
  })
})

describe('the format', () => {
  test('comes from a header line, and from the next one when files follow each other', async () => {
    const header = short.replaceAll(/[${}]/g, '')
    const { code, stdout } = await run(
      ['--json'],
      [header, gateway, header, gateway, 'action dstaddr', 'ACCEPT 10.0.0.9'],
    )
    expect(code).toBe(0)
    expect(documents(stdout).map((d) => Object.keys(d['fields'] as object))).toEqual([
      header.split(' '),
      header.split(' '),
      ['action', 'dstaddr'],
    ])
  })

  test('given by --format stands against other header lines', async () => {
    const header = short.replaceAll(/[${}]/g, '')
    const { code, stdout } = await run(['--json', '--format', short], [header, gateway, 'version srcaddr'])
    expect(code).toBe(65)
    expect(documents(stdout)).toEqual([
      expect.objectContaining({ possible: ['gateway_endpoint'] }),
      expect.objectContaining({ error: expect.stringContaining('looks like a header line'), lineNumber: 3 }),
    ])
  })

  test.each([
    [['--format', 'version version'], '--format: the field "version" is there twice'],
    [['--format', '   '], 'the shell replaces ${…}'],
    [['--format='], '--format needs a value'],
    [['--fromat', 'x'], 'did you mean "--format"?'],
    [['file'], 'unexpected argument'],
  ])('%j is wrong usage', async (argv, problem) => {
    const { code, stdout, stderr } = await run(argv, [v2])
    expect([code, stdout]).toEqual([64, ''])
    expect(stderr).toContain(problem)
    expect(stderr).toContain('Next step: pathproof flow --help')
  })

  test('a terminal is no input', async () => {
    expect(await run([], null)).toMatchObject({ code: 64, stderr: expect.stringContaining('terminal') })
  })
})

describe('text for a person', () => {
  test('says who, how, what is possible and why', async () => {
    const { code, stdout, stderr } = await run(
      ['--format', `${short} \${pkt-dstaddr} \${start} \${next-hop-interface-type}`],
      [`${gateway} 52.1.1.2 1600000000 vpc-endpoint`],
    )
    expect(code).toBe(0)
    expect(stdout).toContain('line 1: 10.0.0.1:40000 → 52.1.1.1:443 (in the packet 52.1.1.2)\n')
    expect(stdout).toContain(
      '  egress, traffic path 7, next hop vpc_endpoint, ACCEPT, 2020-09-13T12:26:40Z\n  possible: ',
    )
    expect(stderr).toContain('the format lacks')
    expect(stderr).toContain('${next-hop-interface-id}')
  })

  test('notes what a format lacks once, and nothing about a whole one', async () => {
    const { stderr } = await run([], [v2, v2, v2])
    expect(stderr.match(/lacks/g)).toHaveLength(1)
    const { stdout } = await run(['--help'])
    expect(stdout).toContain('--format FORMAT')
    expect(stdout).toContain('65')
  })

  test('a transit gateway says why it decides nothing', async () => {
    const { stdout, stderr } = await run(['--format', 'tgw-id srcaddr dstaddr'], ['tgw-1 10.0.0.1 10.0.0.2'])
    expect(stderr).toContain("a transit gateway's records")
    expect(stdout).toContain('possible: every path: it decides nothing')
  })

  test('errors go to stderr', async () => {
    const { code, stdout, stderr } = await run([], ['bad'])
    expect([code, stdout]).toEqual([65, ''])
    expect(stderr).toContain('pathproof flow: line 1: the line has 1 column')
  })
})

describe('hostile lines', () => {
  const escapes = '\u001B[31m\u202E\u009B2J\u0007'

  test('neither move the cursor nor tell secrets', async () => {
    const lines = [
      'a\u202Eb X-Amz-Signature=c0ffee',
      `${escapes} x y`,
      `https://b.s3.amazonaws.com/?X-Amz-Signature=c0ffee&X-Amz-Security-Token=c0ffee ${escapes}x`,
    ]
    for (const argv of [[], ['--json']]) {
      const { stdout, stderr } = await run([...argv, '--format', 'tomorrow action'], lines)
      expect(stdout + stderr).not.toMatch(/c0ffee|\u001B|\u202E|\u009B|\\u001b|\u0007/)
    }
  })

  test('long ones give short output', async () => {
    const { code, stdout } = await run(['--json', '--format', 'srcport'], ['x'.repeat(1_000_000)])
    expect(code).toBe(65)
    expect(stdout.length).toBeLessThan(2000)
    const columns = await run(['--json', '--format', 'tomorrow'], ['y'.repeat(60_000)])
    expect(columns.stdout.length).toBeLessThan(4000)
  })

  test('whatever they hold, each is answered once and nothing throws', async () => {
    const column = fc.oneof(
      fc.string(),
      fc.constantFrom('-', '6', '443', '10.0.0.1', 'ACCEPT', 'egress', '7'),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(column, { maxLength: 9 }), { maxLength: 8 }), async (rows) => {
        const lines = rows.map((row) => row.join(' ').replaceAll(/[\r\n]/g, ' '))
        const wanted = lines.filter((line) => line.trim() !== '' && line !== short)
        const { stdout } = await run(['--json', '--format', short], lines)
        expect(documents(stdout)).toHaveLength(wanted.length)
        await run(['--format', short], lines)
      }),
    )
  })
})
