// JSON logs: one logger for the process, written without blocking the event loop.
import pino from 'pino'

export type Logger = pino.Logger

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Where log lines go: standard output by default; a test gives its own. */
export interface LogTarget {
  readonly write: (line: string) => void
}

/** A logger at this level. Lines wait in memory while a write runs; `flush` before the process ends. */
export const createLogger = (level: LogLevel, target?: LogTarget): Logger =>
  pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    target ?? pino.destination({ dest: 1, sync: false, minLength: 8_192, periodicFlush: 200 }),
  )
