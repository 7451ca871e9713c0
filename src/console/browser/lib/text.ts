// How values read: numbers, times in the project's zone, names of types and events.
import { session } from './session.ts'

const whole = new Intl.NumberFormat('en-GB')
const short = new Intl.NumberFormat('en-GB', { notation: 'compact', maximumFractionDigits: 1 })

export const number = (n: number | undefined | null): string => (n === undefined || n === null ? '–' : whole.format(n))
/** What a filter finds is counted up to here: the API tells no larger number, and means at least so many. */
const MOST_COUNTED = 100_000
/** How many there are of what was counted. */
export const counted = (n: number): string => (n === MOST_COUNTED ? `${whole.format(n)} or more` : whole.format(n))
/** 124,000 as 124k: where room is scarce and the exact number is on hover. */
export const shortNumber = (n: number): string => (Math.abs(n) < 100_000 ? whole.format(n) : short.format(n))
/** Minor units as an amount without a currency, which the project does not have. */
export const amount = (minor: number | undefined | null): string =>
  minor === undefined || minor === null ? '–' : (minor / 100).toLocaleString('en-GB', { minimumFractionDigits: 2 })
export const count = (n: number, one: string, many = `${one}s`): string => `${number(n)} ${n === 1 ? one : many}`

export const zone = (): string => session.value?.project.time_zone ?? 'UTC'

const formats = new Map<string, Intl.DateTimeFormat>()
const format = (name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat => {
  const key = `${name} ${zone()}`
  const known = formats.get(key) ?? new Intl.DateTimeFormat('en-GB', { ...options, timeZone: zone() })
  formats.set(key, known)
  return known
}

const day = { day: '2-digit', month: 'short', year: 'numeric' } as const
const minute = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const

/** Every month has three letters, so that times stand below each other. */
const threeLetters = (text: string): string => text.replace('Sept', 'Sep')

export const dateText = (at: Date): string => threeLetters(format('date', day).format(at))
export const timeText = (at: Date): string => threeLetters(format('time', { ...day, ...minute }).format(at))
export const clockText = (at: Date): string => format('clock', { ...minute, second: '2-digit' }).format(at)
export const dayText = (at: Date): string => threeLetters(format('day', { day: 'numeric', month: 'short' }).format(at))
export const minuteText = (at: Date): string => format('minute', minute).format(at)
export const exactText = (at: Date): string =>
  `${format('exact', { ...day, ...minute, second: '2-digit', fractionalSecondDigits: 3, timeZoneName: 'short' }).format(at)} · ${at.toISOString()}`

/** How long, in the two largest units that it has: `2 d 4 h`. */
export const span = (ms: number): string => {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const
  if (Math.abs(ms) < 1_000) return `${Math.round(ms)} ms`
  const said: string[] = []
  let left = Math.abs(ms)
  for (const [unit, size] of units) {
    const n = Math.floor(left / size)
    if (n > 0 && said.length < 2) said.push(`${n} ${unit}`)
    left -= n * size
  }
  return said.join(' ')
}

/** `customer.segment.entered` as `Segment entered`, `customer.created` as `Customer created`. */
export const typeWords = (type: string): string => {
  const words = type.replace(/^customer\.(?=.*\.)/, '').replaceAll(/[._]/g, ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** How messages go out, and how that reads. */
export const CHANNELS: Readonly<Record<string, string>> = { email: 'E-mail', sms: 'Text message', webhook: 'Webhook' }
export const channelWords = (channel: string): string => CHANNELS[channel] ?? channel

/** `IN_PROGRESS` as `In progress`. */
export const stateWords = (state: string): string => {
  const words = state.toLowerCase().replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** One line of whatever a value is. */
export const brief = (value: unknown, max = 80): string => {
  const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
  return text.length > max ? `${text.slice(0, max - 1)}…` : text
}
