// What follows from the table of channels: their names, the settings and messages of all of them.
import * as v from 'valibot'
import type { ChannelRow } from './channel.ts'
import { ROWS } from './table.ts'

export type Channel = keyof typeof ROWS
export const CHANNELS = Object.keys(ROWS) as readonly Channel[]
export const Channel = v.picklist(CHANNELS)

/** What a distribution sets of its channel. */
export type ChannelSettings = { [C in Channel]: v.InferOutput<(typeof ROWS)[C]['settings']> }[Channel]
type Options = [(typeof ROWS)[Channel]['settings'], ...(typeof ROWS)[Channel]['settings'][]]
export const ChannelSettings = v.variant('type', CHANNELS.map((channel) => ROWS[channel].settings) as Options)

/** What all ends of channels together ask of a node's settings. */
export type EndSettings = Together<{ [C in Channel]: Parameters<(typeof ROWS)[C]['end']>[0] }[Channel]>
type Together<T> = (T extends unknown ? (of: T) => void : never) extends (of: infer All) => void ? All : never

/** A message as its channel sends it. */
export type Message = { [C in Channel]: ReturnType<(typeof ROWS)[C]['message']> }[Channel]

/** The row of a channel. Its settings and messages are those of the same channel: nothing says so to the compiler. */
export const channelOf = (channel: Channel) =>
  ROWS[channel] as unknown as ChannelRow<ChannelSettings, Message, EndSettings>

/** Whether a message says nothing to who reads it. */
export const isEmptyMessage = (message: Message): boolean => channelOf(message.channel).isEmpty?.(message) ?? false
