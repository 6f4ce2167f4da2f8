import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { reportHtml } from '../../ledger/report/html.ts'
import { needs, titled } from '../support/needs.ts'
import { quarter } from '../support/ledger-quarter.ts'
import { reportOf, verified } from '../support/ledger-report.ts'
import { endAll, start } from '../support/processes.ts'

const noChromium = await needs('chromium')
const startMs = Date.UTC(2026, 6, 1)
let folder = ''
let url = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pathproof-page-'))
  const file = join(folder, 'report.html')
  // Whatever got past the escaping would show in the title.
  const attack = '</pre><script>document.title = "run"</script><img src=x onerror="document.title = \'run\'">'
  const records = quarter({ startMs, days: 92, targets: 5, everySeconds: 3600 })
  const report = reportOf(
    records,
    { fromMs: startMs, toMs: startMs + 92 * 86_400_000 },
    { ...verified, transcript: [attack] },
  )
  await writeFile(file, [...reportHtml(report)].join(''))
  url = pathToFileURL(file).href
})
afterAll(() => rm(folder, { recursive: true, force: true }))
afterEach(endAll)

async function chromium(...args: string[]): Promise<string> {
  const common = [
    '--headless',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    `--user-data-dir=${folder}/profile`,
  ]
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const running = start('chromium', [...common, ...sandbox, ...args, url], {})
  expect(await running.ended, running.stderr()).toBe(0)
  return running.stdout()
}

describe(titled('a quarter in Chromium', noChromium), () => {
  it.skipIf(noChromium !== null)('shows the page, and runs nothing that stands in it', async () => {
    const dom = await chromium('--dump-dom')
    expect(/<title>(.*?)<\/title>/.exec(dom)?.[1]).toBe(
      'Network paths to AWS services, 2026-07-01T00:00:00Z to 2026-10-01T00:00:00Z',
    )
    expect(dom.match(/<svg class="line"/g)?.length).toBe(5)
    expect(dom.includes('<script')).toBe(false)
    const image = join(folder, 'page.png')
    await chromium('--window-size=1280,2000', `--screenshot=${image}`)
    // A page without its style, or an empty one, compresses to much less.
    expect((await stat(image)).size).toBeGreaterThan(60_000)
  })

  it.skipIf(noChromium !== null)('prints to a few pages of paper', async () => {
    const paper = join(folder, 'page.pdf')
    await chromium('--no-pdf-header-footer', `--print-to-pdf=${paper}`)
    const text = (await readFile(paper)).toString('latin1')
    const pages = text.match(/\/Type\s*\/Page\b/g)?.length ?? 0
    expect(pages).toBeGreaterThan(3)
    expect(pages).toBeLessThan(20)
    // A4 in points, 595 by 842.
    expect(text).toMatch(/\/MediaBox\s*\[\s*0 0 59[45](?:\.\d+)? 84[12]/)
  })
})
