// How many custom events came in within each hour: by its minutes, and by their names.
import { customerOfStream } from '../src/domain/ids.ts'
import { projection } from './projection.ts'

export interface EventHourDocument {
  /** The hour in UTC, `2026-11-29T12`. */
  readonly _id: string
  readonly events: number
  /** Sixty counts. */
  readonly minutes: readonly number[]
  /** The names in the order in which they came; what comes after the first `MAX_NAMES` is in `others`. */
  readonly names: readonly { readonly event: string; readonly events: number }[]
  readonly others: number
}

/** Names that one hour tells apart. */
const MAX_NAMES = 200
const HOUR_CHARS = '2026-11-29T12'.length

export const hourOf = (at: number): string => new Date(at).toISOString().slice(0, HOUR_CHARS)

const named = (
  names: EventHourDocument['names'],
  event: string,
): Pick<EventHourDocument, 'names'> & { readonly isOther: boolean } => {
  const at = names.findIndex((one) => one.event === event)
  if (at >= 0) return { names: names.with(at, { event, events: names[at]!.events + 1 }), isOther: false }
  return names.length < MAX_NAMES
    ? { names: [...names, { event, events: 1 }], isOther: false }
    : { names, isOther: true }
}

export const eventHours = projection<EventHourDocument>({
  name: 'eventHours',
  version: 1,
  indexes: [],
  streams: customerOfStream,
  on: {
    CustomEventTracked: [
      ({ created }) => hourOf(created),
      (before, { created, data }, { key }) => {
        const hour = before ?? { _id: key, events: 0, minutes: Array<number>(60).fill(0), names: [], others: 0 }
        const minute = new Date(created).getUTCMinutes()
        const { names, isOther } = named(hour.names, data.event)
        return {
          ...hour,
          events: hour.events + 1,
          minutes: hour.minutes.with(minute, hour.minutes[minute]! + 1),
          names,
          others: hour.others + Number(isOther),
        }
      },
    ],
  },
})
