// The channels that messages go out by. A new one is a row here and the end that sends (src/delivery/senders.ts).
import * as v from 'valibot'
import type { ChannelRow } from './channel.ts'
import { email } from './email.ts'
import { sms } from './sms.ts'
import { webhook } from './webhook.ts'

const ROWS = { webhook, email, sms }

export type Channel = keyof typeof ROWS
export const CHANNELS = Object.keys(ROWS) as readonly Channel[]
export const Channel = v.picklist(CHANNELS)

/** What a distribution sets of its channel. */
export const ChannelSettings = v.variant('type', [webhook.settings, email.settings, sms.settings])
export type ChannelSettings = v.InferOutput<typeof ChannelSettings>

/** A message as its channel sends it. */
export type Message = { [C in Channel]: ReturnType<(typeof ROWS)[C]['message']> }[Channel]
export type MessageOf<C extends Channel> = Message & { readonly channel: C }

/** The row of a channel. Its settings and messages are those of the same channel: nothing says so to the compiler. */
export const channelOf = (channel: Channel) => ROWS[channel] as unknown as ChannelRow<ChannelSettings, Message>

/** Whether a message says nothing to who reads it. */
export const isEmptyMessage = (message: Message): boolean => channelOf(message.channel).isEmpty?.(message) ?? false
