// The recorded answers of a real server hold on the server under test: queries, sorts, projections, updates, aggregation,
// indexes, transactions.
import { readdirSync, readFileSync } from 'node:fs'
import { MongoClient } from 'mongodb'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { documentStoreUnderTest } from '../servers.ts'
import { Facts, replayScenario, type Scenario, type Verdict } from './replay.ts'

/** Scenarios have databases of their own, so that many run at the same time. */
const AT_ONCE = 12

/**
 * The record is of a server between 4.4 and 5.0. Newer ones are documented to answer these otherwise; the embedded store
 * keeps to the record, which is the stricter of the two, a newer real server need not.
 */
const NEWER: ReadonlyMap<string, string> = new Map([
  ['update {"$set":{}}', 'since 5.0 an operator without fields changes nothing and is no error'],
  ['collections: create, drop, rename', 'since 7.0 dropping what is not there is no error'],
  ['commands', 'since 5.0 unknown fields of commands have an error code of their own'],
  ['an index inside', 'since 4.4 an index may be made in a transaction on a new collection'],
])

const folder = new URL('../../facts/documents/', import.meta.url)
const files = readdirSync(folder).map((file) => ({
  file,
  facts: v.parse(v.pipe(v.string(), v.parseJson(), Facts), readFileSync(new URL(file, folder), 'utf8')),
}))

const server = await documentStoreUnderTest()
const client = new MongoClient(server.url, { retryWrites: false, serverSelectionTimeoutMS: 5000 })
await client.connect()
const verdicts = new Map<Scenario, Verdict>()
const queue = files.flatMap(({ facts }) => facts.scenarios.map((scenario) => ({ scenario, before: facts.before })))
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift())
      verdicts.set(next.scenario, await replayScenario(client, next.before, next.scenario))
  }),
)
await client.close()
await server.end()

for (const { file, facts } of files) {
  const topic = suite(`${file}: ${facts.title}`)
  for (const scenario of facts.scenarios)
    topic(scenario.name, () => {
      const verdict = verdicts.get(scenario)!
      if (server.kind !== 'embedded' && NEWER.has(scenario.name)) return
      // Nothing that was recorded is refused, so a refusal would be a step back.
      assert.equal(verdict, { kind: 'passed' })
    })
  topic.run()
}
