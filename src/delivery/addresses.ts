// How many messages that browsers set off one address is sent in a day, whoever's profile it stands in.
import { createHmac } from 'node:crypto'
import { calendarOf } from '../domain/calendar.ts'
import { type Channel, channelOf } from '../domain/channels/index.ts'
import { emailKey } from '../domain/customer/profile.ts'
import type { ModelCollection, ReadModel } from '../readmodel/index.ts'

/** Of one address and day. Only a keyed digest of the address is kept. */
export interface AddressDocument {
  readonly _id: string
  readonly messages: readonly string[]
  readonly until: Date
}

export interface AddressBounds {
  /** Whether a message may go to an address at an instant (ms); asked again for the same message it answers the same. */
  take(message: string, channel: Channel, address: string, at: number): Promise<boolean>
}

export interface AddressBoundOptions {
  /** Messages a day. */
  readonly limit: number
  readonly project: () => { readonly customerKey: string; readonly timeZone: string }
}

export const ADDRESSES = 'messageAddresses'

/** Two ways to write one address are one. */
const written = (channel: Channel, address: string): string =>
  channelOf(channel).address === 'email' ? emailKey(address) : address.replace(/\D/g, '').replace(/^00/, '')

type Counts = Pick<ModelCollection<AddressDocument & { _id: string }>, 'findOne' | 'updateOne' | 'deleteMany'>

/** Counts in a collection that all dispatchers share. Two at once may let one message more through. */
export const addressBounds = (counts: Counts, { limit, project }: AddressBoundOptions): AddressBounds => {
  /** Days are over for all at once: what is left of them goes with the first message of the next. */
  let clearedAt = Number.NEGATIVE_INFINITY
  return {
    async take(message, channel, address, at) {
      const { customerKey, timeZone } = project()
      const { from, to } = calendarOf(timeZone).period('day', at)
      if (clearedAt < from) {
        clearedAt = at
        await counts.deleteMany({ until: { $lte: new Date(at) } })
      }
      const digest = createHmac('sha256', customerKey).update(`${channel}\u001f${written(channel, address)}`)
      const _id = `${from}/${digest.digest('base64url')}`
      const messages = (await counts.findOne({ _id }))?.messages ?? []
      if (messages.includes(message)) return true
      if (messages.length >= limit) return false
      await counts.updateOne(
        { _id },
        { $addToSet: { messages: message }, $set: { until: new Date(to) } },
        { upsert: true },
      )
      return true
    },
  }
}

/** Makes the collection ready. */
export const createAddressBounds = async (
  readModel: ReadModel,
  options: AddressBoundOptions,
): Promise<AddressBounds> => {
  await readModel.prepare(ADDRESSES, [{ key: { until: 1 } }])
  return addressBounds(readModel.plain<AddressDocument>(ADDRESSES), options)
}
