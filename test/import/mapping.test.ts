// Mapping of records to events: defaults, options, profile, ids that hold, and every fault by its column.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { customerOf, mappingOfCustomers } from '../../src/import/aloneMapping.ts'
import { InputError } from '../../src/import/errors.ts'
import { completeMapping, schemaOf } from '../../src/import/mapping.ts'
import { type MappingFile, parseMappingFile, parseMetadataOption } from '../../src/import/mappingFile.ts'
import { idOfRecord, mapRecord } from '../../src/import/mapRecord.ts'
import fc from '../fc.ts'

const bodyOf = (file: MappingFile, fields: Readonly<Record<string, unknown>>, columns?: readonly string[]) => {
  const mapped = mapRecord(completeMapping(file, columns), {
    line: 2,
    bytes: 1,
    content: JSON.stringify(fields),
    fields,
  })
  if (!mapped.ok) throw new Error(mapped.faults.join('; '))
  return mapped.body
}

const faultsOf = (file: MappingFile, fields: Readonly<Record<string, unknown>>, columns?: readonly string[]) => {
  const mapped = mapRecord(completeMapping(file, columns), { line: 2, bytes: 1, content: '', fields })
  return mapped.ok ? [] : mapped.faults
}

const inputError = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    assert.instance(error, InputError)
    return error instanceof Error ? error.message : ''
  }
  throw new Error('it was accepted')
}

test('without any mapping: source_id, occurred_at, and the rest as it is', () => {
  const fields = { source_id: ' 7 ', occurred_at: '2024-01-01T00:00:00Z', shop: 'Krakow', note: '' }
  const body = bodyOf({ event: 'visit' }, fields, Object.keys(fields))
  assert.equal(body, {
    event: 'visit',
    customer: { source_id: '7' },
    id: body.id,
    occurred_at: '2024-01-01T00:00:00.000Z',
    metadata: { shop: 'Krakow' },
  })
})

test('without a time column the event has the time of its arrival', () => {
  const body = bodyOf({ event: 'visit' }, { source_id: '7' }, ['source_id'])
  assert.not('occurred_at' in body)
})

test('columns by name, types, other property names and the star', () => {
  const fields = { household: '1', at: '1483273827', quantity: '2', value: '1.5', store: '319' }
  const file: MappingFile = {
    event: 'purchase',
    customer: 'household',
    occurred_at: { column: 'at', format: 'unix' },
    ...parseMetadataOption('quantity:number, value:money=amount, *'),
  }
  const body = bodyOf(file, fields, Object.keys(fields))
  assert.equal(body.metadata, { quantity: 2, amount: 150, store: '319' })
  assert.is(body.occurred_at, '2017-01-01T12:30:27.000Z')
  assert.equal(schemaOf('purchase', completeMapping(file, Object.keys(fields))), {
    name: 'purchase',
    schema: {
      properties: {
        quantity: { type: 'number', optional: true },
        amount: { type: 'number', optional: true },
        store: { type: 'string', optional: true },
      },
    },
  })
})

test('a mapping file: profile, nested columns, mandatory properties, zone, decimal sign', () => {
  const file = parseMappingFile(
    'm.json',
    JSON.stringify({
      event: 'order',
      customer: { source_id: 'buyer.id', email: 'buyer.mail', metadata: { tier: { column: 'tier' }, vip: 'boolean' } },
      id: ['order', 'line'],
      id_prefix: 'o-',
      occurred_at: 'at',
      time_zone: 'Europe/Warsaw',
      decimal_sign: ',',
      metadata: { total: { type: 'money', optional: false } },
    }),
  )
  const fields = {
    buyer: { id: 5, mail: 'a@b.c' },
    tier: 'Gold',
    vip: 'yes',
    order: 'A1',
    line: 3,
    at: '2024-07-01 12:00',
    total: '9,99',
    more: true,
  }
  assert.equal(bodyOf(file, fields), {
    event: 'order',
    customer: { source_id: '5', email: 'a@b.c', metadata: { tier: 'Gold', vip: true } },
    id: 'o-A1-3',
    occurred_at: '2024-07-01T10:00:00.000Z',
    metadata: { total: 999 },
  })
  assert.equal(faultsOf(file, { ...fields, total: '' }), ['total: must not be empty'])
})

test('JSON records: what nothing uses is metadata as it is; an absent default time is the time of arrival', () => {
  const body = bodyOf({ event: 'click', customer: 'user.id' }, { user: { id: 'u' }, tags: ['a'], n: 1, none: null })
  assert.equal(body.metadata, { tags: ['a'], n: 1 })
  assert.not('occurred_at' in body)
})

test('the name of the event is in its id unless told otherwise, and may come from a column, as metadata may', () => {
  const columns = ['order_id', 'source_id', 'kind', 'data']
  const fields = { order_id: '1', source_id: 'bob', kind: 'paid', data: '{"n":1,"m":{"a":[]}}' }
  const idWith = (more: MappingFile) => bodyOf({ id: 'order_id', ...more }, fields, columns).id
  assert.is(idWith({ event: 'order' }), 'order-1')
  assert.is(idWith({ event: 'payment' }), 'payment-1')
  assert.is(idWith({ event: 'order', id_prefix: '' }), '1')
  assert.is(idWith({ event: { column: 'kind' } }), 'paid-1')
  assert.is(idWith({ event: { column: 'kind' }, id: ['order_id', 'kind'] }), '1-paid')
  const file: MappingFile = { event: { column: 'kind' }, metadata_column: 'data' }
  const body = bodyOf(file, fields, columns)
  assert.equal([body.event, body.metadata], ['paid', { n: 1, m: { a: [] } }])
  assert.equal(bodyOf(file, { ...fields, data: { n: 2 } }).metadata, { n: 2 })
  assert.equal(bodyOf({ ...file, rest: true }, { ...fields, data: { n: 2 } }).metadata, { n: 2, order_id: '1' })
  assert.equal(faultsOf(file, { ...fields, kind: ' ', data: '[1]' }, columns), [
    "kind: an event's name must not be empty",
    'data: is not a JSON object',
  ])
})

test('customers alone: columns called like the profile make it, the others are metadata', () => {
  const ofFile = (file: MappingFile, fields: Readonly<Record<string, unknown>>, columns?: readonly string[]) =>
    customerOf(bodyOf(mappingOfCustomers(file, columns), fields, columns))
  const fields = { source_id: 'ann', email: 'a@b.c', 'address.city': 'Gdansk', tier: 'gold', name: '' }
  const ann = { source_id: 'ann', email: 'a@b.c', address: { city: 'Gdansk' }, metadata: { tier: 'gold' } }
  assert.equal(ofFile({}, fields, Object.keys(fields)), ann)
  const record = { source_id: 'ann', email: 'a@b.c', address: { city: 'Gdansk' }, metadata: { tier: 'gold' } }
  assert.equal(ofFile({}, record), ann)
  const more = { source_id: 'ann', address: { city: 'X', zip: '1', state: null }, unsubscribed: ['email'] }
  assert.equal(ofFile({}, more), {
    source_id: 'ann',
    address: { city: 'X', zip: '1' },
    unsubscribed: ['email'],
    metadata: {},
  })
  const out = { source_id: 'ann', unsubscribed: 'email; sms' }
  assert.equal(ofFile({}, out, Object.keys(out)).unsubscribed, ['email', 'sms'])
  assert.equal(ofFile({}, { source_id: 'ann', 'address.city': 'X' }).address, { city: 'X' })
  assert.equal(ofFile({ customer: 'id' }, { id: 7, source_id: 'x' }), { source_id: '7', metadata: { source_id: 'x' } })
})

test('every fault of a record is named by its column', () => {
  const file: MappingFile = {
    event: 'e',
    customer: 'c',
    id: 'i',
    occurred_at: 't',
    metadata: { n: 'number', b: 'boolean' },
  }
  assert.equal(faultsOf(file, { c: '', i: '', t: '', n: 'x', b: 'maybe' }, ['c', 'i', 't', 'n', 'b']), [
    "c: a customer's source_id must not be empty",
    "i: an event's id must not be empty",
    'n: "x" is not a number',
    'b: "maybe" is neither true nor false',
    't: must not be empty',
  ])
  assert.match(faultsOf(file, { c: 'x', i: 'y'.repeat(300), t: '2024-01-01' }, ['c', 'i', 't', 'n', 'b'])[0]!, /255/)
})

test('a mapping that cannot be used says what and where', () => {
  assert.match(
    inputError(() => completeMapping({ event: 'e', customer: 'who', occurred_at: 'when' }, ['a', 'b'])),
    /no column "who", "when". Its columns: a, b/,
  )
  assert.match(
    inputError(() => completeMapping({}, ['source_id'])),
    /--event NAME/,
  )
  assert.match(
    inputError(() => parseMetadataOption('a:colour')),
    /no type "colour"/,
  )
  assert.match(
    inputError(() => parseMetadataOption('a=x,b=x')),
    /named twice/,
  )
  assert.match(
    inputError(() => parseMetadataOption('a,,b')),
    /COLUMN\[:TYPE\]/,
  )
  assert.match(
    inputError(() => parseMappingFile('m', '{')),
    /not JSON/,
  )
  assert.match(
    inputError(() => parseMappingFile('m', '{"event":"e","metadata":{"a":"colour"},"time_zone":"Mars/Base"}')),
    /metadata\.a: must be a type[\s\S]*time_zone: must be an IANA time zone/,
  )
  assert.match(
    inputError(() => parseMappingFile('m', '{"evnt":"e"}')),
    /evnt/,
  )
  assert.match(
    inputError(() => completeMapping({ event: 'e', ...parseMetadataOption('b=c,*') }, ['source_id', 'b', 'c'])),
    /"c" and a mapped property have one name/,
  )
})

test('the id of a record follows from its line and content, and from nothing else', () => {
  fc.assert(
    fc.property(
      fc.tuple(fc.string(), fc.nat(), fc.string()),
      fc.tuple(fc.string(), fc.nat(), fc.string()),
      ([event, line, content], [event2, line2, content2]) => {
        const same = event === event2 && line === line2 && content === content2
        const id = idOfRecord(event, { line, content })
        assert.is(id, idOfRecord(event, { line, content }))
        assert.is(id === idOfRecord(event2, { line: line2, content: content2 }), same)
        assert.match(id, /^imp_[\w-]{32}$/)
      },
    ),
  )
})

test.run()
