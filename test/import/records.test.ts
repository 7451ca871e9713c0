// Files read record by record: CSV with quotes, marks and line ends of every kind; JSON lines; what is no record.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { InputError } from '../../src/import/errors.ts'
import { type FileFormat, formatOf, openRecords, type SourceRecord } from '../../src/import/records.ts'

const dir = mkdtempSync(join(tmpdir(), 'tributary-records-'))
const test = suite('records')
test.after(() => rmSync(dir, { recursive: true }))

const read = async (content: string | Buffer, format: FileFormat, delimiter = ',') => {
  const path = join(dir, 'file')
  writeFileSync(path, content)
  const { columns, records } = await openRecords(path, { format, delimiter })
  const all: SourceRecord[] = []
  for await (const record of records) all.push(record)
  return { columns, records: all, fields: all.map(({ fields }) => fields) }
}

const failure = async (reading: Promise<unknown>): Promise<string> => {
  try {
    await reading
  } catch (error) {
    assert.instance(error, InputError)
    return error instanceof Error ? error.message : ''
  }
  throw new Error('it was read')
}

test('CSV: marks, quotes, empty lines, line ends and lines that end a record', async () => {
  const { columns, records } = await read('\ufeffid , note\r\n1,"a, ""b""\r\nc"\r\n\r\n2,5" pipe\r\n', 'csv')
  assert.equal(columns, ['id', 'note'])
  assert.equal(
    records.map(({ line, fields }) => ({ line, fields })),
    [
      { line: 3, fields: { id: '1', note: 'a, "b"\r\nc' } },
      { line: 5, fields: { id: '2', note: '5" pipe' } },
    ],
  )
})

test('CSV: the bytes of the records are those of the file after its header', async () => {
  const content = 'a,b\n1,2\n\n"x\ny",ż\n3,4'
  const { records } = await read(content, 'csv')
  assert.is(
    records.reduce((sum, { bytes }) => sum + bytes, 0),
    Buffer.byteLength(content) - Buffer.byteLength('a,b\n'),
  )
})

test('CSV: a record with other cells than the header, or no text, is kept with its fault; the next one is read', async () => {
  const broken = Buffer.concat([
    Buffer.from('a,b\n1\n1,2,3\n'),
    Buffer.from([0xe9, 0x2c, 0x31, 0x0a]),
    Buffer.from('5,6\n'),
  ])
  const { records } = await read(broken, 'csv')
  assert.equal(
    records.map(({ line, fault, fields }) => [line, fault, fields]),
    [
      [2, 'has 1 cells where the header has 2', undefined],
      [3, 'has 3 cells where the header has 2', undefined],
      [4, 'is not UTF-8', undefined],
      [5, undefined, { a: '5', b: '6' }],
    ],
  )
})

test('CSV: a header with a name twice, an empty file and an open quote are errors that say so', async () => {
  assert.match(await failure(read('a,b,a\n1,2,3\n', 'csv')), /"a" is there twice/)
  assert.match(await failure(read('', 'csv')), /is empty/)
  assert.match(await failure(read('a,b\n"1,2\n3,4\n', 'csv')), /Quote Not Closed.*cannot be read past/)
})

test('CSV: other delimiters', async () => {
  assert.equal((await read('a\tb\n1\t2,3\n', 'csv', '\t')).fields, [{ a: '1', b: '2,3' }])
})

test('NDJSON: only a line feed ends a line; blank lines are none; what is no object has a fault', async () => {
  const { columns, records } = await read('{"a":"x\u2028y"}\r\n\n[1]\n{"a":\n"text"\n{"a":2}', 'ndjson')
  assert.is(columns, undefined)
  assert.equal(
    records.map(({ line, fault, fields }) => [line, fault, fields]),
    [
      [1, undefined, { a: 'x\u2028y' }],
      [3, 'is not a JSON object', undefined],
      [4, 'is not JSON in UTF-8', undefined],
      [5, 'is not a JSON object', undefined],
      [6, undefined, { a: 2 }],
    ],
  )
})

test('NDJSON: lines longer than a chunk of the file are read whole; a line without end is an error', async () => {
  const long = 'x'.repeat(300_000)
  assert.equal((await read(`{"a":"${long}"}\n{"a":1}\n`, 'ndjson')).fields, [{ a: long }, { a: 1 }])
  assert.match(await failure(read('x'.repeat(3_000_000), 'ndjson')), /a line has more than/)
})

test('CSV: whatever texts are written, the same are read', async () => {
  const cell = fc.string({ unit: 'binary' }).map((text) => text.replaceAll(/[\ufffd\ud800-\udfff]/gu, '?'))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 5 }), async (rows) => {
      const quoted = rows.map((row) => row.map((text) => `"${text.replaceAll('"', '""')}"`).join(','))
      const { fields } = await read(`a,b\n${quoted.join('\n')}\n`, 'csv')
      assert.equal(
        fields,
        rows.map(([a, b]) => ({ a, b })),
      )
    }),
    { numRuns: process.env.SOAK === '1' ? 1_000 : 50 },
  )
})

test('the format follows from the name', () => {
  assert.is(formatOf('/a/b.ndjson'), 'ndjson')
  assert.is(formatOf('b.JSONL'), 'ndjson')
  assert.is(formatOf('b.csv'), 'csv')
  assert.is(formatOf('b'), 'csv')
})

test.run()
