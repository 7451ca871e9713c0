// Users in a real browser: an admin invites somebody, who chooses a password, signs in with it and changes it.
import type { Browser } from 'playwright-core'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { skipFile } from '../../skip.ts'
import { type TestNode, testNode } from '../../system/node.ts'
import { launch, missing, signIn, visit } from './browser.ts'

let node: TestNode
let browser: Browser
if (missing !== undefined) skipFile(missing)

test.before(async () => {
  node = await testNode()
  browser = await launch()
})
test.after(async () => {
  await browser.close()
  await node.end()
})

test('invited, signed in by the link, signed in with the password, and changed it', async () => {
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  await one.open('/access')
  await one.page.getByRole('button', { name: 'Invite' }).click()
  await one.page.getByLabel('E-mail').fill('ann@shop.test')
  await one.page.getByLabel('Role').selectOption('marketer')
  await one.page.getByRole('dialog').getByRole('button', { name: 'Invite' }).click()
  const link = (await one.page.getByRole('region', { name: 'Link', exact: true }).locator('pre').textContent()) ?? ''
  assert.match(link, /\/console\/set-password#[\w-]{43}$/)
  await one.accessible('a link that is told once')
  await one.page.getByRole('button', { name: 'Done' }).click()
  await one.page.getByRole('button', { name: 'New key' }).click()
  await one.page.getByLabel('Name').fill('till')
  await one.page.getByRole('dialog').getByRole('button', { name: 'Make a key' }).click()
  await one.page.getByRole('region', { name: 'Token', exact: true }).waitFor()
  await one.page.getByRole('button', { name: 'Done' }).click()
  await one.accessible('users and keys')

  const two = await visit(browser, node)
  const { page } = two
  await page.goto(link)
  await page.getByLabel('New password').fill('too short')
  await page.getByRole('button', { name: 'Set the password and sign in' }).click()
  await page.getByText('must have at least 12 characters').waitFor()
  await two.accessible('choosing a password')
  await page.getByLabel('New password').fill('a long enough sentence')
  await page.getByRole('button', { name: 'Set the password and sign in' }).click()
  await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
  assert.is(await page.getByRole('link', { name: 'Users and keys' }).count(), 0)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await two.accessible('signing in')
  await page.getByLabel('E-mail').fill('ann@shop.test')
  await page.getByLabel('Password').fill('a long enough sentence')
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('link', { name: 'ann@shop.test' }).click()
  await page.getByLabel('Current password').fill('a long enough sentence')
  await page.getByLabel('New password').fill('another long sentence')
  await page.getByRole('button', { name: 'Change', exact: true }).click()
  await page.getByText('The password is changed').waitFor()
  await two.accessible('one’s own account')
  await page.getByRole('button', { name: 'Sign out everywhere' }).click()
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
  await two.end()
  await one.end()
})

test.run()
