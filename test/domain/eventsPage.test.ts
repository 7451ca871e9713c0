// The catalogue of facts says what the registry says. UPDATE=1 writes it.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type CustomerFactType, customerFacts } from '../../src/domain/customer/facts.ts'
import { familyOf } from '../../src/domain/customer/families.ts'
import { FACT_FAMILIES, factRegistry } from '../../src/domain/registry.ts'
import { eventsPage } from './eventsPage.ts'

const PAGE = join(import.meta.dirname, '../../src/domain/EVENTS.md')

test('every row of a fact is in the registry, under one family', () => {
  const types = FACT_FAMILIES.flatMap(({ facts }) => Object.keys(facts))
  assert.is(new Set(types).size, types.length)
  assert.equal(Object.keys(factRegistry), types)
  for (const type of Object.keys(customerFacts)) assert.ok(Object.hasOwn(factRegistry, type), type)
})

test('every fact of a customer has a family that evolves and shows it', () => {
  for (const type of Object.keys(customerFacts) as CustomerFactType[]) assert.ok(familyOf({ type }).facts[type], type)
})

test('src/domain/EVENTS.md is as the registry has it: npm run events', () => {
  if (process.env.UPDATE) writeFileSync(PAGE, eventsPage())
  assert.is(readFileSync(PAGE, 'utf8'), eventsPage())
})

test.run()
