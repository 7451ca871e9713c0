// Which event stores a node works with: it asks for the version at its start, and names the one that it needs.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createEventStore, StoreUnavailable } from '../../src/eventstore/index.ts'
import { checkVersion } from '../../src/eventstore/version.ts'
import { UnusableServer } from '../../src/line/unusable.ts'
import { embedded, startEventLogEngine } from '../projector/engines.ts'
import { testCodec } from '../projector/facts.ts'
import { startScripted } from './scripted.ts'

const asked = async (url: string): Promise<string> => {
  const store = createEventStore({ url, codec: testCodec })
  try {
    return await store.checkServer()
  } finally {
    await store.close()
  }
}
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

test('versions from 23.10 on are taken, and builds without a number', () => {
  for (const version of [
    '23.10.0',
    '23.10.2-rc1',
    '24.2.0',
    '24.10.5',
    '25.0.1',
    '26.1',
    'v24.6.0',
    '0.0.0.0',
    'oss-main',
  ])
    checkVersion(version, 'here:2113')
})

test('older ones are refused by name, with the address', () => {
  for (const version of ['5.0.11', '20.10.2', '22.10.5', '23.6.0', '23.9.9'])
    assert.throws(
      () => checkVersion(version, 'here:2113'),
      (error: Error) => {
        assert.instance(error, UnusableServer)
        assert.is(
          error.message,
          `The EventStoreDB at here:2113 is too old (version ${version}): version 23.10 or later is needed`,
        )
        return true
      },
    )
})

test('a server says its version when it is asked', async () => {
  const engine = await startEventLogEngine()
  const version = await asked(engine.url)
  await engine.end()
  if (embedded) assert.is(version, '24.6.0')
  else assert.match(version, /./)
})

test('one that is too old, or too old to know the question, is refused', async () => {
  for (const [version, said] of [
    ['22.10.1', 'is too old (version 22.10.1)'],
    [undefined, 'is so old that it does not tell its version'],
  ] as const) {
    const old = await startScripted({ version })
    const error = await failure(asked(old.url))
    await old.stop()
    assert.instance(error, UnusableServer)
    assert.ok(String(error).includes(`127.0.0.1:${new URL(old.url).port} ${said}`), String(error))
  }
})

test('where nothing listens, it may be asked again', async () => {
  const gone = await startScripted()
  await gone.stop()
  assert.instance(await failure(asked(gone.url)), StoreUnavailable)
})

test.run()
