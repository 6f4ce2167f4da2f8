import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, type Page, chromium } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { reportHtml } from '../../ledger/report/html.ts'
import type { Report } from '../../ledger/report/model.ts'
import { needs, titled } from '../support/needs.ts'
import { quarter } from '../support/ledger-quarter.ts'
import { reportOf, verified } from '../support/ledger-report.ts'

const noChromium = await needs('chromium')
const startMs = Date.UTC(2026, 6, 1)
const endMs = startMs + 92 * 86_400_000
/** What the printed page is wide, less its margins: 182 mm at 96 pixels an inch. */
const paperPixels = 688
let folder = ''
let url = ''
let report: Report
let browser: Browser

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pathproof-page-'))
  const file = join(folder, 'report.html')
  // Whatever got past the escaping would show in the title; and words that are longer than any line.
  const attack = '</pre><script>document.title = "run"</script><img src=x onerror="document.title = \'run\'">'
  const long = 'x'.repeat(900)
  report = reportOf(
    quarter({ startMs, days: 92, targets: 5, everySeconds: 3600 }),
    { fromMs: startMs, toMs: endMs },
    { ...verified, transcript: [attack, long], signers: [long], root: 'ab'.repeat(32) },
  )
  await writeFile(file, [...reportHtml(report)].join(''))
  url = pathToFileURL(file).href
  if (noChromium !== null) return
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--disable-dev-shm-usage', ...sandbox],
  })
})
afterEach(async () => {
  for (const context of browser?.contexts() ?? []) await context.close()
})
afterAll(async () => {
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
})

async function opened(width: number, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme })
  await page.goto(url)
  return page
}

/** Runs in the page, where there is another world of names than here. */
const inPage = <T>(page: Page, expression: string): Promise<T> => page.evaluate(expression)

/** What reaches beyond the right edge of the page, or of the box that it stands in; scrolled boxes hold what they scroll. */
const cut = (page: Page, mayScroll: boolean): Promise<string[]> =>
  inPage(
    page,
    `(() => {
      const width = document.documentElement.clientWidth
      const out = []
      for (const element of document.querySelectorAll('body *')) {
        if (element.closest('defs') !== null || (${mayScroll} && element.closest('.wide') !== null)) continue
        const { right, left, width: wide } = element.getBoundingClientRect()
        const clipped = element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0
        const html = element instanceof HTMLElement && getComputedStyle(element).display !== 'inline'
        if (wide > 0 && (right > width + 1 || left < -1 || (html && clipped)))
          out.push(element.tagName + '.' + element.className + ' ' + element.textContent.slice(0, 60))
      }
      return out
    })()`,
  )

describe(titled('a quarter in Chromium', noChromium), () => {
  it.skipIf(noChromium !== null)('shows the page, and runs nothing that stands in it', async () => {
    const page = await opened(1280)
    expect(await page.title()).toBe(
      'Network paths to AWS services, 2026-07-01T00:00:00Z to 2026-10-01T00:00:00Z',
    )
    expect(await page.locator('svg.line').count()).toBe(5)
    expect(await page.locator('script, img').count()).toBe(0)
    // The style counts: it is the one whose hash the policy names.
    expect(await inPage(page, 'getComputedStyle(document.body).maxWidth')).not.toBe('none')
  })

  it.skipIf(noChromium !== null).each([1280, 400])('at %i pixels nothing is cut off', async (width) => {
    const page = await opened(width)
    expect(await inPage(page, 'document.documentElement.scrollWidth')).toBe(width)
    expect(await cut(page, true)).toEqual([])
  })

  it.skipIf(noChromium !== null)('on paper nothing is cut off, and nothing has to be scrolled', async () => {
    const page = await opened(paperPixels)
    await page.emulateMedia({ media: 'print' })
    expect(await cut(page, false)).toEqual([])
    const kept = await inPage(
      page,
      `['tr', '.episode', '.verdict', 'svg.line'].map((one) => getComputedStyle(document.querySelector(one)).breakInside)`,
    )
    expect(kept).toEqual(['avoid', 'avoid', 'avoid', 'avoid'])
    const heads = await inPage(page, "getComputedStyle(document.querySelector('thead')).display")
    expect(heads).toBe('table-header-group')
  })

  it.skipIf(noChromium !== null)('every time of the line stands where and as long as it was', async () => {
    const page = await opened(1280)
    const lines = await inPage<{ mark: string; from: number; to: number; high: number }[][]>(
      page,
      `[...document.querySelectorAll('svg.line')].map((svg) => {
        const box = svg.getBoundingClientRect()
        return [...svg.querySelectorAll('rect')].map((rect) => {
          const own = rect.getBoundingClientRect()
          const fill = (rect.getAttribute('class') ?? '') + (rect.getAttribute('fill') ?? '')
          return {
            mark: /[fp]-(\\w+)/.exec(fill)?.[1] ?? 'paper',
            from: (own.left - box.left) / box.width,
            to: (own.right - box.left) / box.width,
            high: own.height,
          }
        })
      })`,
    )
    const share = (ms: number): number => (ms - startMs) / (endMs - startMs)
    for (const [index, target] of report.targets.entries()) {
      const drawn = lines[index] ?? []
      const high = new Map(drawn.map(({ mark, high: height }) => [mark, height]))
      for (const { mark, fromMs, toMs } of target.timeline) {
        const near = drawn.filter((one) => one.mark === mark && Math.abs(one.from - share(fromMs)) < 0.003)
        expect(near.length, `${target.target} ${mark} ${fromMs}`).toBeGreaterThan(0)
        const wide = share(toMs) - share(fromMs)
        for (const one of near) {
          // What is short is drawn wide enough to be seen; nothing is drawn shorter than it was.
          expect(one.to - one.from).toBeGreaterThan(Math.max(wide - 0.001, mark === 'private' ? 0 : 0.0015))
          if (wide > 0.003) expect(one.to - one.from).toBeLessThan(wide + 0.001)
        }
      }
      // Heights tell apart what colours do, and what is worse is drawn over what is better.
      if (high.has('public')) expect(high.get('public')).toBeGreaterThan(high.get('private') ?? 99)
      if (high.has('undetermined'))
        expect(high.get('undetermined')).toBeGreaterThan(high.get('private') ?? 99)
      const order = drawn.map(({ mark }) => mark)
      for (const mark of ['public', 'undetermined', 'gap'])
        if (order.includes(mark)) expect(order.indexOf(mark)).toBeGreaterThan(order.lastIndexOf('private'))
    }
    // A gap of some minutes, of which no piece tells, is seen among months.
    const gaps = lines[4]?.filter(({ mark }) => mark === 'gap') ?? []
    const { gaps: told } = report.targets[4]!
    expect(gaps.length).toBe(told.length)
    expect(told.some(({ fromMs, toMs }) => share(toMs) - share(fromMs) < 0.001)).toBe(true)
    for (const { from, to } of gaps) expect(to - from).toBeGreaterThan(0.0015)
  })

  it.skipIf(noChromium !== null).each([
    ['light', 'screen', '{}'],
    ['dark', 'screen', "{ runOnly: ['color-contrast'] }"],
    ['light', 'print', "{ runOnly: ['color-contrast'] }"],
  ] as const)('can be read by everybody: %s, %s', async (scheme, media, rules) => {
    const page = await opened(1000, scheme)
    await page.emulateMedia({ media, colorScheme: scheme })
    const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    await page.evaluate(axe)
    const found = await inPage(
      page,
      `axe.run(${rules}).then(({ violations }) =>
        violations.map(({ id, nodes }) => id + ': ' + nodes.length + ', ' + nodes[0].html.slice(0, 120)))`,
    )
    expect(found).toEqual([])
  })

  it.skipIf(noChromium !== null)(
    'prints to a few pages of paper, each with whose it is and of what',
    async () => {
      const page = await opened(1280)
      const text = (await page.pdf({ preferCSSPageSize: true, tagged: true })).toString('latin1')
      const pages = text.match(/\/Type\s*\/Page\b/g)?.length ?? 0
      expect(pages).toBeGreaterThan(3)
      expect(pages).toBeLessThan(20)
      // A4 in points, 595 by 842.
      expect(text).toMatch(/\/MediaBox\s*\[\s*0 0 59[45](?:\.\d+)? 84[12]/)
      const boxes = await inPage(
        page,
        `[...document.styleSheets].flatMap((sheet) => [...sheet.cssRules].map((rule) => rule.cssText)).join('\\n')`,
      )
      for (const said of [
        'fleet/web-17',
        '2026-07-01T00:00:00Z to 2026-10-01T00:00:00Z',
        `1234 records, root ${'ab'.repeat(16)}`,
        'counter(pages)',
      ])
        expect(boxes).toContain(said)
    },
  )
})
