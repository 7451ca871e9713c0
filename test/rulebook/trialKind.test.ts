// A kind of definition is two files and their rows: a trial of one, of two objects that are put into the tables before anything
// looks at them, is made, read, listed, changed, switched and deleted, and is in the log, the catalogue and the API document.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import type { Kind } from '../../src/domain/rulebook/kind.ts'
import type { KindName } from '../../src/domain/rulebook/kinds.ts'

test('a trial kind goes through everything', async () => {
  // The tables first: what follows from them is made when a module is first asked for.
  const { kinds, kindNames } = await import('../../src/domain/rulebook/kinds.ts')
  const { definitionResource, bodiesOf } = await import('../../src/api/definitions/resource.ts')
  const { shownAs } = await import('../../src/api/presenters/parts.ts')
  const { namedListQuery } = await import('../../src/api/lists/definitions.ts')
  const { RESOURCES } = await import('../../src/api/definitions/index.ts')

  const Trial = v.object({
    name: v.pipe(v.string(), v.minLength(1)),
    segment_id: v.optional(v.string()),
    active: v.optional(v.boolean(), true),
  })
  const trialKind: Kind<v.InferOutput<typeof Trial>> = {
    fact: 'Trial',
    prefix: 'trial',
    resource: 'trial',
    schema: Trial,
    uniqueName: ({ name }) => name,
    check: (_, { segment_id: id }, all) =>
      id === undefined || all.entries.segment?.has(id) ? [] : [{ path: 'segment_id', message: 'must name a segment' }],
    uses: ({ segment_id: id }) => (id === undefined ? [] : [{ kind: 'segment', id }]),
  }
  // The types of the tables know nothing of it.
  const trials = definitionResource(
    'trial' as KindName,
    {
      path: '/v1/trials',
      tag: 'Trials',
      one: 'a trial',
      many: 'trials',
      ...bodiesOf(Trial),
      ...shownAs('trial', 'Trial', Trial.entries),
      switches: { enable: { summary: 'Enable a trial' }, disable: { summary: 'Disable a trial' } },
      list: { texts: ['name'], query: v.object(namedListQuery) },
    } as never,
  )
  Object.assign(kinds, { trial: trialKind })
  ;(kindNames as string[]).push('trial')
  ;(RESOURCES as unknown[]).push(trials)

  const { testNode } = await import('../system/node.ts')
  const { factRegistry } = await import('../../src/domain/registry.ts')
  const { RULEBOOK_STREAM } = await import('../../src/domain/ids.ts')
  const node = await testNode()
  try {
    const ask = (method: string, path: string, body?: unknown) => node.call(method, path, body, { as: 'admin' })
    const segment = (await ask('POST', '/v1/segments', { name: 's', type: 'static', customers: [] })).body
    assert.is((await ask('POST', '/v1/trials', { name: 'one', colour: 'red' })).status, 400)
    const unfit = await ask('POST', '/v1/trials', { name: 'one', segment_id: 'seg_none' })
    assert.is(unfit.body.details, 'Property .segment_id must name a segment')
    const made = await ask('POST', '/v1/trials', { name: 'one', segment_id: segment.id })
    const { id } = made.body
    assert.match(id, /^trial_/)
    assert.equal(made.body, {
      id,
      name: 'one',
      segment_id: segment.id,
      active: true,
      created_at: made.body.created_at,
      object: 'trial',
    })
    assert.is((await ask('POST', '/v1/trials', { name: 'one' })).status, 409)
    assert.is((await ask('DELETE', `/v1/segments/${segment.id}`)).body.key, 'resource_in_use')

    const got = await ask('GET', `/v1/trials/${id}`)
    assert.equal([got.status, got.body], [200, made.body])
    await ask('POST', '/v1/trials', { name: 'two' })
    const list = await ask('GET', '/v1/trials?order=name&limit=1&filters[name][conditions][$is][0]=two')
    assert.equal([list.body.total, list.body.data[0].name], [1, 'two'])
    const changed = await node.call(
      'PUT',
      `/v1/trials/${id}`,
      { name: 'uno' },
      { as: 'admin', headers: { 'If-Match': got.headers.get('etag')! } },
    )
    assert.equal([changed.status, changed.body.name, changed.body.segment_id], [200, 'uno', segment.id])
    assert.is((await ask('POST', `/v1/trials/${id}/disable`)).body.active, false)
    assert.is((await ask('POST', `/v1/trials/${id}/enable`)).body.active, true)
    assert.is((await ask('DELETE', `/v1/trials/${id}`)).status, 204)
    assert.is((await ask('GET', `/v1/trials/${id}`)).body.details, `Cannot find trial with id ${id}`)

    const types: string[] = []
    for await (const fact of node.services.store.readStream(RULEBOOK_STREAM))
      if (fact.type.startsWith('Trial')) types.push(fact.type)
    assert.equal(types, [
      'TrialCreated',
      'TrialCreated',
      'TrialUpdated',
      'TrialDisabled',
      'TrialEnabled',
      'TrialDeleted',
    ])
    for (const type of types) assert.ok(type in factRegistry, type)

    const { body: document } = await ask('GET', '/openapi.json')
    assert.equal(Object.keys(document.paths['/v1/trials']), ['post', 'get'])
    assert.equal(Object.keys(document.paths['/v1/trials/{id}']).sort(), ['delete', 'get', 'put'])
    assert.ok(document.components.schemas.Trial)
  } finally {
    await node.end()
  }
})

test.run()
