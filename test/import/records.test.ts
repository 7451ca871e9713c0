// Files read record by record: CSV with quotes, marks and line ends of every kind; JSON lines; what is no record.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { InputError } from '../../src/import/errors.ts'
import { type FileFormat, formatOf, openRecords, type SourceRecord } from '../../src/import/records.ts'
import fc from '../fc.ts'
import { times } from '../soak.ts'

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

test('CSV: a header with a name twice, an empty file and a header that cannot be read are errors that say so', async () => {
  assert.match(await failure(read('a,b,a\n1,2,3\n', 'csv')), /"a" is there twice/)
  assert.match(await failure(read('', 'csv')), /is empty/)
  assert.match(await failure(read('a,"b\n1,2\n', 'csv')), /first line.*a quote opens/)
})

const told = async (content: string, format: FileFormat) =>
  (await read(content, format)).records.map(
    ({ line, fault, fields }) => fault ?? `${line}: ${Object.values(fields ?? {}).join('|')}`,
  )

/** A line of so many bytes, one over the bound by default. */
const LIMIT = 1024 * 1024
const isFaultOf = (fault: string, records: readonly SourceRecord[]) =>
  records.filter((r) => r.fault?.includes(fault)).map(({ line }) => line)

test('a line over the bound is refused with its number wherever it is and whatever it holds; its neighbours are read', async () => {
  const fill = (bytes: number) => 'x'.repeat(bytes)
  const csv = [
    ['bare', (n: number) => `c,${fill(n - 2)}`, 0],
    ['quoted', (n: number) => `c,"${fill(n - 4)}"`, 0],
    ['quoted over lines, with all that means something', (n: number) => `c,"${',""\r\n'.repeat(9)}${fill(n - 49)}"`, 9],
    ['of many cells', (n: number) => `c${','.repeat(n - 1)}`, 0],
    ['of long letters', (n: number) => `c,${'ż'.repeat(n / 2 - 1)}`, 0],
  ] as const
  for (const [what, long, lines] of csv)
    for (const [size, after] of [
      [LIMIT + 2, '\nd,4\ne,"5"\n'],
      [2 * LIMIT, ''],
    ] as const) {
      const { records } = await read(`a,b\n1,2\n"x\ny",3\n${long(size)}${after}`, 'csv')
      const at = 5 + lines
      assert.equal(isFaultOf('longer than 1048576 bytes', records), [at], what)
      assert.equal(
        records.filter(({ fields }) => fields).map(({ line, fields }) => [line, fields!.a]),
        [
          [2, '1'],
          [4, 'x\ny'],
          ...(after === ''
            ? []
            : [
                [at + 1, 'd'],
                [at + 2, 'e'],
              ]),
        ],
        what,
      )
      assert.ok(records.every(({ content }) => content.length <= 1_000))
    }
  const whole = await read(`a,b\n1,${fill(LIMIT - 2)}\r\n1,${fill(LIMIT - 1)}\r\n`, 'csv')
  assert.equal(isFaultOf('longer', whole.records), [3], 'the bound itself is within; the line end does not count')
  const json = (n: number) => `{"a":"${fill(n - 8)}"}`
  for (const sizes of [
    [LIMIT, LIMIT + 1, 9, LIMIT + 70_000, 9],
    [9, 3 * LIMIT],
  ]) {
    const { records } = await read(sizes.map(json).join('\n'), 'ndjson')
    assert.equal(
      isFaultOf('longer than 1048576 bytes', records),
      sizes.flatMap((n, i) => (n > LIMIT ? [i + 1] : [])),
    )
    assert.equal(records.length, sizes.length)
  }
})

test('CSV: a quote that runs on costs its own line only; past one that is never closed nothing is read', async () => {
  const stray = 'a quote opens on this line that is not closed where a cell ends'
  const never = 'a quote opens on this line that is never closed: nothing after it can be read'
  assert.equal(await told('a,b\n1,2\n3,"open\n4,"5"\n"6\n7",8\n', 'csv'), ['2: 1|2', stray, '4: 4|5', '6: 6\n7|8'])
  const { records } = await read('a,b\n1,2\n3,"open\n4,5\n', 'csv')
  assert.equal(
    records.map(({ line, fault, isLast }) => [line, fault, isLast]),
    [
      [2, undefined, undefined],
      [3, never, true],
    ],
  )
  const long = await read(`a,b\n1,2\n"x\n",3\n4,"${'open\n'.repeat(500_000)}`, 'csv')
  assert.equal(isFaultOf(never, long.records), [5])
  assert.equal(long.records.length, 3)
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

test('NDJSON: a line that would not be taken as it was said has a fault', async () => {
  const { records } = await read('{"a":1,"a":2}\n{"a":{"n":9007199254740993}}\n{"a":9007199254740991}', 'ndjson')
  assert.equal(
    records.map(({ fault }) => fault?.slice(0, 35)),
    ['Property .a is given twice in one o', 'Property .a.n must be between -9007', undefined],
  )
})

test('NDJSON: lines longer than a chunk of the file are read whole', async () => {
  const long = 'x'.repeat(300_000)
  assert.equal((await read(`{"a":"${long}"}\n{"a":1}\n`, 'ndjson')).fields, [{ a: long }, { a: 1 }])
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
    { numRuns: times(50, 1_000) },
  )
})

test('the format follows from the name', () => {
  assert.is(formatOf('/a/b.ndjson'), 'ndjson')
  assert.is(formatOf('b.JSONL'), 'ndjson')
  assert.is(formatOf('b.csv'), 'csv')
  assert.is(formatOf('b'), 'csv')
})

test.run()
