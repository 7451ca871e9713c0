// The catalogue of facts says what the registry says. UPDATE=1 writes it.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { eventsPage, missingFacts } from './eventsPage.ts'

const PAGE = join(import.meta.dirname, '../../src/domain/EVENTS.md')

test('every fact type is in the catalogue', () => {
  assert.equal(missingFacts(), [])
})

test('src/domain/EVENTS.md is as the registry has it: npm run events', () => {
  if (process.env.UPDATE) writeFileSync(PAGE, eventsPage())
  assert.is(readFileSync(PAGE, 'utf8'), eventsPage())
})

test.run()
