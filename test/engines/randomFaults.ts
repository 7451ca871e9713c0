// What servers do in production when things go wrong, at random: chances for the event log, fail points for the document store.
import { MongoClient } from 'mongodb'
import { type RandomFaults, seededRandom } from '../../src/engines/eventlog/index.ts'

/** The chance of each fault at each append, or at each batch of events to a subscriber. */
export const APPEND_AND_SUBSCRIPTION_CHANCES: RandomFaults['chances'] = {
  'not-leader': 0.01,
  'not-ready': 0.02,
  slow: 0.03,
  'lost-answer': 0.015,
  'answered-twice': 0.01,
  'never-answered': 0.003,
  'subscription-unavailable': 0.03,
  'subscription-too-slow': 0.02,
}

const COMMANDS = [
  'find',
  'getMore',
  'aggregate',
  'insert',
  'update',
  'delete',
  'bulkWrite',
  'findAndModify',
  'commitTransaction',
]

/** A failover as a driver sees it, lines that break, waits, and commits of which nobody knows whether they were applied. */
const FAULTS: readonly object[] = [
  // NotWritablePrimary, PrimarySteppedDown, ShutdownInProgress, InterruptedDueToReplStateChange
  ...[10107, 189, 91, 11602].map((errorCode) => ({ failCommands: COMMANDS, errorCode })),
  { failCommands: COMMANDS, closeConnection: true },
  { failCommands: COMMANDS, blockConnection: true, blockTimeMS: 200 },
  { failCommands: ['commitTransaction'], closeConnection: true },
  {
    failCommands: ['commitTransaction'],
    writeConcernError: { code: 64, codeName: 'WriteConcernFailed', errmsg: 'waiting for replication timed out' },
  },
  { failCommands: ['commitTransaction'], errorCode: 112, errorLabels: ['TransientTransactionError'] },
]

/** Fails about three in a hundred commands, one way after the other, until the server ends. */
export const failAtRandom = async (url: string, seed: number): Promise<void> => {
  const random = seededRandom(seed)
  const client = new MongoClient(url, { appName: 'faults' })
  try {
    for (;;) {
      await client.db('admin').command({
        configureFailPoint: 'failCommand',
        mode: { activationProbability: 0.02 + random() * 0.03 },
        data: FAULTS[Math.floor(random() * FAULTS.length)]!,
      })
      await new Promise((resolve) => setTimeout(resolve, 50 + random() * 250))
    }
  } finally {
    await client.close()
  }
}
