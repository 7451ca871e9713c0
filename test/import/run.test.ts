// An import against a server that answers late, twice, never or "no": everything once, in order, and counted.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { customers } from '../../src/import/alone.ts'
import { type ImportOptions, runImport } from '../../src/import/run.ts'
import fc from '../fc.ts'
import { times } from '../soak.ts'
import { type Mood, type ScriptedServer, scriptedServer, TOKEN } from './server.ts'

const test = suite<{ dir: string; server: ScriptedServer }>('run')
test.before.each(async (context) => {
  context.dir = mkdtempSync(join(tmpdir(), 'tributary-import-'))
  context.server = await scriptedServer()
  context.server.schemas.set('visit', {})
})
test.after.each(async ({ dir, server }) => {
  await server.stop()
  rmSync(dir, { recursive: true })
})

const optionsFor = (server: ScriptedServer, file: string, more: Partial<ImportOptions> = {}): ImportOptions => ({
  file,
  format: 'csv',
  delimiter: ',',
  mapping: { event: 'visit', customer: 'who' },
  connection: { url: server.url, appId: 'app', token: TOKEN },
  schemaConnection: undefined,
  dryRun: false,
  refusedPath: `${file}.refused.ndjson`,
  inFlight: 3,
  batchSize: 20,
  retryForMs: 20_000,
  signal: new AbortController().signal,
  ...more,
})

const visits = (dir: string, count: number, customers = 7): string => {
  const file = join(dir, 'visits.csv')
  const lines = Array.from({ length: count }, (_, i) => `c${(i * 5) % customers},${i},${i % 3}`)
  writeFileSync(file, `who,n,kind\n${lines.join('\n')}\n`)
  return file
}

const failure = async (run: Promise<unknown>): Promise<Error> => {
  try {
    await run
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('it did not fail')
}

const refusedLines = (file: string) =>
  readFileSync(`${file}.refused.ndjson`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { line: number; reason: string; record: unknown })

test('records every line once, each customer’s in order; again it records nothing', async ({ dir, server }) => {
  const file = visits(dir, 500)
  const progress: number[] = []
  const report = await runImport(optionsFor(server, file, { onProgress: ({ bytes }) => progress.push(bytes) }))
  assert.equal(
    { ...report, seconds: 0 },
    {
      event: 'visit',
      recorded: 500,
      repeated: 0,
      refused: 0,
      unclear: 0,
      seconds: 0,
      unreadableFrom: undefined,
      refusedFile: undefined,
      ended: { kind: 'complete' },
    },
  )
  for (let c = 0; c < 7; c++) {
    const order = server.events.filter((e) => e.customer.source_id === `c${c}`).map((e) => Number(e.metadata.n))
    assert.equal(
      order,
      [...order].sort((a, b) => a - b),
    )
  }
  assert.is(progress.at(-1), readFileSync(file).length - 'who,n,kind\n'.length)
  const again = await runImport(optionsFor(server, file))
  assert.equal([again.recorded, again.repeated, server.events.length], [0, 500, 500])
})

test('lines added at the end are all that a later run records; equal lines are events of their own', async ({
  dir,
  server,
}) => {
  const file = join(dir, 'same.csv')
  writeFileSync(file, 'who\na\na\n')
  assert.is((await runImport(optionsFor(server, file))).recorded, 2)
  writeFileSync(file, 'who\na\na\na\n')
  const report = await runImport(optionsFor(server, file))
  assert.equal([report.recorded, report.repeated], [1, 2])
})

test('whatever the server does to a batch, all is recorded once', async ({ dir, server }) => {
  const file = visits(dir, 120)
  const moods: Mood[] = ['answer', '503 before', '503 after', 'cut before', 'cut after', 'busy items']
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...moods), { maxLength: 6 }), async (script) => {
      const fresh = await scriptedServer()
      try {
        fresh.schemas.set('visit', {})
        fresh.mood = (batch) => script[batch - 1] ?? 'answer'
        const report = await runImport(optionsFor(fresh, file, { batchSize: 40 }))
        assert.is(report.ended.kind, 'complete')
        assert.is(report.recorded + report.repeated, 120)
        assert.is(report.unclear, report.repeated)
        assert.is(report.refused, 0)
        assert.is(fresh.events.length, 120)
      } finally {
        await fresh.stop()
      }
    }),
    { numRuns: times(6, 100) },
  )
  assert.is(server.events.length, 0)
})

test('refused lines go to a file with their reasons, whoever refused them', async ({ dir, server }) => {
  const file = join(dir, 'mixed.csv')
  writeFileSync(file, 'who,n\na,1\n,2\nb,3\nc\nd,4\n')
  server.refuses = ({ metadata }) => (metadata.n === '3' ? 'n: must not be 3' : undefined)
  const report = await runImport(optionsFor(server, file))
  assert.equal([report.recorded, report.refused, report.refusedFile], [2, 3, `${file}.refused.ndjson`])
  assert.equal(
    refusedLines(file)
      .sort((a, b) => a.line - b.line)
      .map(({ line, reason, record }) => [line, reason, record]),
    [
      [3, "who: a customer's source_id must not be empty", { who: '', n: '2' }],
      [4, 'Refused: n: must not be 3', { who: 'b', n: '3' }],
      [5, 'has 1 cells where the header has 2', '["c"]'],
    ],
  )
  server.refuses = () => undefined
  writeFileSync(file, 'who,n\na,1\nx,2\nb,3\nc,9\nd,4\n')
  const mended = await runImport(optionsFor(server, file))
  assert.equal([mended.recorded, mended.repeated, mended.refused], [3, 2, 0])
  assert.not(existsSync(`${file}.refused.ndjson`))
})

test('one event that spoils its batch is found; the others go in', async ({ dir, server }) => {
  const file = join(dir, 'spoiled.ndjson')
  const line = (i: number) => (i === 17 ? '{"who":"a","x":{"spoils":1}}' : `{"who":"a","i":${i}}`)
  writeFileSync(file, Array.from({ length: 50 }, (_, i) => line(i)).join('\n'))
  const report = await runImport(optionsFor(server, file, { format: 'ndjson', batchSize: 50 }))
  assert.equal([report.recorded, report.refused], [49, 1])
  assert.equal(
    refusedLines(file).map(({ line, reason }) => [line, reason]),
    [[18, 'Invalid: a bad name']],
  )
})

test('customers alone go one by one, and once', async ({ dir, server }) => {
  const file = join(dir, 'people.csv')
  writeFileSync(
    file,
    `source_id,email,tier\n${Array.from({ length: 30 }, (_, i) => `c${i},c@x.test,gold\n`).join('')}bad,,\n`,
  )
  const options = optionsFor(server, file, { mapping: {}, alone: customers })
  const dry = await runImport({ ...options, dryRun: true })
  assert.equal([dry.recorded, server.customers.size], [31, 0])
  const report = await runImport(options)
  assert.equal([report.recorded, report.repeated, report.refused, report.event], [30, 0, 1, undefined])
  assert.equal([...server.customers.values()][0], { source_id: 'c0', email: 'c@x.test', metadata: { tier: 'gold' } })
  const again = await runImport(options)
  assert.equal([again.recorded, again.repeated, server.customers.size], [0, 30, 30])
})

test('a dry run records nothing and says what would be', async ({ dir, server }) => {
  const report = await runImport(optionsFor(server, visits(dir, 30), { dryRun: true }))
  assert.equal([report.recorded, server.events.length], [30, 0])
})

test('the schema is made from the columns, once', async ({ dir, server }) => {
  const file = visits(dir, 5)
  const notes: string[] = []
  const options = optionsFor(server, file, {
    mapping: { event: 'stay', customer: 'who', metadata: { n: 'number' }, rest: true },
    schemaConnection: { url: server.url, appId: 'admin', token: TOKEN },
    onNote: (note) => notes.push(note),
  })
  assert.is((await runImport(options)).recorded, 5)
  assert.equal(server.schemas.get('stay'), {
    name: 'stay',
    schema: { properties: { n: { type: 'number', optional: true }, kind: { type: 'string', optional: true } } },
  })
  assert.is((await runImport(options)).repeated, 5)
  assert.match(notes[0]!, /Made the event schema "stay" with 2 properties/)
  assert.match(notes[1]!, /is there already/)
})

test('nothing is sent when the event is unknown, or when all of the first hundred would be refused', async ({
  dir,
  server,
}) => {
  const unknown = await failure(
    runImport(optionsFor(server, visits(dir, 5), { mapping: { event: 'vsit', customer: 'who' } })),
  )
  assert.is(unknown.name, 'CheckError')
  assert.match(unknown.message, /no event schema "vsit"[\s\S]*--create-schema/)
  const dry = await failure(
    runImport(
      optionsFor(server, visits(dir, 5), {
        mapping: { event: 'vsit', customer: 'who' },
        schemaConnection: { url: server.url, appId: 'admin', token: TOKEN },
        dryRun: true,
      }),
    ),
  )
  assert.match(dry.message, /no event schema "vsit"[\s\S]*A dry run makes none/)
  server.refuses = () => 'kind: must be a number'
  const wrong = await failure(runImport(optionsFor(server, visits(dir, 150))))
  assert.is(wrong.name, 'CheckError')
  assert.match(wrong.message, /All of the first 100[\s\S]*100 × Refused: kind: must be a number/)
  assert.is(server.batches, 0)
})

test('a missing file, a folder, a wrong key and a server that is not there are told apart', async ({ dir, server }) => {
  const file = visits(dir, 5)
  const nameAndText = async (options: ImportOptions) => {
    const error = await failure(runImport(options))
    return `${error.name}: ${error.message}`
  }
  assert.match(await nameAndText(optionsFor(server, join(dir, 'nothing.csv'))), /InputError: There is no file/)
  assert.match(await nameAndText(optionsFor(server, dir)), /InputError: .* is not a file/)
  assert.match(
    await nameAndText(optionsFor(server, file, { connection: { url: server.url, appId: 'app', token: 'wrong' } })),
    /KeyError: .* refuses the key app \(401\): Unauthorized/,
  )
  const { url } = server
  await server.stop()
  const notes: string[] = []
  const connection = { url, appId: 'app', token: TOKEN }
  const onNote = (note: string) => notes.push(note)
  assert.match(
    await nameAndText(optionsFor(server, file, { connection, retryForMs: 0, onNote })),
    /ServerError: .* does not answer \(nothing listens there\)/,
  )
  assert.equal(notes, [], 'it is asked once only')
  assert.match(
    await nameAndText(optionsFor(server, file, { connection, retryForMs: 1_000, onNote })),
    /ServerError: .* did not answer for 1 s \(nothing listens there\)/,
  )
  assert.match(notes[0]!, /waiting for http.*, for up to 1 s: nothing listens there/)
  assert.is(notes.length, 1, 'what it waits for is said once')
})

test('a line that cannot be read is refused like any other, and a second run says the same', async ({
  dir,
  server,
}) => {
  const lines = (from: number) => Array.from({ length: 150 }, (_, i) => `{"who":"u${from + i}"}`).join('\n')
  const huge = join(dir, 'huge.ndjson')
  writeFileSync(huge, `${lines(0)}\n{"who":"big","t":"${'x'.repeat(1_300_000)}"}\n${lines(500)}\n`)
  const quote = join(dir, 'quote.csv')
  writeFileSync(quote, `who,n\n${'v,1\n'.repeat(150)}w,"open\nx,1\n`)
  for (const run of ['recorded', 'repeated'] as const) {
    const ofHuge = await runImport(optionsFor(server, huge, { format: 'ndjson' }))
    assert.equal(
      [ofHuge[run], ofHuge.refused, ofHuge.unreadableFrom, ofHuge.ended.kind],
      [300, 1, undefined, 'complete'],
    )
    assert.equal(
      refusedLines(huge).map(({ line }) => line),
      [151],
    )
    const ofQuote = await runImport(optionsFor(server, quote))
    assert.equal([ofQuote[run], ofQuote.refused, ofQuote.unreadableFrom, ofQuote.ended.kind], [150, 1, 152, 'complete'])
  }
})

test('a server that goes away for too long ends it with the counts so far; a later run completes it', async ({
  dir,
  server,
}) => {
  const file = visits(dir, 200)
  server.mood = (batch) => (batch > 3 ? 'cut after' : 'answer')
  const report = await runImport(optionsFor(server, file, { retryForMs: 500 }))
  if (report.ended.kind !== 'failed') throw new Error(`it ended: ${report.ended.kind}`)
  assert.match(report.ended.error.message, /did not answer for/)
  assert.is(report.recorded, 60)
  server.mood = () => 'answer'
  const rest = await runImport(optionsFor(server, file))
  assert.equal([rest.recorded + rest.repeated, server.events.length], [200, 200])
})

test('asked to stop, it finishes what is in flight and sends no more', async ({ dir, server }) => {
  const file = visits(dir, 400)
  const controller = new AbortController()
  server.mood = (batch) => {
    if (batch === 4) controller.abort()
    return 'answer'
  }
  const report = await runImport(optionsFor(server, file, { signal: controller.signal }))
  assert.is(report.ended.kind, 'interrupted')
  assert.is(report.recorded, server.events.length)
  assert.ok(report.recorded >= 80 && report.recorded < 400, `${report.recorded}`)
  const rest = await runImport(optionsFor(server, file))
  assert.equal([rest.recorded + rest.repeated, server.events.length], [400, 400])
})

test('asked to stop while it waits for the server, it does not wait', async ({ dir, server }) => {
  const controller = new AbortController()
  server.mood = () => 'cut before'
  const report = await runImport(
    optionsFor(server, visits(dir, 50), {
      signal: controller.signal,
      retryForMs: 600_000,
      onNote: () => controller.abort(),
    }),
  )
  assert.equal([report.ended.kind, report.recorded], ['interrupted', 0])
})

test.run()
