// Every guide is followed to the letter: its shell lines are run against a fresh server, and what it says of answers is true.
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { end, type Served, serve } from '../served.ts'
import { areGiven, skipFile } from '../skip.ts'
import { shown, until } from '../until.ts'

if (areGiven) skipFile('guides are for somebody with a server of their own')

const ROOT = join(import.meta.dirname, '..', '..')
const GUIDES = join(ROOT, 'src', 'console', 'guides')
/** What stands between the output of one block and that of the next. */
const MARK = '== end of block =='

interface Block {
  readonly language: string
  readonly code: string
}

const blocksOf = (name: string): readonly Block[] =>
  [...readFileSync(join(GUIDES, name), 'utf8').matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].map(([, language, code]) => ({
    language: language!,
    code: code!,
  }))

/** One shell for a whole guide, as its reader has; gives what each block printed. */
const shell = (url: string, dir: string) => {
  const child = spawn('bash', ['-s'], { cwd: ROOT, env: { ...process.env, URL: url, KEYS: join(dir, 'keys.json') } })
  let written = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (written += chunk))
  return {
    async run(code: string): Promise<string> {
      written = ''
      child.stdin.write(`${code}\necho '${MARK}'\n`)
      await until(
        () => written.includes(MARK) || child.exitCode !== null,
        (isOver) => isOver,
        60_000,
      )
      return written.split(MARK)[0]!.trim()
    },
    end: () => child.stdin.end(),
  }
}

/** Whether an answer holds what a guide says of it: of objects these fields, of lists these entries, in order. */
const holds = (answer: unknown, said: unknown): boolean => {
  if (Array.isArray(said)) return Array.isArray(answer) && said.every((one, i) => holds(answer[i], one))
  if (typeof said !== 'object' || said === null) return Object.is(answer, said)
  if (typeof answer !== 'object' || answer === null) return false
  return Object.entries(said).every(([name, value]) => holds((answer as Record<string, unknown>)[name], value))
}

/** The last line of what was printed that is an answer. */
const answerIn = (printed: string): unknown => {
  const line = printed.split('\n').findLast((one) => /^[{[]/.test(one))
  return line === undefined ? undefined : JSON.parse(line)
}

const asks = ({ code }: Block): boolean =>
  code
    .trim()
    .split('\n')
    .every((line) => /^(?:api|page) GET /.test(line))

const dir = mkdtempSync(join(tmpdir(), 'tributary-guides-'))
let server: Served
const test = suite('guides')

test.before(async () => {
  server = await serve(dir, '0')
})
test.after(async () => {
  await end(server, 'SIGTERM')
  rmSync(dir, { recursive: true })
})

const preamble = blocksOf('first-steps.md')[0]!

for (const name of readdirSync(GUIDES))
  test(name, async () => {
    const { run, end: over } = shell(server.url, dir)
    assert.is(await run(preamble.code), '')
    let last: { readonly block: Block; printed: string } | undefined
    for (const block of blocksOf(name)) {
      switch (block.language) {
        case 'sh':
          last = { block, printed: await run(block.code) }
          assert.not.match(last.printed, /bash: line|SyntaxError|TypeError/, block.code)
          break
        case 'js':
          assert.not.match(await run(`node --input-type=module <<'END'\n${block.code}END`), /Error/, block.code)
          break
        case 'json': {
          assert.ok(last, block.code)
          const { block: asked } = last
          let { printed } = last
          const said: unknown = JSON.parse(block.code)
          // What follows in other streams, or is read with a delay, is there soon.
          if (asks(asked) && !holds(answerIn(printed), said))
            printed = await until(
              () => run(asked.code),
              (again) => holds(answerIn(again), said),
            )
          assert.ok(holds(answerIn(printed), said), `${asked.code}${printed}\nis not ${shown(said)}`)
          break
        }
        default:
          assert.is(block.language, 'html', block.code)
      }
    }
    over()
  })

test('the server shows each of them, and all that it links to', async () => {
  const index = await (await fetch(`${server.url}/docs`)).text()
  const pages = [...new Set([...index.matchAll(/href="(\/docs\/guides\/[^"#]+)"/g)].map(([, path]) => path!))]
  assert.is(pages.length, readdirSync(GUIDES).length + 1)
  for (const path of pages) {
    const page = await fetch(server.url + path)
    const text = await page.text()
    assert.is(page.status, 200, path)
    for (const [, link] of text.matchAll(/<article>[\s\S]*?href="([^"#:]+)"/g))
      assert.is((await fetch(new URL(link!, page.url))).status, 200, `${path} links to ${link}`)
  }
  assert.is((await fetch(`${server.url}/docs/guides/none`)).status, 404)
})

test.run()
