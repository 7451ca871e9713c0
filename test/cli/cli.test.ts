// The command line: help, version, exit codes, key files; and as a process, what ends it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type ScriptedServer, scriptedServer, TOKEN } from '../import/server.ts'
import { type Ended, spawnTributary, tributary } from '../tributary.ts'

const test = suite<{ dir: string; server: ScriptedServer }>('cli')
test.before.each(async (context) => {
  context.dir = mkdtempSync(join(tmpdir(), 'tributary-cli-'))
  context.server = await scriptedServer()
  context.server.schemas.set('visit', {})
})
test.after.each(async ({ dir, server }) => {
  await server.stop()
  rmSync(dir, { recursive: true })
})

/** Runs the command in a folder that is not the project's, as a user may. */
const run = (dir: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  tributary(args, env, dir)

const visits = (dir: string, count: number): string => {
  const file = join(dir, 'visits.csv')
  writeFileSync(file, `source_id,n\n${Array.from({ length: count }, (_, i) => `c${i % 5},${i}`).join('\n')}\n`)
  return file
}

test('help and version; what there is not is said with code 2', async ({ dir }) => {
  const [help, unknown] = await Promise.all(
    [['--help'], ['improt', 'x']].map((args) => spawnTributary(args, { cwd: dir }).ended),
  )
  assert.ok(help && unknown)
  const version = await run(dir, ['--version'])
  const option = await run(dir, ['import', 'x', '--batch', '1001'])
  assert.is(help.code, 0)
  for (const word of ['serve', 'import', 'engines']) assert.match(help.out, word)
  const { version: wanted } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  assert.equal([version.code, version.out], [0, `${wanted}\n`])
  assert.is(unknown.code, 2)
  assert.match(unknown.err, /unknown command 'improt'/)
  assert.is(option.code, 2)
  assert.match(option.err, /whole number, 1 to 1000/)
})

test('a reader that has enough ends it without a word', async ({ dir }) => {
  const { child, ended } = spawnTributary(['import', '--help'], { cwd: dir })
  child.stdout?.destroy()
  const { code, err } = await ended
  assert.equal([code, err], [141, ''])
})

test('imports with the generated keys, then again, and says so for people and for programs', async ({
  dir,
  server,
}) => {
  const file = visits(dir, 40)
  writeFileSync(join(dir, 'keys.json'), JSON.stringify([{ name: 'i', role: 'integrator', appId: 'app', token: TOKEN }]))
  const first = await run(dir, ['import', file, '--event', 'visit', '--url', server.url], { DATA_DIR: dir })
  assert.equal([first.code, first.err], [0, ''])
  assert.match(
    first.out,
    /Imported .*visits\.csv as "visit"[\s\S]*recorded {2}40\n {2}repeated {2}0\n {2}refused {3}0\n$/,
  )
  writeFileSync(join(dir, 'kinds.csv'), 'source_id,kind\nann,visit\n')
  const kinds = await run(dir, ['import', 'kinds.csv', '--event-column', 'kind', '--url', server.url], {
    DATA_DIR: dir,
  })
  assert.match(kinds.out, /Imported kinds\.csv as what its column "kind" says in [\s\S]*recorded {2}1\n/)
  const again = await run(dir, ['import', 'visits.csv', '--event', 'visit', '--key-file', 'keys.json', '--json'], {
    TRIBUTARY_URL: server.url,
  })
  assert.is(again.code, 0)
  const { recorded, repeated, refused, ended } = JSON.parse(again.out)
  assert.equal([recorded, repeated, refused, ended], [0, 40, 0, 'complete'])
})

test('each trouble has its exit code and a line that says what to do', async ({ dir, server }) => {
  const file = visits(dir, 10)
  const gone = await scriptedServer()
  await gone.stop()
  const key = { TRIBUTARY_APP_ID: 'app', TRIBUTARY_TOKEN: TOKEN, TRIBUTARY_URL: server.url }
  const importing = (args: readonly string[], env: Record<string, string> = key) => run(dir, ['import', ...args], env)
  const missing = await importing(['nothing.csv', '--event', 'visit'])
  const column = await importing([file, '--event', 'visit', '--customer', 'who'])
  const url = { TRIBUTARY_URL: server.url }
  const noKeys = await importing([file, '--event', 'visit'], url)
  const wrongKey = await importing([file, '--event', 'visit', '--app-id', 'x', '--token', 'wrong'], url)
  const silent = await importing([file, '--event', 'visit', '--url', gone.url, '--retry-for', '0'])
  const mapping = await importing([file, '--event', 'visit', '--metadata', 'n:colour'])
  const demo = await run(dir, ['demo', '--url', gone.url, '--app-id', 'x', '--token', 'y'], {})
  assert.equal(
    [missing, column, noKeys, wrongKey, silent, mapping].map(({ code, out }) => [code, out]),
    [2, 2, 4, 4, 3, 2].map((code) => [code, '']),
  )
  assert.match(missing.err, /There is no file nothing\.csv/)
  assert.match(column.err, /no column "who"\. Its columns: source_id, n/)
  assert.match(noKeys.err, /no key file data\/keys\.json/)
  assert.match(wrongKey.err, /refuses the key x/)
  assert.match(silent.err, /does not answer \(nothing listens there\)\nIs the server running\?/)
  assert.is(demo.code, 3)
  assert.match(demo.err, /does not answer \(nothing listens there\)\nIs the server running\?/)
  assert.match(mapping.err, /no type "colour"/)

  server.refuses = ({ metadata }) => (metadata.n === '3' ? 'bad' : undefined)
  const some = await importing([file, '--event', 'visit', '--refused', 'no.ndjson'])
  assert.is(some.code, 5)
  assert.match(some.out, /refused {3}1 {2}\(see no\.ndjson\)/)
  assert.is(JSON.parse(readFileSync(join(dir, 'no.ndjson'), 'utf8')).line, 5)
})

test('Ctrl-C ends it in order, with the counts and how to go on', async ({ dir, server }) => {
  const file = visits(dir, 400)
  const key = { TRIBUTARY_APP_ID: 'app', TRIBUTARY_TOKEN: TOKEN, TRIBUTARY_URL: server.url }
  const args = ['import', file, '--event', 'visit', '--batch', '10', '--in-flight', '1']
  server.mood = (batch) => {
    if (batch === 5) importing.child.kill('SIGINT')
    return batch < 5 ? 'answer' : '503 before'
  }
  const importing = spawnTributary(args, { cwd: dir, env: key })
  const stopped = await importing.ended
  assert.is(stopped.code, 130)
  assert.match(stopped.out, /recorded {2}40\n/)
  assert.match(stopped.err, /Interrupted before the end of the file\. Run the same command again/)
  server.mood = () => 'answer'
  assert.match((await run(dir, args, key)).out, /recorded {2}360\n {2}repeated {2}40 /)
})

test.run()
