// The README's table of settings has each of them, with what it is by default, and no other.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { SETTINGS } from '../src/config.ts'

const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
const coded = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text!)

/** Names and the defaults that stand beside them, in the order of the table. */
const told = [...readme.matchAll(/^\| ((?:`[A-Z][A-Z0-9_]+`(?:, )?)+) \| ([^|]+) \|/gm)].flatMap(
  ([, names, defaults]) => {
    const values = coded(defaults!)
    return coded(names!).map((name, i) => [name, values.length > 1 ? values[i] : (values[0] ?? defaults!)] as const)
  },
)

test('the table names each setting once, and nothing that is none', () => {
  assert.equal(told.map(([name]) => name).sort(), [...SETTINGS.keys()].sort())
})

test('the table tells the default that the program has', () => {
  const wrong = told.filter(([name, value]) => {
    const fallback = SETTINGS.get(name)
    return fallback !== undefined && value !== fallback
  })
  assert.equal(wrong, [])
})

test.run()
