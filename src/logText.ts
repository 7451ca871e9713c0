// Log lines for people: time, level, message and what belongs to it, from the JSON that a program would read.
import { isRecord } from './domain/isRecord.ts'

const COLOURS: Readonly<Record<string, string>> = { warn: '\u001b[33m', error: '\u001b[31m', fatal: '\u001b[31m' }
const OFF = '\u001b[0m'

/** Control characters in a value must not reach a terminal. */
const printable = (text: string): string =>
  text.replaceAll(/\p{Cc}/gu, (c) => (c === '\n' ? '\n    ' : `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`))

const shown = (value: unknown): string =>
  printable(typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value))

/** A JSON log line as a line of text, a stack below it; a text that is none stays as it is. */
export const logText = (line: string, colours: boolean): string => {
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch {
    return line
  }
  if (!isRecord(parsed)) return line
  const { time, level, msg, err, ...others } = parsed
  const fields = Object.entries(others).map(([key, value]) => `${printable(key)}=${shown(value)}`)
  const error = isRecord(err) ? String(err.stack ?? err.message ?? '') : err === undefined ? '' : shown(err)
  const mark = String(level ?? '')
    .toUpperCase()
    .padEnd(5)
  const colour = colours ? COLOURS[String(level)] : undefined
  const head = [
    String(time ?? '').slice(11, 23),
    colour === undefined ? mark : `${colour}${mark}${OFF}`,
    ...(msg === undefined ? [] : [printable(String(msg))]),
    ...fields,
  ]
  return `${head.join(' ')}\n${error === '' ? '' : `    ${printable(error)}\n`}`
}
