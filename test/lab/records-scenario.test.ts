import { describe, expect, it } from 'vitest'
import { parseScenario } from '../../lab/scenario.ts'
import { startRecords } from './records-tools.ts'

const head = `name: mine
title: Mine
story: A story.
names: [{ target: sts, hostname: sts.amazonaws.com }]
expect: [{ hostname: sts.amazonaws.com, state: public }]
`
const problemsOf = (yaml: string): string[] => {
  const reading = parseScenario(head + yaml, 'mine.yaml')
  return reading.ok ? [] : reading.problems
}

describe('what a scenario says of AWS’s records', () => {
  it.each([
    [
      'a format with a field that is none',
      "world: { flowLogs: [{ id: fl-1, format: '${srcadr}' }] }",
      'expected ${field-name} tokens',
    ],
    [
      'a format of bare words',
      'world: { flowLogs: [{ id: fl-1, format: srcaddr dstaddr }] }',
      'expected ${field-name} tokens',
    ],
    [
      'an interval that AWS has not',
      'world: { flowLogs: [{ id: fl-1, aggregationSeconds: 30 }] }',
      'flowLogs[0].aggregationSeconds',
    ],
    ['a share above one', 'world: { flowLogs: [{ id: fl-1, lost: 2 }] }', 'flowLogs[0].lost'],
    [
      'a policy that is none',
      'records: { s3: { buckets: [{ name: b, policy: { Statement: [{ Effect: Deny }] } }] } }',
      'expected an IAM policy',
    ],
    ['an unknown word', 'records: { flow: {} }', 'flow'],
    [
      'beneath with a route that is none',
      'beneath: { tables: [{ id: rtb-0a000001, addRoutes: [nonsense] }] }',
      'nonsense',
    ],
    [
      'a step’s beneath likewise',
      'steps: [{ after: 1s, name: a, title: A, beneath: { tables: [{ id: rtb-0a000001, addRoutes: [nonsense] }] } }]',
      'nonsense',
    ],
  ])('%s is a mistake, with its place', (_, yaml, expected) => {
    const problems = problemsOf(yaml)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/^mine\.yaml:\d+:\d+: /u)
    expect(problems[0]).toContain(expected)
  })

  it('a step changes each part by itself, and logs by their id', async () => {
    const { lab } = await startRecords(`world:
  flowLogs: [{ id: fl-0a000001, resource: eni-0a000050 }]
records: { flows: { seed: 5, nitro: false }, trail: { latenessSeconds: 7 } }
steps:
  - after: 1s
    name: worse
    title: Worse
    change: { flowLogs: [{ id: fl-0a000001, status: FAILED, error: Access error }, { id: fl-0a000002 }] }
    records: { flows: { natPorts: kept }, s3: { closeAfterDenied: true } }
  - { after: 2s, name: gone, title: Gone, change: { remove: [fl-0a000001] } }`)
    expect(lab.records.recorder.plan()).toMatchObject({ seed: 5, nitro: false, natPorts: 'changed' })
    await lab.apply('worse')
    expect(lab.records.recorder.plan()).toMatchObject({ seed: 5, nitro: false, natPorts: 'kept' })
    expect(lab.records.options()).toMatchObject({
      trail: { latenessSeconds: 7, requestsPerSecond: 2 },
      s3: { closeAfterDenied: true, slowDown: false },
    })
    expect(lab.truly().flowLogs).toMatchObject([
      { id: 'fl-0a000001', resource: 'eni-0a000050', status: 'FAILED', aggregationSeconds: 60 },
      { id: 'fl-0a000002', resource: 'vpc-0a000001', status: 'SUCCESS' },
    ])
    await lab.apply('gone')
    expect(lab.world().flowLogs.map(({ id }) => id)).toEqual(['fl-0a000002'])
  })
})
