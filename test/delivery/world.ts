// A whole node whose messages are sent by dispatchers that the test starts, with waits short enough for a test.
import { type DeliveryOptions, startDelivery } from '../../src/delivery/index.ts'
import { createLogger } from '../../src/log.ts'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { QUICK } from './quick.ts'
import { closing, eventually } from './receiver.ts'

export interface Shop extends TestNode {
  /** Creates a distribution; gives its id. */
  distribution(definition: object): Promise<string>
  buy(sourceId: string, more?: object): Promise<Answer>
  /** All messages that a query names, newest first. */
  messages(query?: string, after?: Answer): Promise<readonly Message[]>
  /** Waits until the messages that a query names are as `test` wants them. */
  until(query: string, test: (messages: readonly Message[]) => boolean): Promise<readonly Message[]>
  /** Starts a dispatcher in this process. */
  deliver(options?: Partial<DeliveryOptions>): Promise<{ stop(): Promise<void> }>
}

export interface Message {
  readonly id: string
  readonly customer_id: string
  readonly state: string
  readonly reason: string | null
  readonly attempts: number
  readonly log: readonly { readonly outcome: string; readonly error: string | null; readonly status: number | null }[]
}

export const hook = (url: string, more: object = {}) => ({
  name: `hook ${Math.random()}`,
  trigger: { type: 'event', event: 'bought' },
  channel: { type: 'webhook', url },
  ...more,
})

export const shop = async (env: Readonly<Record<string, string>> = {}, dir?: string): Promise<Shop> => {
  const node = await testNode({ DELIVERY: 'off', WEBHOOK_ALLOW_PRIVATE: 'true', ...env }, dir)
  const must = async (answer: Promise<Answer>): Promise<Answer> => {
    const got = await answer
    if (got.status >= 300) throw new Error(`${got.status} ${JSON.stringify(got.body)}`)
    return got
  }
  await eventually(async () => ((await node.call('GET', '/health/ready')).status === 200 ? true : undefined))
  if (dir === undefined)
    await must(
      node.call(
        'POST',
        '/v1/event-schemas',
        { name: 'bought', schema: { properties: { amount: { type: 'number', optional: true } } } },
        { as: 'admin' },
      ),
    )
  const messages: Shop['messages'] = async (query = '', after) => {
    const all: Message[] = []
    let next: string | null = null
    do {
      const from: string = next === null ? '' : `&starting_after_id=${next}`
      const page = await must(
        node.call('GET', `/v1/messages?limit=100&${query}${from}`, undefined, {
          as: 'reader',
          ...(after ? { after } : {}),
        }),
      )
      all.push(...page.body.data)
      next = page.body.more_starting_after ?? null
    } while (next !== null)
    return all
  }
  const config = {
    isOn: true,
    concurrency: 8,
    allowPrivate: true,
    signingSecret: undefined,
    smtpUrl: undefined,
    emailFrom: 'Shop <shop@shop.test>',
    smsUrl: undefined,
    smsAuthorization: undefined,
    messagesPerAddress: 50,
  }
  return {
    ...node,
    messages,
    distribution: async (definition) => (await must(node.call('POST', '/v1/distributions', definition))).body.id,
    buy: (sourceId, more = {}) =>
      must(
        node.call('POST', '/v1/events', {
          event: 'bought',
          customer: { source_id: sourceId },
          metadata: { amount: 5 },
          ...more,
        }),
      ),
    until: (query, test) =>
      eventually(async () => {
        const found = await messages(query)
        return test(found) ? found : undefined
      }),
    async deliver(options = {}) {
      const { store, readModel, rulebook } = node.services
      const { aside } = node.services.background!
      const delivery = await startDelivery({
        store,
        readModel,
        rulebook: rulebook.current,
        aside,
        log: createLogger('fatal'),
        ...QUICK,
        ...options,
        config: { ...config, ...options.config },
      })
      let isStopped = false
      const once = {
        async stop() {
          if (isStopped) return
          isStopped = true
          await delivery.stop()
        },
      }
      closing({ close: once.stop })
      return once
    },
  }
}
