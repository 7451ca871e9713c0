// A dispatcher as a process of its own, which kills itself at a given step of the protocol: started by kill.test.ts.
import { once } from 'node:events'
import { startDelivery } from '../../src/delivery/index.ts'
import { createSenders } from '../../src/delivery/senders.ts'
import { derivedSecret } from '../../src/delivery/sign.ts'
import { factRegistry } from '../../src/domain/registry.ts'
import { createCodec } from '../../src/eventstore/codec.ts'
import { createEventStore } from '../../src/eventstore/index.ts'
import { createLogger } from '../../src/log.ts'
import { createReadModel } from '../../src/readmodel/index.ts'
import { startRulebook } from '../../src/runtime/rulebook.ts'
import { createSetAside } from '../../src/worker/setAside.ts'
import { QUICK } from './quick.ts'

const { EVENTSTORE_URL: eventStore, EVENTSTORE_NAMESPACE: namespace, DIE_AT, DIE_AFTER } = process.env
const { MONGODB_URL: mongodb, MONGODB_DATABASE: database } = process.env
let left = Number(DIE_AFTER)

/** Counts down at the step that this process is to die at. */
const step = (name: string): void => {
  if (name === DIE_AT && --left <= 0) process.kill(process.pid, 'SIGKILL')
}

const log = createLogger('fatal')
const store = createEventStore({ url: eventStore ?? '', namespace, codec: createCodec(factRegistry), log })
const readModel = createReadModel({ url: mongodb ?? '', database: database ?? '', log })
const rulebook = await startRulebook({ store, project: { id: 'proj_main', timeZone: 'UTC' }, log, now: Date.now })
const ends = createSenders({
  timeoutMs: QUICK.timeoutMs,
  allowPrivate: true,
  secret: () => derivedSecret('any'),
  now: Date.now,
  emailFrom: 'a@b.test',
  maxConnections: 1,
})
await once(process.stdin, 'data')
await startDelivery({
  aside: createSetAside({ readModel, log, now: Date.now }),
  ...QUICK,
  config: {
    isOn: true,
    concurrency: 8,
    allowPrivate: true,
    signingSecret: undefined,
    smtpUrl: undefined,
    emailFrom: 'a@b.test',
    smsUrl: undefined,
    smsAuthorization: undefined,
    messagesPerAddress: 50,
  },
  // Leases of the dead are to end soon. Only one dispatcher works at a time: nobody takes a slow one's messages over.
  timeoutMs: 400,
  leaseMs: 5_000,
  rulebook: rulebook.current,
  log,
  readModel,
  store: {
    head: store.head,
    readStream(stream, options) {
      // The first that a dispatcher does with a message it has claimed.
      if (stream.startsWith('message-')) step('claimed')
      return store.readStream(stream, options)
    },
    async append(...args) {
      const result = await store.append(...args)
      step('recorded')
      return result
    },
  },
  senders: {
    ...ends,
    async send(id, rendered) {
      step('sending')
      const sent = await ends.send(id, rendered)
      step('sent')
      return sent
    },
  },
})
