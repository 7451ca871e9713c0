// Makes the pictures of the console that README shows, of a running server with a demonstration in it:
//   npm start, tributary demo, then: node src/console/pictures/make.js [URL] [DATA_DIR]
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { ARGUMENTS, CHROMIUM, NO_CHROMIUM } from './chromium.js'

const [url = 'http://localhost:3000', data = './data'] = process.argv.slice(2)
const here = fileURLToPath(new URL('./', import.meta.url))
const key = JSON.parse(readFileSync(join(data, 'keys.json'), 'utf8')).find((one) => one.role === 'admin')
const keyHeaders = { 'X-App-Id': key.appId, 'X-App-Token': key.token }

/** Asks the API for JSON. */
const ask = async (path) => (await fetch(url + path, { headers: keyHeaders })).json()

/** Somebody who does a few things while the picture is taken, so that the live activity shows them. */
const act = async () => {
  const { customers } = await ask('/v1/customers?limit=12')
  for (const [index, { source_id }] of customers.entries()) {
    const [event, metadata] =
      index % 3 === 0
        ? ['order_paid', { amount: 4_000 + 350 * index, category: 'outdoor', items: 2 }]
        : index % 3 === 1
          ? ['review_left', { stars: 5, text: 'Would buy again' }]
          : ['shop_visited', { device: 'phone' }]
    await fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: { ...keyHeaders, 'Content-Type': 'application/json' },
      body: JSON.stringify({ event, customer: { source_id }, metadata }),
    })
  }
}

if (CHROMIUM === undefined) throw new Error(NO_CHROMIUM)
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ARGUMENTS,
})

/** A page that is signed in, in one theme. */
const signedIn = async (colorScheme) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, colorScheme })
  const page = await context.newPage()
  await page.goto(`${url}/console`)
  await page.getByRole('button', { name: 'Use an API key' }).click()
  await page.getByLabel('API key id').fill(key.appId)
  await page.getByLabel('Token', { exact: true }).fill(key.token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('Watching').waitFor()
  return page
}

/** Waits until what was asked for is shown. */
const settled = async (page) => {
  await page.waitForFunction(() => document.querySelector('.loading') === null)
  await page.waitForTimeout(800)
}

const light = await signedIn('light')
await act()
await light.locator('.feed li').nth(8).waitFor()
await settled(light)
await light.screenshot({ path: join(here, 'home.png') })

const { data: segments } = await ask('/v1/segments?limit=10')
const regulars = segments.find(({ name }) => name === 'Regulars') ?? segments[0]
const { data: members } = await ask(`/v1/segments/${regulars.id}/members?limit=1`)
await light.goto(`${url}/console/customers/${members[0].id}/activity?type=customer.segment.entered`)
await settled(light)
await light.locator('.entry summary').first().click()
await settled(light)
await light.screenshot({ path: join(here, 'why.png') })

const dark = await signedIn('dark')
await dark.goto(`${url}/console/segments/${regulars.id}/edit`)
await dark.getByText(/of [\d,]+ customers/).waitFor()
await settled(dark)
await dark.screenshot({ path: join(here, 'segment.png') })
await browser.close()
