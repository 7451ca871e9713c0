// A real browser for tests. Without one, tests say so and are skipped.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import axe, { type AxeResults, type RunOptions } from 'axe-core'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { ARGUMENTS, CHROMIUM, NO_CHROMIUM } from '../../../src/console/pictures/chromium.js'
import type { GeneratedKey, Role } from '../../../src/keys.ts'
import type { TestNode } from '../../system/node.ts'

/** Why no browser test can run here; undefined when they can. */
export const missing = CHROMIUM === undefined ? NO_CHROMIUM : undefined

/** How long a page may take for one step on a machine that others use too, ms. */
const STEP_MS = 30_000

/** The pages were built by the run of all tests, which is what `npm start` builds too. */
export const launch = async (): Promise<Browser> => {
  const home = mkdtempSync(join(tmpdir(), 'chromium-'))
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [...ARGUMENTS],
    env: { ...process.env, HOME: home },
  })
  browser.on('disconnected', () => rmSync(home, { recursive: true, force: true }))
  return browser
}

/** Makes something by the API as an admin; gives what was answered. */
export const makeIn = async (node: TestNode, path: string, body: unknown) => {
  const { status, body: answer } = await node.call('POST', path, body, { as: 'admin' })
  assert.ok(status < 300, `${path}: ${JSON.stringify(answer)}`)
  return answer
}

export interface Visit {
  readonly context: BrowserContext
  readonly page: Page
  /** Opens an address of the console and waits until it is shown. */
  open(path: string): Promise<void>
  /** Fails for what axe finds wrong with the page as it is, by all of its rules or by these. */
  accessible(where: string, rules?: readonly string[]): Promise<void>
  /** Nothing went wrong in the page, and no request left the server's origin. */
  end(): Promise<void>
}

export interface VisitOptions {
  readonly width?: number
  readonly isDark?: boolean
}

/** Opens a browser window of its own on the console of a node. */
export const visit = async (
  browser: Browser,
  node: TestNode,
  { width = 1280, isDark = false }: VisitOptions = {},
): Promise<Visit> => {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: isDark ? 'dark' : 'light',
    reducedMotion: 'reduce',
  })
  context.setDefaultTimeout(STEP_MS)
  const faults: string[] = []
  context.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(node.url) && !url.startsWith('data:') && !url.startsWith('blob:') && !url.startsWith('about:'))
      faults.push(`request to ${url}`)
  })
  context.on('weberror', (error) => faults.push(error.error().message))
  const page = await context.newPage()
  page.on('console', (message) => {
    // Answers that are refusals are told by the browser as well; what a page does about them is what tests look at.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) faults.push(message.text())
  })
  return {
    context,
    page,
    async open(path) {
      const address = `/console${path}`
      // Within the console as a link would, which takes no start of the page.
      if (new URL(page.url()).pathname.startsWith('/console'))
        await page.evaluate((to) => {
          history.pushState(null, '', to)
          dispatchEvent(new Event('popstate'))
        }, address)
      else await page.goto(node.url + address)
      await page.evaluate(() => new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown))))
      await page.locator('main h1').waitFor()
      await page.waitForFunction(() => document.querySelector('.loading') === null)
    },
    async accessible(where, rules) {
      if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe.source)
      const found = await page.evaluate(async (only) => {
        const { axe } = globalThis as unknown as {
          readonly axe: { run(options: RunOptions): Promise<AxeResults> }
        }
        const { violations } = await axe.run(only === undefined ? {} : { runOnly: [...only] })
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
      }, rules)
      assert.equal(found, [], where)
    },
    async end() {
      await context.close()
      assert.equal(faults, [])
    },
  }
}

/** Signs in with the key of a role, or with this key, and waits for the first page. */
export const signIn = async (
  { page }: Visit,
  node: TestNode,
  by: Exclude<Role, 'client'> | Pick<GeneratedKey, 'appId' | 'token'>,
): Promise<void> => {
  const { appId, token } = typeof by === 'string' ? node.key(by) : by
  await page.goto(`${node.url}/console`)
  await page.getByRole('button', { name: 'Use an API key' }).click()
  await page.getByLabel('API key id').fill(appId)
  await page.getByLabel('Token', { exact: true }).fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
}
