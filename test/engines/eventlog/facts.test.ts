// The recorded answers of a real server hold on the server under test: appends, reads, deletes, metadata, links, subscriptions.
import { readdirSync, readFileSync } from 'node:fs'
import { EventStoreDBClient } from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { eventStoreUnderTest } from '../servers.ts'
import { Facts, replayScenario, type Scenario } from './replay.ts'

/** Scenarios have streams of their own, so that many run at the same time. */
const AT_ONCE = 40

const folder = new URL('../../facts/event-log/', import.meta.url)
const files = readdirSync(folder).map((file) => ({
  file,
  facts: v.parse(v.pipe(v.string(), v.parseJson(), Facts), readFileSync(new URL(file, folder), 'utf8')),
}))

/** What looks at the end of $all, or counts what was written there, must be alone. */
const mustBeAlone = ({ steps }: Scenario): boolean =>
  steps.some((step) => step.op === 'readAll' || (step.op === 'seen' && step.checkpoints))
/** A subscriber to $all that is overrun by others' events would be told again that it has caught up. */
const isDisturbed = ({ steps }: Scenario): boolean =>
  steps.some((step) => step.op === 'subscribe' && step.stream === '$all')

const server = await eventStoreUnderTest()
const client = EventStoreDBClient.connectionString(server.url)
const differences = new Map<Scenario, readonly string[]>()
/** Scenarios that wait for quiet take long and go first. */
const waits = ({ steps }: Scenario): number => steps.filter(({ op }) => op === 'seen' || op === 'wait').length
const replay = async (scenarios: readonly Scenario[], atOnce: number) => {
  const queue = scenarios.toSorted((a, b) => waits(b) - waits(a))
  const next = async () => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
      differences.set(one, await replayScenario(client, one))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, next))
}
const all = files.flatMap(({ facts }) => facts.scenarios)
const together = all.filter((scenario) => !mustBeAlone(scenario))
await replay(
  together.filter((scenario) => !isDisturbed(scenario)),
  AT_ONCE,
)
await replay(together.filter(isDisturbed), AT_ONCE)
await replay(all.filter(mustBeAlone), 1)
// The server gives up a write after 2 s, which a disk that others keep busy can take; and a given server may have other
// writers at the end of $all. What differed is asked again, alone.
for (let again = server.kind === 'given' ? 5 : 1; again > 0; again--) {
  await replay(
    all.filter((scenario) => differences.get(scenario)!.length > 0),
    1,
  )
}
await client.dispose()
await server.end()

for (const { file, facts } of files) {
  const topic = suite(`${file}: ${facts.title}`)
  for (const scenario of facts.scenarios) {
    topic(scenario.name, () => assert.equal(differences.get(scenario), []))
  }
  topic.run()
}
