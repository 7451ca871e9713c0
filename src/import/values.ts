// Reads one value of a file as the type that the mapping gives it: texts in, JSON values out, or why not.

import { DateTime } from 'luxon'
import { InexactJson, parseExactly } from '../exactJson.ts'

/** `any` is a value as the file has it: a CSV cell's text, a JSON value; `json` reads a text as JSON. */
export const VALUE_TYPES = ['string', 'number', 'boolean', 'money', 'date', 'datetime', 'json', 'any'] as const
/** What may stand between thousands; a blank is also one that does not break a line. */
export const THOUSANDS_SIGNS = [',', '.', ' ', "'"] as const
export type ValueType = (typeof VALUE_TYPES)[number]

/** How the values of one column are written. */
export interface ValueFormat {
  readonly type: ValueType
  /** money: digits after the point of the currency's minor unit, 0 to 4. */
  readonly decimals: number
  /** date and datetime: `iso`, `unix`, `unix-ms`, or tokens as in `dd.LL.yyyy HH:mm`. */
  readonly format: string
  /** IANA zone of times that name none. */
  readonly timeZone: string
  /** The sign before the fraction of numbers and money. */
  readonly decimalSign: '.' | ','
  /** The sign between thousands; undefined: none was named. */
  readonly thousandsSign?: (typeof THOUSANDS_SIGNS)[number] | undefined
}

/** How JSON in a text is read: nothing else of the format matters. */
export const JSON_FORMAT: ValueFormat = { type: 'json', decimals: 0, format: 'iso', timeZone: 'UTC', decimalSign: '.' }

export type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly fault: string }

const value = (value: unknown): Parsed => ({ ok: true, value })
const fault = (fault: string): Parsed => ({ ok: false, fault })

const MAX_SHOWN = 60
const shown = (text: string): string => JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text)

const NUMBER = /^([+-]?)(\d{1,40})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,3}))?$/

/** The groups of a whole number, `1,234,567`, and what follows them. */
const GROUPED = /^([+-]?\d{1,3})((?:[,. '\u00a0\u202f’]\d{3})+)(?!\d)(.*)$/

/** Each way to write a sign between thousands, as the one that a mapping names. */
const SIGN_OF: Readonly<Record<string, string>> = { '\u00a0': ' ', '\u202f': ' ', '’': "'" }

/**
 * The text without signs between thousands. Where none was named, money loses those that can be nothing else: which stand
 * twice, or before the decimal sign, or are never a decimal sign.
 */
const withoutThousands = (text: string, { type, decimalSign, thousandsSign }: ValueFormat): string => {
  const [, first = '', groups = '', rest = ''] = GROUPED.exec(text) ?? []
  if (groups === '') return text
  const signs = new Set([...groups.matchAll(/\D/g)].map(([sign]) => SIGN_OF[sign] ?? sign))
  const [sign] = signs
  if (signs.size > 1 || sign === decimalSign) return text
  const isClear = groups.length > 4 || rest.startsWith(decimalSign) || sign === ' ' || sign === "'"
  if (thousandsSign === undefined ? type !== 'money' || !isClear : sign !== thousandsSign) return text
  return first + groups.replaceAll(/\D/g, '') + rest
}

const withPoint = (text: string, format: ValueFormat): string => {
  const plain = withoutThousands(text, format)
  return format.decimalSign === ',' ? plain.replace(',', '.') : plain
}

const parseNumber = (text: string, format: ValueFormat): Parsed => {
  const plain = withPoint(text, format)
  const number = Number(plain)
  if (!NUMBER.test(plain) || !Number.isFinite(number)) return fault(`${shown(text)} is not a number`)
  if (!plain.includes('.') && Number.isInteger(number) && !Number.isSafeInteger(number))
    return fault(`${shown(text)} is too large for an exact number; read it as a string`)
  return value(number)
}

/** What remains beyond the minor unit and is less than this part of it is the noise of binary fractions (`4.4e-16`). */
const NOISE_PARTS = 1_000_000n

/**
 * A decimal amount in whole minor units (`12.5` with 2 decimals is 1250), computed exactly. More digits than the currency
 * has are refused, save the noise that binary fractions leave behind.
 */
const parseMoney = (text: string, format: ValueFormat): Parsed => {
  const match = NUMBER.exec(withPoint(text, format))
  if (!match) return fault(`${shown(text)} is not an amount of money`)
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  const shift = format.decimals - fraction.length + Number(exponent)
  const digits = BigInt(whole + fraction)
  let minor = shift >= 0 ? digits * 10n ** BigInt(shift) : digits
  if (shift < 0) {
    const unit = 10n ** BigInt(-shift)
    minor = (digits + unit / 2n) / unit
    const off = digits - minor * unit
    if ((off < 0n ? -off : off) * NOISE_PARTS > unit)
      return fault(`${shown(text)} has more than ${format.decimals} digits after the point`)
  }
  const amount = Number(minor)
  if (!Number.isSafeInteger(amount)) return fault(`${shown(text)} is too large an amount`)
  return value(sign === '-' && amount !== 0 ? -amount : amount)
}

const TRUE = new Set(['true', 't', 'yes', 'y', '1'])
const FALSE = new Set(['false', 'f', 'no', 'n', '0'])

const parseBoolean = (text: string): Parsed => {
  const word = text.toLowerCase()
  if (TRUE.has(word)) return value(true)
  return FALSE.has(word) ? value(false) : fault(`${shown(text)} is neither true nor false`)
}

const ISO_DATE = /^\d{4}-\d{2}-\d{2}$/
const ISO_TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?$/i
/** Years that ISO 8601 writes with four digits: years 0 to 9999. */
const FIRST_INSTANT = -62_167_219_200_000
const LAST_INSTANT = 253_402_300_799_999

const isoInstant = (text: string, timeZone: string): number => {
  if (!ISO_TIME.test(text) && !ISO_DATE.test(text)) return Number.NaN
  // Luxon, unlike Date.parse, knows that there is no 30 February.
  return DateTime.fromISO(text.replace(' ', 'T').toUpperCase(), { zone: timeZone, locale: 'en' }).toMillis()
}

const unixInstant = (text: string, factor: number): number =>
  /^-?\d{1,15}(?:\.\d{1,9})?$/.test(text) ? Math.round(Number(text) * factor) : Number.NaN

/** The instant that a text names, ms since the epoch. A day without a time is its first instant in the time zone. */
export const parseInstant = (
  text: string,
  { format, timeZone }: Pick<ValueFormat, 'format' | 'timeZone'>,
): { readonly ok: true; readonly value: number } | { readonly ok: false; readonly fault: string } => {
  const ms =
    format === 'iso'
      ? isoInstant(text, timeZone)
      : format === 'unix'
        ? unixInstant(text, 1_000)
        : format === 'unix-ms'
          ? unixInstant(text, 1)
          : DateTime.fromFormat(text, format, { zone: timeZone, locale: 'en' }).toMillis()
  if (!(ms >= FIRST_INSTANT && ms <= LAST_INSTANT))
    return { ok: false, fault: `${shown(text)} is not a time of the form ${shown(format)}` }
  return { ok: true, value: ms }
}

const parseDate = (text: string, format: ValueFormat): Parsed => {
  if (format.format === 'iso') {
    const day = ISO_DATE.test(text) ? DateTime.fromISO(text, { zone: 'UTC' }) : undefined
    return day?.isValid ? value(text) : fault(`${shown(text)} is not a date (YYYY-MM-DD)`)
  }
  const instant = parseInstant(text, format)
  return instant.ok ? value(DateTime.fromMillis(instant.value, { zone: format.timeZone }).toISODate()) : instant
}

const parseJson = (text: string): Parsed => {
  try {
    return value(parseExactly(text))
  } catch (error) {
    return fault(error instanceof InexactJson ? error.message : `${shown(text)} is not JSON`)
  }
}

/** Whether a file says nothing here: such a value is left out. */
export const isAbsent = (raw: unknown): boolean =>
  raw === undefined || raw === null || (typeof raw === 'string' && raw.trim() === '')

/**
 * Reads a raw value (a CSV cell's text, or a JSON value) that is not absent. Texts lose the blanks around them, except
 * those that stay strings.
 */
export const parseValue = (raw: unknown, format: ValueFormat): Parsed => {
  if (format.type === 'any') return value(raw)
  if (format.type === 'json') return typeof raw === 'string' ? parseJson(raw) : value(raw)
  if (typeof raw === 'object') return fault(`an object or array is not a ${format.type}`)
  if (format.type === 'string') return value(String(raw))
  if (format.type === 'boolean' && typeof raw === 'boolean') return value(raw)
  // A JSON number is written with a point, whatever sign the file's texts use.
  const spelled = typeof raw === 'number' ? { ...format, decimalSign: '.' as const } : format
  const text = String(raw).trim()
  switch (format.type) {
    case 'number':
      return parseNumber(text, spelled)
    case 'money':
      return parseMoney(text, spelled)
    case 'boolean':
      return parseBoolean(text)
    case 'date':
      return parseDate(text, spelled)
    case 'datetime': {
      const instant = parseInstant(text, spelled)
      return instant.ok ? value(new Date(instant.value).toISOString()) : instant
    }
    default:
      return format.type satisfies never
  }
}
