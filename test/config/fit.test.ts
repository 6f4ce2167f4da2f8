import { describe, expect, test } from 'vitest'
import { attemptsOf, fitOf } from '../../agent/config/fit.ts'
import type { FitTarget } from '../../agent/config/fit.ts'
import { parseConfig } from '../../agent/config/load.ts'
import { problemText } from '../../agent/config/problems.ts'

const limits = { connects: 256, connectsPerTarget: 16 }

function target(change: Partial<FitTarget> = {}): FitTarget {
  return { name: 'a', styles: ['regional'], periodSeconds: 30, timeoutSeconds: 5, ...change }
}

function targets(n: number, change: Partial<FitTarget> = {}): FitTarget[] {
  return Array.from({ length: n }, () => target(change))
}

describe('what a schedule asks for', () => {
  test('names of both families count twice', () => {
    expect(attemptsOf({ styles: ['global', 'regional', 'dualstack'] })).toBe(4)
    expect(attemptsOf({ styles: ['other'] })).toBe(2)
  })

  test('the sums', () => {
    const sums = fitOf(
      [target({ styles: ['global', 'regional', 'dualstack'] }), target({ periodSeconds: 60 })],
      limits,
    )
    expect(sums).toEqual({ names: 4, connectsPerMinute: 9, waiting: 0.75, problems: [], warnings: [] })
  })

  test('no targets ask for nothing', () => {
    expect(fitOf([], limits)).toEqual({
      names: 0,
      connectsPerMinute: 0,
      waiting: 0,
      problems: [],
      warnings: [],
    })
  })
})

describe('what fits', () => {
  test('five hundred targets with the defaults', () => {
    expect(fitOf(targets(500), limits).problems).toEqual([])
  })

  test('exactly what there is room for, and not one more', () => {
    // 5 s of every 10 s: each connection takes half a place
    expect(fitOf(targets(512, { periodSeconds: 10 }), limits).problems).toEqual([])
    expect(fitOf(targets(513, { periodSeconds: 10 }), limits).problems).toMatchObject([{ target: null }])
  })

  test('one target in rounds of connects_per_target', () => {
    const styles = Array.from({ length: 32 }, () => 'regional' as const)
    expect(fitOf([target({ styles, periodSeconds: 10 })], limits).problems).toEqual([])
    const problems = fitOf([target(), target({ styles, periodSeconds: 9.999 })], limits).problems
    expect(problems).toEqual([
      {
        target: 1,
        problem: "the schedule can't fit: 32 connections for 32 names, 16 at once, each up to 5s, make 10s",
        expected: 'at most the 9s999ms between two cycles',
      },
    ])
  })

  test('no more than one thread can do', () => {
    const many = { connects: 4096, connectsPerTarget: 16 }
    expect(fitOf(targets(200, { periodSeconds: 1, timeoutSeconds: 0.5 }), many)).toMatchObject({
      problems: [],
      warnings: [],
    })
    expect(fitOf(targets(201, { periodSeconds: 1, timeoutSeconds: 0.5 }), many).warnings).toHaveLength(1)
    expect(fitOf(targets(401, { periodSeconds: 1, timeoutSeconds: 0.5 }), many).problems).toMatchObject([
      { problem: expect.stringContaining('one thread') },
    ])
  })
})

describe('in a configuration', () => {
  const problems = (text: string) => {
    const read = parseConfig(text, 'test.yml', 0)
    return read.ok ? [] : read.problems.map(problemText)
  }

  test('more names than are allowed', () => {
    const text = 'version: 1\ntargets: [{ name: a, service: s3, region: us-east-1 }]\nlimits: { names: 2 }\n'
    expect(problems(text)).toEqual([
      'test.yml:2:1: targets: the targets watch 3 names, expected at most limits.names, 2',
    ])
  })

  test('a cron expression counts with its shortest gap', () => {
    const lines = (expression: string) =>
      `version: 1\nlimits: { connects: 2, connects_per_target: 1, handshakes: 1 }\ntargets:\n${Array.from(
        { length: 30 },
        (_, i) => `  - { name: t${i}, hostname: sts.us-east-1.amazonaws.com, cron: "${expression}" }`,
      ).join('\n')}\n`
    expect(problems(lines('0 3 * * *'))).toEqual([])
    expect(problems(lines('* * * * *'))).toEqual([
      "test.yml:3:1: targets: the schedule can't fit: over all targets, connections × timeout / interval make 2.5 connections that wait at once when nothing answers (30 names, 30 connects per minute), expected at most limits.connects, 2",
    ])
  })
})
