// The client as it is published: packed, installed in an empty folder without a network, its README checked by the compiler, and
// run there, by Node and in a real browser on a page of another origin than the server's.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { signatureHeaders } from '../../src/delivery/sign.ts'
import { launch, missing } from '../console/browser/browser.ts'
import { type TestNode, testNode } from '../system/node.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const test = suite('the packed client')

let folder: string
let node: TestNode
const installed = (): string => join(folder, 'node_modules/@tributary/client/dist/index.js')
/** A page of the shop, which loads what was published. */
const shop = createServer(async (request, response) => {
  const isScript = request.url === '/client.js'
  response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html')
  response.end(isScript ? await readFile(installed()) : '<!doctype html><title>shop</title>')
})
let page: string
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-client-'))
  await new Promise<void>((listening) => shop.listen(0, '127.0.0.1', listening))
  page = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`
  node = await testNode({}, undefined, { client: { origins: [page], allow: ['redeem'] } })
})
test.after(async () => {
  shop.close()
  await rm(folder, { recursive: true, force: true })
  await node?.end()
})

/** Ends with all that a failed program has said. */
const said = async (program: string, args: readonly string[]): Promise<string> => {
  try {
    return (await run(program, args, { cwd: folder })).stdout
  } catch (error) {
    throw new Error(`${program} ${args.join(' ')}: ${(error as { stdout?: string }).stdout}${String(error)}`)
  }
}

test('is packed and installed with nothing else', async () => {
  // As `prepack` does, after the types, which the run of all tests has made.
  await run(process.execPath, ['src/client/make/build.js'], { cwd: root })
  await run('npm', ['pack', '--ignore-scripts', '-w', 'src/client', '--pack-destination', folder], { cwd: root })
  const [tarball] = await readdir(folder)
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  await said('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${tarball}`])
  assert.equal(
    (await readdir(join(folder, 'node_modules'))).filter((name) => !name.startsWith('.')),
    ['@tributary'],
  )
  const text = await readFile(installed(), 'utf8')
  assert.not.match(text, /^import |require\(|node:|process\./m)
})

test('its README is what its types allow', async () => {
  const readme = await readFile(join(root, 'src/client/README.md'), 'utf8')
  const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block]) => block!)
  assert.ok(blocks.length >= 5)
  await Promise.all(blocks.map((block, i) => writeFile(join(folder, `readme${i}.ts`), block)))
  // What a client must not be able to ask.
  const wrong = [
    'tributary.customers.get()',
    "tributary.customers.list({ limit: 'ten' })",
    "tributary.events.create({ event: 'review' })",
    "tributary.request('GET /v1/customers/{id}')",
    "attribute('birthdate', { $more_than: 5 })",
    "event('review', { within: 'P1D', period: 'this_day' })",
    "filter('and', { name: { $more_than: 3 } })",
  ]
  const head =
    "import { attribute, createClient, event, filter } from '@tributary/client'\ndeclare const tributary: ReturnType<typeof createClient>\n"
  await writeFile(
    join(folder, 'wrong.ts'),
    `${head}void [attribute, event, filter]\n${wrong.map((line) => `// @ts-expect-error\n${line}`).join('\n')}\n`,
  )
  // Of the README's own: Hono, whose types are no part of the client.
  await symlink(join(root, 'node_modules/hono'), join(folder, 'node_modules/hono'))
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        exactOptionalPropertyTypes: true,
        target: 'ES2022',
        module: 'NodeNext',
        lib: ['ES2022', 'DOM', 'DOM.Iterable'],
        types: [],
        noEmit: true,
        // Its own declarations are looked at too, those of the language are not.
        skipLibCheck: false,
        skipDefaultLibCheck: true,
      },
      include: ['*.ts'],
    }),
  )
  await said(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'])
})

test('runs where it is installed', async () => {
  await mkdir(join(folder, 'app'))
  const { appId, token } = node.key('integrator')
  await writeFile(
    join(folder, 'app/main.js'),
    `import { createClient } from '@tributary/client'
const tributary = createClient(${JSON.stringify({ url: node.url, appId, token })})
await tributary.customers.create({ source_id: 'ann', name: 'Ann' })
console.log((await tributary.customers.get('ann')).name)
// By its type alone, which the README's example has been checked by.
const { hc } = await import('hono/client')
const api = hc('${node.url}', { headers: ${JSON.stringify({ 'X-App-Id': appId, 'X-App-Token': token })} })
console.log((await (await api.v1.customers[':id'].$get({ param: { id: 'ann' } })).json()).source_id)
`,
  )
  assert.is(await said(process.execPath, ['app/main.js']), 'Ann\nann\n')
})

// Without a browser only this is left out; `missing` says why.
const inBrowser = missing === undefined ? test : test.skip
inBrowser('tracks, repeats, reads errors and checks signatures in a browser', async () => {
  await node.call('POST', '/v1/event-schemas', { name: 'page_view', schema: { properties: {} } }, { as: 'admin' })
  const { appId, token } = node.key('client')
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
  const body = '{"a":"ü"}'
  const headers = signatureHeaders('msg_1', body, secret, Date.now())
  const browser = await launch()
  try {
    const tab = await browser.newPage()
    await tab.goto(page)
    const { written, ...got } = await tab.evaluate(
      async ({ url, appId, token, secret, body, headers }) => {
        const { createBrowserClient, verifyWebhook } = (await import(
          `${location.origin}/client.js`
        )) as typeof import('../../src/client/index.ts')
        let tries = 0
        const client = createBrowserClient({
          url,
          appId,
          token,
          // The first answer is lost: the second try has the same name.
          async fetch(address, init) {
            const answer = await fetch(address, init)
            if (tries++ === 0) throw new TypeError('lost')
            return answer
          },
        })
        const event = await client.events.create({ event: 'page_view', customer: { source_id: 'visitor' } })
        const refused = await client
          .redeem({}, { code: 'NONE' })
          .catch((error) => [error.status, error.key, error.name])
        const verified = await verifyWebhook({ body, headers, secret })
        return { type: event.type, refused, verified, tries, written: client.consistencyToken }
      },
      { url: node.url, appId, token, secret, body, headers },
    )
    assert.equal(got, {
      type: 'page_view',
      refused: [404, 'not_found', 'TributaryError'],
      verified: { a: 'ü' },
      tries: 3,
    })
    // A position is told to pages too.
    assert.match(written, /^\d+$/)
    const count = await node.call('GET', '/v1/events/count?customer=visitor', undefined, { as: 'admin' })
    assert.is(count.body.events, 1)
  } finally {
    await browser.close()
  }
})

test.run()
