// Logs: one logger for the process, as JSON lines, or as text on a terminal; writing them never holds up the process.
import pino from 'pino'
import { standardOutputSink } from './logSink.ts'
import { logText } from './logText.ts'

export type Logger = pino.Logger

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Where log lines go: standard output by default; a test gives its own. */
export interface LogTarget {
  readonly write: (line: string) => void
}

/** Standard output: JSON lines, or text for people on a terminal. */
const standardOutput = (): pino.DestinationStream => {
  const sink = standardOutputSink()
  if (!process.stdout.isTTY) return sink
  const colours = process.stdout.hasColors() && !process.env.NO_COLOR
  return { ...sink, write: (line: string) => sink.write(logText(line, colours)) }
}

/** A logger at this level. Lines wait in memory for a moment; `flush` before the process ends. */
export const createLogger = (level: LogLevel, target?: LogTarget): Logger =>
  pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    target ?? standardOutput(),
  )
