// A channel is one file and its row: a trial of one, put into the table before anything looks at it, is known everywhere.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import type { Services } from '../../src/services.ts'
import { closeAll, closing, startReceiver } from './receiver.ts'

test.after.each(closeAll)

const services = new Proxy({} as Services, { get: () => ({}) })

test('a trial channel is defined, rendered, consented to, recorded and sent', async () => {
  // The table first: what follows from it is made when a module is first asked for.
  const { ROWS } = await import('../../src/domain/channels/table.ts')
  const { channel, parts } = await import('../../src/domain/channels/channel.ts')
  const push = channel({
    address: 'phone',
    settings: v.object({ type: v.literal('push'), title: v.pipe(v.string(), v.minLength(1)) }),
    parts: ({ title }) => parts(['title', title, 'text']),
    message: (_, { rendered: { title = '' }, to }) => ({ channel: 'push' as const, to, title }),
    end: ({ pushUrl: url }: { readonly pushUrl?: string }) =>
      url === undefined
        ? undefined
        : {
            hostOf: () => new URL(url).host,
            outgoing: (_, message) => ({ by: 'http', url, body: JSON.stringify(message), isOwn: true }),
          },
  })
  Object.assign(ROWS, { push })
  const { consentCommands } = await import('../../commands/consents.ts')
  const { Consents } = await import('../../src/api/presenters/consents.ts')
  const { createSenders } = await import('../../src/delivery/senders.ts')
  const { render } = await import('../../src/delivery/render.ts')
  const { factRegistry } = await import('../../src/domain/registry.ts')
  const { Distribution, distributionKind } = await import('../../src/domain/rulebook/distribution.ts')
  const { NO_DEFINITIONS } = await import('../../src/domain/rulebook/decide.ts')

  const { projectWebhookKind } = await import('../../src/domain/rulebook/projectWebhook.ts')
  const told = { url: 'https://shop.test/hook', events: ['customer.push.sent'], active: true }
  assert.equal(projectWebhookKind.check('wh_1', told, NO_DEFINITIONS), [])

  const settings = { type: 'push', title: 'Hello {{ customer.name }}' } as const
  const trigger = { type: 'event', event: 'customer.created' }
  const definition = v.parse(Distribution, { name: 'trial', trigger, channel: settings })
  assert.equal(distributionKind.check('distr_1', definition, NO_DEFINITIONS), [])
  const unfit = { ...definition, channel: { type: 'push', title: '{{ customer' } } as unknown as typeof definition
  assert.equal(
    distributionKind.check('distr_1', unfit, NO_DEFINITIONS).map(({ path }) => path),
    ['channel.title'],
  )

  const message = await render({
    message: 'msg_1',
    projectId: 'proj_main',
    distribution: { id: 'distr_1', name: 'trial' },
    channel: definition.channel,
    customer: { id: 'cust_1', profile: { name: 'Zoë', phone: '+48100200300', metadata: {} } },
    cause: {
      id: 'evcus_1',
      type: 'customer.created',
      name: 'customer.created',
      customer: 'cust_1',
      metadata: {},
      data: {},
      occurredAt: 0,
      recordedAt: 0,
      groupId: 'r',
    },
    createdAt: 0,
    setting: { timeZone: 'UTC', now: 0 },
  })
  const receiver = await startReceiver()
  const node = { pushUrl: `${receiver.url}/push`, emailFrom: 'a@b.test', maxConnections: 1, timeoutMs: 10_000 }
  const ends = closing(createSenders({ ...node, allowPrivate: false, secret: () => '', now: Date.now }))
  assert.is(ends.targetOf(definition.channel), new URL(receiver.url).host)
  assert.equal(await ends.send('msg_1', message), { kind: 'sent', status: 200 })
  assert.is(receiver.received[0]!.id, 'msg_1')
  assert.equal(JSON.parse(receiver.received[0]!.body), { channel: 'push', to: '+48100200300', title: 'Hello Zoë' })

  const [{ body }] = consentCommands(services) as unknown as [{ body: v.GenericSchema<unknown, { consents: object }> }]
  assert.equal(v.parse(body, { consents: { push: 'given' } }).consents, { push: 'given' })
  const shown = { channel: 'push', consent: null, updated_at: null, may_be_written_to: true, reason: null }
  assert.ok(v.is(Consents, { object: 'consents', customer_id: 'cust_1', consents: [shown], history: [] }))
  const changed = { channel: 'push', consent: 'given', by: 'a key', occurredAt: 1 }
  assert.ok(v.is(factRegistry.ConsentChanged!.schema, changed))
})

test.run()
