import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Io } from '../../agent/cli/io.ts'
import { configCommand } from '../../agent/cli/config.ts'
import type { Cost } from '../../agent/config/cost.ts'
import type { LedgerSize } from '../../agent/config/ledger-size.ts'
import { code, fenced, table } from './markdown.ts'

const example = fileURLToPath(new URL('costs.yaml', import.meta.url))

/** The configuration with everything that costs money, in which the sums are shown. */
export async function costsExampleSection(): Promise<string> {
  return fenced(await readFile(example, 'utf8'), 'yaml')
}

/** What `config check` counts of it. @throws if the configuration is refused */
export async function costsSection(): Promise<string> {
  let text = ''
  const io: Io = {
    stdout(more) {
      text += more
    },
    stderr: () => undefined,
    stdin: null,
    color: false,
    tty: false,
    nowMs: () => 0,
    environment: {},
  }
  const status = await configCommand(['check', '--json', example], io)
  if (status !== 0) throw new Error(`config check of ${example} ended with ${status}: ${text}`)
  const { costs, ledger } = JSON.parse(text) as { costs: Cost[]; ledger: LedgerSize | null }
  const dollars = ({ dollarsPerMonth }: Cost) => (dollarsPerMonth === null ? '–' : dollarsPerMonth.toFixed(2))
  const rows = costs.map((cost) => [
    code(cost.path),
    Math.round(cost.requestsPerDay).toLocaleString('en-US'),
    dollars(cost),
    cost.text.slice(cost.path.length + 2),
  ])
  const disk = ledger === null ? [] : ['', `On disk: ${ledger.text}.`]
  const head = ['Key', 'Requests a day', 'USD in 30 days, list', 'What `config check` says']
  return [table(head, rows), ...disk].join('\n')
}
