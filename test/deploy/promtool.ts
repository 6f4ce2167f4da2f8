import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AlertCase, selector } from './alert-cases.ts'

export function promtool(args: readonly string[], input?: string): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('promtool', [...args], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    ...(input === undefined ? {} : { input }),
  })
  return { status, output: stdout + stderr }
}

const labelsOf = (alert: AlertCase): Record<string, string> => ({
  ...(alert.ofAgent === false ? {} : { instance: 'h:1' }),
  job: 'pathproof',
  severity: alert.severity,
  ...alert.labels,
})

/** A test file of promtool: one group for each case, with what is firing at each minute that the case names. */
export function testFile(rules: string, cases: readonly AlertCase[]): object {
  return {
    rule_files: [rules],
    evaluation_interval: '1m',
    tests: cases.map((one) => ({
      interval: '1m',
      input_series: Object.entries(one.series).map(([series, values]) => ({ series, values })),
      promql_expr_test: [...one.quiet, ...one.fires, ...one.resolved].map((minute) => ({
        expr: `ALERTS{alertname="${one.alert}", alertstate="firing"}`,
        eval_time: `${minute}m`,
        exp_samples: one.fires.includes(minute)
          ? [
              {
                labels: selector('ALERTS', {
                  ...labelsOf(one),
                  alertname: one.alert,
                  alertstate: 'firing',
                  ...(one.ofAgent === false ? { instance: '' } : {}),
                }).replace(/, instance=""|instance="", /, ''),
                value: 1,
              },
            ]
          : [],
      })),
    })),
  }
}

/** Runs a test file of promtool that is written into `directory`. */
export function testRules(directory: string, file: object): { status: number | null; output: string } {
  const path = join(directory, 'rules.test.yml')
  writeFileSync(path, JSON.stringify(file))
  return promtool(['test', 'rules', path])
}

/** What alerts say, as Prometheus renders it at the first minute at which they fire; one for each case, in its order. */
export function rendered(
  directory: string,
  rules: string,
  cases: readonly AlertCase[],
): Record<string, string>[] {
  const { output } = testRules(directory, {
    rule_files: [rules],
    evaluation_interval: '1m',
    tests: cases.map((one) => ({
      interval: '1m',
      input_series: Object.entries(one.series).map(([series, values]) => ({ series, values })),
      alert_rule_test: [{ eval_time: `${one.fires[0]}m`, alertname: one.alert, exp_alerts: [] }],
    })),
  })
  const got = output.split('got:').slice(1)
  return got.map((text) =>
    Object.fromEntries(
      [...(/Annotations:\{(.*)\}/s.exec(text)?.[1] ?? '').matchAll(/(\w+)=("(?:[^"\\]|\\.)*")/g)].map((m) => [
        m[1] ?? '',
        JSON.parse(m[2] ?? '""') as string,
      ]),
    ),
  )
}
