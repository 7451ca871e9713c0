// What groups keep in the log itself: their settings, how far they are, and links to what was parked.
import { randomUUID } from 'node:crypto'
import * as v from 'valibot'
import { metastreamOf } from '../log/metadata.ts'
import type { Reader } from '../log/reader.ts'
import { dataOf, revisionOf, streamOf } from '../log/record.ts'
import type { Command, NewEvent, Outcome } from '../log/writer.ts'
import { ALL, type GroupName } from './requests.ts'
import { Settings } from './settings.ts'

const CONFIG_STREAM = '$persistentSubscriptionConfig'
const CONFIG_TYPE = '$PersistentConfig'
const CHECKPOINT_TYPE = '$SubscriptionCheckpoint'
const LINK = '$>'
/** What was parked is linked to from here. */
export const parkedStream = ({ stream, group }: GroupName): string =>
  `$persistentsubscription-${stream}::${group}-parked`
const checkpointStream = ({ stream, group }: GroupName): string =>
  `$persistentsubscription-${stream}::${group}-checkpoint`

const Filter = v.object({
  on: v.picklist(['stream', 'type']),
  regex: v.string(),
  prefixes: v.array(v.string()),
  window: v.optional(v.number()),
  checkpointMultiplier: v.number(),
})

const Entry = v.object({
  stream: v.string(),
  group: v.string(),
  /** As it is shown: a revision, -1 for the end, or `C:commit/P:prepare`. */
  startFrom: v.string(),
  /** The first place that is of interest. */
  began: v.number(),
  filter: v.optional(Filter),
  settings: Settings,
})
/** A group as it is kept. */
export type Entry = v.InferOutput<typeof Entry>

const Config = v.object({ version: v.literal('2'), entries: v.array(Entry) })

export type Submit = (command: Command, delayMs: number, answer: (outcome: Outcome) => void) => void

export interface Kept {
  entries(): readonly Entry[]
  saveEntries(entries: readonly Entry[]): Promise<Outcome>
  /** Everything up to there is done; undefined: nothing was said. */
  checkpoint(name: GroupName): number | undefined
  saveCheckpoint(name: GroupName, place: number): Promise<Outcome>
  /** Writes a link to the event that a message has led to. */
  park(name: GroupName, record: Buffer, reason: string): Promise<Outcome>
  /** First and newest link that waits; undefined: none. */
  parkedRange(name: GroupName): { readonly first: number; readonly last: number } | undefined
  /** Links before `revision` were sent again. */
  forgetParked(name: GroupName, revision: number): Promise<Outcome>
  /** The group is gone. */
  remove(name: GroupName): Promise<void>
}

const EMPTY = Buffer.alloc(0)
const jsonEvent = (type: string, data: unknown): NewEvent => ({
  id: randomUUID(),
  type,
  json: true,
  metadata: EMPTY,
  data: Buffer.from(JSON.stringify(data)),
})

export const createKept = (reader: Reader, submit: Submit, now: () => number): Kept => {
  const run = (command: Command) => new Promise<Outcome>((resolve) => submit(command, 0, resolve))
  const append = (stream: string, event: NewEvent) =>
    run({ kind: 'append', stream, expected: 'any', events: [event], bytes: event.data.length + event.metadata.length })
  const newest = (stream: string): string | undefined => {
    if (reader.status(stream) !== 'readable') return undefined
    const [stored] = reader.stream(stream, reader.lastRevision(stream), 1).events
    return stored && dataOf(stored.record).toString('utf8')
  }
  /** Of streams in which only the newest event says something, the others are hidden. */
  const appendNewest = async (stream: string, event: NewEvent): Promise<Outcome> => {
    if (reader.lastRevision(metastreamOf(stream)) < 0)
      await append(metastreamOf(stream), jsonEvent('$metadata', { $maxCount: 2 }))
    return append(stream, event)
  }
  const linkTo = (record: Buffer): Buffer => {
    const target = reader.resolve(record)
    // A link that leads nowhere is kept as it is.
    if (target === null) return dataOf(record)
    const event = target ?? record
    return Buffer.from(`${revisionOf(event) ?? 0}@${streamOf(event)}`)
  }

  return {
    entries: () => {
      const text = newest(CONFIG_STREAM)
      if (text === undefined) return []
      const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Config), text)
      if (!parsed.success) throw new Error(`the newest event of ${CONFIG_STREAM} is not what this program writes there`)
      return parsed.output.entries
    },
    saveEntries: (entries) => appendNewest(CONFIG_STREAM, jsonEvent(CONFIG_TYPE, { version: '2', entries })),
    checkpoint: (name) => {
      const text = newest(checkpointStream(name))
      const number = text === undefined ? Number.NaN : Number(/\d+/.exec(text)?.[0])
      return Number.isSafeInteger(number) ? number : undefined
    },
    saveCheckpoint: (name, place) =>
      appendNewest(
        checkpointStream(name),
        jsonEvent(CHECKPOINT_TYPE, name.stream === ALL ? `C:${place}/P:${place}` : place),
      ),
    park: (name, record, reason) =>
      append(parkedStream(name), {
        id: randomUUID(),
        type: LINK,
        json: false,
        metadata: Buffer.from(
          JSON.stringify({
            added: new Date(now()).toISOString(),
            reason,
            subscriptionEventNumber: revisionOf(record) ?? 0,
          }),
        ),
        data: linkTo(record),
      }),
    parkedRange: (name) => {
      const stream = parkedStream(name)
      if (reader.status(stream) !== 'readable') return undefined
      const [stored] = reader.stream(stream, 0, 1).events
      const first = stored && revisionOf(stored.record)
      return first === undefined || first === null ? undefined : { first, last: reader.lastRevision(stream) }
    },
    forgetParked: (name, revision) =>
      append(metastreamOf(parkedStream(name)), jsonEvent('$metadata', { $tb: revision })),
    remove: async (name) => {
      for (const stream of [checkpointStream(name), parkedStream(name)])
        if (reader.lastRevision(stream) >= 0) await run({ kind: 'delete', stream, expected: 'any' })
    },
  }
}
