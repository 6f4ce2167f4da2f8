/** The pages in a browser: what people see of every scenario, by keyboard, on a telephone, without scripts, and while they change. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type LabRound, labRounds } from '../../agent/lab-rounds.ts'
import { loadScenario, shippedScenarios } from '../../lab/scenario.ts'
import type { TargetVerdict } from '../../model/verdict.ts'
import { systemHost } from '../../probes/host.ts'
import { type RunningDaemon, startLabDaemon } from '../support/lab-daemon.ts'
import { needs, titled } from '../support/needs.ts'
import { servePages, shownVerdicts } from '../support/page-server.ts'

const missing = await needs('chromium')
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

type Round = Pick<LabRound, 'step' | 'targets'> & { scenario: string; truth: Map<string, string> }

let browser: Browser
let rounds: Round[] = []
let current: readonly TargetVerdict[] = []
const shown = shownVerdicts()
let server: Awaited<ReturnType<typeof servePages>>

function show(verdicts: readonly TargetVerdict[]): void {
  current = verdicts
  shown.show(verdicts)
}

/** Every scenario in every one of its states, several at once: most of the time is spent in waiting. */
async function allRounds(): Promise<Round[]> {
  const names = await shippedScenarios()
  const found: Round[] = []
  const one = async (): Promise<void> => {
    for (let name = names.shift(); name !== undefined; name = names.shift()) {
      const scenario = await loadScenario(name)
      const looks = labRounds(scenario, {
        program: null,
        machine: systemHost(process.env),
        version: '0.0.0-test',
      })
      for await (const { step, targets, lab } of looks) {
        const hostnames = targets.flatMap((target) => target.names.map((n) => n.hostname))
        const truth = new Map(hostnames.map((hostname) => [hostname, lab.truth(hostname).state as string]))
        found.push({ scenario: name, step, targets, truth })
      }
    }
  }
  await Promise.all(Array.from({ length: 8 }, one))
  return found
}

let daemon: RunningDaemon | null = null
const contexts: { close(): Promise<void> }[] = []

describe.skipIf(missing !== null)(titled('the pages in a browser', missing), () => {
  beforeAll(async () => {
    ;[browser, rounds, server] = await Promise.all([
      chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] }),
      allRounds(),
      servePages(shown, () => current),
    ])
  }, 90_000)
  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close()
    await daemon?.stop()
    daemon = null
  })

  interface Tab {
    page: Page
    /** What the browser complains of: refused by policy, thrown by a script. */
    complaints: string[]
  }

  async function tab(options: BrowserContextOptions = {}): Promise<Tab> {
    const context = await browser.newContext({ viewport: { width: 1100, height: 800 }, ...options })
    contexts.push(context)
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    return { page, complaints }
  }

  /** What stands in a page, asked in the browser's own language, for this program knows no DOM. */
  const inPage = <T>(page: Page, expression: string) => page.evaluate(expression) as Promise<T>

  interface Shown {
    target: string
    state: string
    names: [string, string][]
  }

  /** State words by target and host name, as they stand on the page. */
  const wordsOf = (page: Page) =>
    inPage<Shown[]>(
      page,
      `[...document.querySelectorAll('.target')].map((target) => {
        const state = (within) => within.querySelector('.badge').lastChild.textContent.trim()
        return {
          target: target.querySelector('h3').textContent,
          state: state(target),
          names: [...target.querySelectorAll('.names li')].map((name) => [name.querySelector('.id').textContent, state(name)]),
        }
      })`,
    )

  const overflow = (page: Page) =>
    inPage<number>(page, 'document.documentElement.scrollWidth - document.documentElement.clientWidth')

  interface Violation {
    id: string
    impact: string
    nodes: { html: string; failureSummary: string }[]
  }

  async function faults(page: Page): Promise<string[]> {
    await page.evaluate(axe)
    const violations = await inPage<Violation[]>(page, 'axe.run().then(({ violations }) => violations)')
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.slice(0, 3).map((n) => `${id}: ${n.html}\n${n.failureSummary}`))
  }

  it('show of every scenario what the verdicts are, also at 360 px, and call nothing private that is not', async () => {
    const { page, complaints } = await tab({ viewport: { width: 360, height: 700 } })
    const first = rounds.filter(({ step }) => step === null)
    expect(first.length).toBeGreaterThan(45)
    for (const { scenario, step, targets, truth } of first) {
      show(targets)
      await page.goto(server.base)
      const where = `${scenario} ${step ?? ''}`
      const api = (await (await fetch(`${server.base}/api/v1/verdicts`)).json()) as {
        targets: TargetVerdict[]
      }
      const wanted = api.targets.map(({ target, state, names }) => ({
        target,
        state,
        names: names.map((n) => [n.hostname, n.state]),
      }))
      const byName = (a: { target: string }, b: { target: string }) => (a.target < b.target ? -1 : 1)
      const words = (await wordsOf(page)).toSorted(byName)
      expect(words, where).toEqual(wanted.toSorted(byName))
      for (const { names } of words)
        for (const [hostname, state] of names)
          if (state === 'private') expect(truth.get(hostname), `${where} ${hostname}`).toBe('private')
      expect(await overflow(page), where).toBeLessThanOrEqual(0)
    }
    expect(complaints).toEqual([])
    expect(server.problems).toEqual([])
  })

  interface Pictures {
    hostname: string
    taken: string[]
    private: number
    words: number
    pictures: number
  }

  it('draw of every scenario the way that the verdict speaks of, and nothing private of what is not', async () => {
    const { page, complaints } = await tab({ viewport: { width: 360, height: 700 } })
    const drawn = new Set<string>()
    for (const { scenario, targets } of rounds.filter(({ step }) => step === null)) {
      show(targets)
      const different = targets.filter(({ state }, at) => targets.findIndex((t) => t.state === state) === at)
      for (const target of different) {
        await page.goto(`${server.base}/targets/${target.target}`)
        const pictures = await inPage<Pictures[]>(
          page,
          `[...document.querySelectorAll('.name')].map((name) => ({
            hostname: name.querySelector('h2 .id').textContent,
            taken: [...name.querySelectorAll('svg.way .w-taken[data-path], svg.way .w-either[data-path]')].map((lane) => lane.getAttribute('data-path')),
            private: name.querySelectorAll('svg.way .w-private').length,
            words: name.querySelectorAll('svg.way desc').length,
            pictures: name.querySelectorAll('svg.way').length,
          }))`,
        )
        expect(await overflow(page), `${scenario} ${target.target}`).toBeLessThanOrEqual(0)
        for (const name of target.names) {
          const seen = pictures.find(({ hostname }) => hostname === name.hostname)
          expect(seen?.words).toBe(seen?.pictures)
          if (name.state !== 'private' && name.state !== 'mixed') expect(seen?.private, scenario).toBe(0)
          if (name.state === 'private') {
            expect(seen?.private, `${scenario} ${name.hostname}`).toBeGreaterThan(0)
            for (const path of seen?.taken ?? []) drawn.add(path)
            expect(
              seen?.taken.every((path) => path === 'blocked' || name.possible.includes(path as never)),
            ).toBe(true)
          }
          if (name.state === 'undetermined') expect(seen?.taken, scenario).toEqual([])
        }
      }
    }
    expect([...drawn]).toEqual(
      expect.arrayContaining(['gateway_endpoint', 'interface_endpoint', 'nat_gateway_endpoint']),
    )
    expect(complaints).toEqual([])
  })

  const demo = () => rounds.find(({ scenario, step }) => scenario === 'demo' && step !== null)?.targets ?? []

  it.each(['light', 'dark'] as const)('have no serious fault by axe, in %s', async (colorScheme) => {
    const { page } = await tab({ colorScheme })
    const first = (of: string) => rounds.find(({ scenario }) => scenario.includes(of))?.targets ?? []
    const sets = [demo(), first('tls-interception'), ...(colorScheme === 'light' ? [first('on-prem')] : [])]
    for (const targets of sets) {
      show(targets)
      expect(targets.length).toBeGreaterThan(0)
      const [target] = targets
      const [attempt] = target?.names[0]?.attempts ?? []
      for (const path of ['/', `/targets/${target?.target}`, `/attempts/${attempt?.id}`, '/targets/none']) {
        await page.goto(`${server.base}${path}`)
        expect(await faults(page), path).toEqual([])
      }
    }
  })

  it('say the same without scripts', async () => {
    show(demo())
    const { page } = await tab({ javaScriptEnabled: false })
    await page.goto(server.base)
    const text = await page.locator('main').innerText()
    for (const { target, names } of demo()) {
      expect(text).toContain(target)
      for (const { hostname } of names) expect(text).toContain(hostname)
    }
    expect(text).toContain('not meet the requirement')
    expect(await page.locator('.tools').isVisible()).toBe(false)
    expect(await page.locator('header').innerText()).toContain('does not renew itself')
    await page.click('h3 a >> nth=0')
    expect(await page.locator('svg.way').count()).toBeGreaterThan(0)
    expect(await page.locator('.copy').first().isVisible()).toBe(false)
    await page.click('summary >> nth=0')
    expect(await page.locator('details[open]').count()).toBeGreaterThan(0)
  })

  it('are used by keyboard alone', async () => {
    show(demo())
    const { page } = await tab()
    await page.goto(server.base)
    await page.keyboard.press('/')
    await page.keyboard.type('sts')
    const visible = () => page.locator('.target:visible h3').allInnerTexts()
    expect(await visible()).toEqual(['sts-global'])
    expect(new URL(page.url()).hash).toBe('#q=sts')
    expect(await page.locator('#shown').innerText()).toBe('1 of 5 targets shown')
    await page.keyboard.press('Escape')
    expect(await visible()).toHaveLength(5)
    // from the filter on, everything that can be done is reached by Tab, in order, and shows its focus
    await page.keyboard.press('/')
    const reached: string[] = []
    for (let n = 0; n < 12; n++) {
      await page.keyboard.press('Tab')
      reached.push(
        await inPage<string>(
          page,
          `(() => {
            const at = document.activeElement
            return at.tagName + ' ' + at.textContent.trim().slice(0, 20) + ' ' + getComputedStyle(at).outlineStyle
          })()`,
        ),
      )
    }
    expect(reached[0]).toBe('BUTTON ✕ public solid')
    expect(reached.some((one) => /^SELECT .* solid$/s.test(one))).toBe(true)
    expect(reached.filter((one) => /^A (artifacts|sts-global|backup|ssm|kms) solid$/.test(one)).length).toBe(
      5,
    )
    await page.focus('button[data-state=undetermined]')
    await page.keyboard.press('Space')
    expect(await visible()).toEqual(['backup'])
    await page.focus('.target:visible h3 a')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/targets/backup')
    expect(await page.locator('h1').innerText()).toContain('backup')
    // the way of filtering and sorting is in the URL, to be passed on
    await page.goto(`${server.base}/#state=private&sort=name`)
    expect(await visible()).toEqual(['kms', 'ssm'])
    await page.selectOption('select', 'change')
    expect(new URL(page.url()).hash).toBe('#state=private&sort=change')
  })

  it('500 targets are one page that opens, filters and stays small', async () => {
    const [model] = demo()
    if (model === undefined) throw new Error('no demo')
    show(
      Array.from({ length: 500 }, (_, n) => ({
        ...model,
        target: `bucket-${String(n).padStart(3, '0')}`,
        met: n % 25 !== 0,
        state: n % 25 === 0 ? ('public' as const) : ('private' as const),
        names: [0, 1, 2, 3].map((style) => ({
          ...(model.names[0] as (typeof model.names)[0]),
          hostname: `bucket-${n}.s3.region-${style}.amazonaws.com`,
          state: n % 25 === 0 ? ('public' as const) : ('private' as const),
        })),
      })),
    )
    const { page, complaints } = await tab({ viewport: { width: 360, height: 700 } })
    const answer = await page.goto(server.base)
    expect((await answer?.body())?.length).toBeLessThan(1_000_000)
    expect(await page.locator('h1').innerText()).toContain('20 of 500 targets do not meet the requirement')
    expect(await page.locator('.target:visible').count()).toBe(20)
    expect(await overflow(page)).toBeLessThanOrEqual(0)
    await page.fill('#tools input', 'bucket-137')
    expect(await page.locator('.target:visible h3').allInnerTexts()).toEqual(['bucket-137'])
    await page.keyboard.press('Escape')
    expect(await page.locator('.target:visible').count()).toBe(20)
    expect(complaints).toEqual([])
  })

  it('renew themselves in place, keep focus, scroll and what is open, and say when contact is lost', async () => {
    show(demo())
    const own = await servePages(shown, () => current)
    const { page, complaints } = await tab({ viewport: { width: 700, height: 400 } })
    await page.clock.install()
    const renew = () => page.clock.runFor(5_100)
    await page.goto(own.base)
    await page.focus('[data-key=kms] h3 a')
    await page.evaluate("scrollTo(0, 300); document.querySelector('[data-key=kms] h3 a').same = true")
    const better = demo().map((target) =>
      target.target !== 'sts-global'
        ? target
        : {
            ...target,
            met: true,
            state: 'private' as const,
            names: target.names.map((name) => ({ ...name, state: 'private' as const, because: ['mended'] })),
          },
    )
    current = better
    shown.judged(better)
    await renew()
    await expect.poll(() => page.locator('[data-key=sts-global]').innerText()).toContain('mended')
    expect(await page.locator('[data-key=sts-global] .badge').first().innerText()).toContain('private')
    expect(await page.title()).toMatch(/^✕ 2 of 5 /)
    const kept = await inPage(
      page,
      '[document.activeElement.textContent, document.activeElement.same, Math.round(scrollY)]',
    )
    expect(kept).toEqual(['kms', true, 300])
    expect(await page.locator('#contact').innerText()).toContain('Renewed')

    await page.goto(`${own.base}/targets/sts-global`)
    await page.locator('summary', { hasText: 'in words' }).first().click()
    shown.judged(demo())
    current = demo()
    await renew()
    await expect.poll(() => page.locator('h1').innerText()).toContain('public')
    expect(await page.locator('details[data-key=words][open]').count()).toBe(1)
    expect(complaints).toEqual([])

    await own.close()
    await renew()
    await expect.poll(() => page.locator('#contact').innerText()).toContain('Contact with the agent lost')
    expect(await page.locator('#contact').getAttribute('role')).toBe('alert')
    // what stands there is still there, and marked as old
    expect(await page.locator('h1').innerText()).toContain('sts-global')
    expect(await page.locator('html.lost').count()).toBe(1)
  })

  it('commands are copied, or selected where the browser does not allow that', async () => {
    show(demo())
    const { page } = await tab({ permissions: ['clipboard-read', 'clipboard-write'] })
    await page.goto(`${server.base}/targets/sts-global`)
    const command = await page.locator('pre code').first().innerText()
    expect(command).toMatch(/^aws ec2 /)
    await page.locator('button.copy').first().click()
    await expect.poll(() => page.locator('button.copy').first().innerText()).toBe('Copied')
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(command)
    const other = await tab()
    await other.page.goto(`${server.base}/targets/sts-global`)
    await other.page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    await other.page.locator('button.copy').first().click()
    await expect.poll(() => other.page.evaluate('getSelection().toString()')).toBe(command)
  })

  it('follow a daemon that watches a lab, from a target to one connection and its timings', async () => {
    daemon = await startLabDaemon({ scenario: 'demo' })
    const base = `http://127.0.0.1:${daemon.daemon.address.port}`
    await daemon.verdicts.until('all targets', (all) => new Set(all.map((v) => v.target)).size === 5)
    const { page, complaints } = await tab({ viewport: { width: 360, height: 700 } })
    await page.clock.install()
    await page.goto(base)
    await page.click('text=artifacts >> nth=0')
    await page.waitForURL('**/targets/artifacts')
    expect(await page.locator('svg.way .w-taken[data-path=gateway_endpoint]').count()).toBeGreaterThan(0)
    expect(await page.locator('svg.way').first().innerHTML()).toContain('vpce-0a000053')
    expect(await page.locator('.plot polyline').count()).toBeGreaterThan(0)
    const changes = await page.locator('.timeline').first().innerText()
    expect(changes).toContain('The agent: configured')
    await daemon.lab.apply('route-taken-away')
    const renewed = async () => {
      await page.clock.runFor(5_100)
      return page.locator('h1').innerText()
    }
    await expect.poll(renewed, { timeout: 20_000 }).toContain('public')
    await expect.poll(() => page.locator('.timeline').first().innerText()).toMatch(/public[\s\S]*private/)
    await page.locator('a', { hasText: 'connection to' }).first().click()
    await page.waitForURL('**/attempts/*')
    const text = await page.locator('main').innerText()
    for (const words of ['Evidence, strongest first', 'Late records', 'TLS handshake', 'The way'])
      expect(text).toContain(words)
    const json = await page.locator('a', { hasText: 'as JSON' }).getAttribute('href')
    const id = decodeURIComponent(new URL(json ?? '', page.url()).pathname.split('/').at(-1) ?? '')
    expect(await (await fetch(new URL(json ?? '', page.url()))).json()).toMatchObject({ attempt: { id } })
    expect(complaints).toEqual([])
  })
})
