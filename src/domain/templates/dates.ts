// How templates show days and times: in the project's time zone, whatever the machine's is, by the directives of Liquid's `date`.
import { DateTime, FixedOffsetZone, IANAZone, type Zone } from 'luxon'

/** Where and when a template is rendered. */
export interface Setting {
  /** IANA name; has been checked. */
  readonly timeZone: string
  /** What a template calls `now`, ms. */
  readonly now: number
}

/** Of a directive, characters: nobody pads further. */
const MAX_WIDTH = 100
const LOCALE = 'en-US'

const DAY = /^\d{4}-\d{2}-\d{2}$/
const ISO = /^\d{4}-\d{2}-\d{2}/
/** What says itself where it was, in the forms that are no ISO 8601. */
const WITH_ZONE = /(?:\b(?:GMT|UTC?|[ECMP][SD]T)|[+-]\d{2}:?\d{2}|\dZ)\s*(?:\([^)]*\))?$/i

const MAX_ZONES = 1_000
/** Names of zones that are known to be some; whether one is takes as long as to show ten dates. */
const zones = new Map<string, Zone>()
const namedZone = (name: string): Zone | undefined => {
  const known = zones.get(name)
  if (known || name.length > 100 || !IANAZone.isValidZone(name)) return known
  if (zones.size >= MAX_ZONES) zones.clear()
  const zone = IANAZone.create(name)
  zones.set(name, zone)
  return zone
}

const zoneOf = (name: unknown): Zone => {
  // Minutes west of UTC, as Liquid has them.
  if (typeof name === 'number') return FixedOffsetZone.instance(-name)
  const zone = typeof name === 'string' ? namedZone(name) : undefined
  if (zone) return zone
  throw new Error(`unknown time zone '${String(name)}'`)
}

/** Words such as `March 14, 2016 10:00`: only the runtime reads these; its own zone must not count. */
const fromWords = (text: string, zone: Zone, home: Zone): DateTime => {
  if (WITH_ZONE.test(text)) return DateTime.fromMillis(Date.parse(text), { zone })
  const wall = DateTime.fromMillis(Date.parse(`${text} UTC`), { zone: 'UTC' })
  // A plain day is the same day everywhere.
  return text.includes(':')
    ? wall.setZone(home, { keepLocalTime: true }).setZone(zone)
    : wall.setZone(zone, { keepLocalTime: true })
}

/** What a value says of a day or time, as it is to be shown; undefined when it says none. Throws for an unknown time zone. */
const dateOf = (value: unknown, { timeZone, now }: Setting, named?: unknown): DateTime | undefined => {
  const home = zoneOf(timeZone)
  const zone = named === undefined || named === null ? home : zoneOf(named)
  const at = (): DateTime | undefined => {
    if (value === 'now' || value === 'today') return DateTime.fromMillis(now, { zone })
    if (typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value)))
      return DateTime.fromMillis(Number(value) * 1_000, { zone })
    if (typeof value !== 'string' || value.length > 100) return undefined
    if (DAY.test(value)) return DateTime.fromISO(value, { zone })
    if (ISO.test(value)) return DateTime.fromISO(value.replace(' ', 'T'), { zone: home }).setZone(zone)
    return fromWords(value, zone, home)
  }
  const found = at()?.setLocale(LOCALE)
  return found?.isValid ? found : undefined
}

const offset = (date: DateTime, colon: boolean): string => date.toFormat(colon ? 'ZZ' : 'ZZZ')

const SUFFIXES = ['th', 'st', 'nd', 'rd'] as const
const ordinal = ({ day }: DateTime): string => (day > 10 && day < 14 ? 'th' : (SUFFIXES[day % 10] ?? 'th'))

/** Full weeks of the year so far; `first` is the day that weeks begin with, 0 for Sunday. */
const week = (date: DateTime, first: 0 | 1): number =>
  Math.floor((date.ordinal + 6 - ((date.weekday - first + 7) % 7)) / 7)

interface Directive {
  readonly shown: (date: DateTime, flags: string, width: number) => string | number
  /** Characters, filled with zeros unless `fill` says otherwise. */
  readonly width?: number
  readonly fill?: ' '
}

const month = { shown: (d: DateTime) => d.monthShort ?? '', fill: ' ' } as const
const hour12 = ({ hour }: DateTime): number => hour % 12 || 12

const DIRECTIVES: Readonly<Record<string, Directive>> = {
  a: { shown: (d) => d.weekdayShort ?? '', fill: ' ' },
  A: { shown: (d) => d.weekdayLong ?? '', fill: ' ' },
  b: month,
  h: month,
  B: { shown: (d) => d.monthLong ?? '', fill: ' ' },
  c: { shown: (d) => d.toLocaleString(DateTime.DATETIME_SHORT_WITH_SECONDS), fill: ' ' },
  C: { shown: (d) => Math.floor(d.year / 100), width: 2 },
  d: { shown: (d) => d.day, width: 2 },
  e: { shown: (d) => d.day, width: 2, fill: ' ' },
  H: { shown: (d) => d.hour, width: 2 },
  I: { shown: hour12, width: 2 },
  j: { shown: (d) => d.ordinal, width: 3 },
  k: { shown: (d) => d.hour, width: 2, fill: ' ' },
  l: { shown: hour12, width: 2, fill: ' ' },
  L: { shown: (d) => d.millisecond, width: 3 },
  m: { shown: (d) => d.month, width: 2 },
  M: { shown: (d) => d.minute, width: 2 },
  N: {
    shown: (d, _, width) => {
      const digits = width || 9
      return String(d.millisecond).padStart(3, '0').padEnd(digits, '0').slice(0, digits)
    },
  },
  p: { shown: (d) => (d.hour < 12 ? 'AM' : 'PM'), fill: ' ' },
  P: { shown: (d) => (d.hour < 12 ? 'am' : 'pm'), fill: ' ' },
  q: { shown: ordinal },
  s: { shown: (d) => Math.floor(d.toSeconds()) },
  S: { shown: (d) => d.second, width: 2 },
  u: { shown: (d) => d.weekday },
  U: { shown: (d) => week(d, 0), width: 2 },
  w: { shown: (d) => d.weekday % 7 },
  W: { shown: (d) => week(d, 1), width: 2 },
  x: { shown: (d) => d.toLocaleString(DateTime.DATE_SHORT) },
  X: { shown: (d) => d.toLocaleString(DateTime.TIME_WITH_SECONDS) },
  y: { shown: (d) => d.year % 100, width: 2 },
  Y: { shown: (d) => d.year, width: 4 },
  z: { shown: (d, flags) => offset(d, flags.includes(':')) },
  Z: { shown: (d, flags) => (d.zone.type === 'iana' ? (d.zoneName ?? '') : offset(d, flags.includes(':'))) },
  g: { shown: (d) => d.weekYear % 100, width: 2 },
  G: { shown: (d) => d.weekYear, width: 4 },
  V: { shown: (d) => d.weekNumber, width: 2 },
  // Short for several of the others, as in Ruby, which templates of other systems were written for.
  D: { shown: (d) => strftime(d, '%m/%d/%y') },
  F: { shown: (d) => strftime(d, '%Y-%m-%d') },
  r: { shown: (d) => strftime(d, '%I:%M:%S %p') },
  R: { shown: (d) => strftime(d, '%H:%M') },
  T: { shown: (d) => strftime(d, '%H:%M:%S') },
  v: { shown: (d) => strftime(d, '%e-%^b-%Y') },
  t: { shown: () => '\t' },
  n: { shown: () => '\n' },
  '%': { shown: () => '%' },
}

const FORMAT = /%([-_0^#:]*)(\d{0,9})[EO]?(.)/g

const swapCase = (text: string): string => (text === text.toUpperCase() ? text.toLowerCase() : text.toUpperCase())

const strftime = (date: DateTime, format: string): string =>
  format.replace(FORMAT, (all: string, flags: string, digits: string, name: string) => {
    const directive = Object.hasOwn(DIRECTIVES, name) ? DIRECTIVES[name] : undefined
    if (!directive) return all
    const asked = Math.min(Number(digits), MAX_WIDTH)
    const plain = String(directive.shown(date, flags, asked))
    const text = flags.includes('^') ? plain.toUpperCase() : flags.includes('#') ? swapCase(plain) : plain
    const fill = flags.includes('_') ? ' ' : flags.includes('0') ? '0' : (directive.fill ?? '0')
    return flags.includes('-') ? text : text.padStart(asked || (directive.width ?? 0), fill)
  })

const DEFAULT_FORMAT = '%A, %B %-e, %Y at %-l:%M %P %z'

type DateFilter = (setting: Setting, value: unknown, ...args: readonly unknown[]) => unknown

/** What is no date goes through as it is. */
const shownAs =
  (formatOf: (args: readonly unknown[], date: DateTime) => string): DateFilter =>
  (setting, value, ...args) => {
    const date = dateOf(value, setting)
    return date ? strftime(date, formatOf(args, date)) : value
  }

const inWords = (name: '%b' | '%B') =>
  shownAs(([type, style], { day }) => {
    if (type !== 'ordinal') return `%d ${name} %Y`
    return style === 'US' ? `${name} ${day}%q, %Y` : `${day}%q ${name} %Y`
  })

/**
 * Liquid's filters of dates. A plain day has no zone and is never shifted; an instant is shown in the project's zone, or in the
 * one that is given to `date` (a name, or minutes west of UTC); a time without an offset is of the project's zone.
 */
export const DATE_FILTERS: Readonly<Record<string, DateFilter>> = {
  date: (setting, value, format, zone) => {
    const date = dateOf(value, setting, zone)
    return date ? strftime(date, format === undefined || format === null ? DEFAULT_FORMAT : String(format)) : value
  },
  date_to_xmlschema: shownAs(() => '%Y-%m-%dT%H:%M:%S%:z'),
  date_to_rfc822: shownAs(() => '%a, %d %b %Y %H:%M:%S %z'),
  date_to_string: inWords('%b'),
  date_to_long_string: inWords('%B'),
}
