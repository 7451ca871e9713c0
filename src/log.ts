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

/** How deep an error may be wrapped. */
const DEPTH = 5

/** Whether something is in trouble because a server is down: its edge says so in one line when it goes and one when it is back. */
const isOfOutage = (error: unknown, depth = 0): boolean =>
  error instanceof Error &&
  (('isOutage' in error && error.isOutage === true) || (depth < DEPTH && isOfOutage(error.cause, depth + 1)))

/** A logger at this level. What follows from a server that is down is a matter of `debug`: all who need it stumble again and again. Lines wait in memory for a moment; `flush` before the process ends. */
export const createLogger = (level: LogLevel, target?: LogTarget): Logger =>
  pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: {
        logMethod(args, method, level) {
          const [details] = args as unknown as readonly [unknown]
          const err = typeof details === 'object' && details !== null && 'err' in details ? details.err : undefined
          if (level > pino.levels.values.debug! && level < pino.levels.values.fatal! && isOfOutage(err))
            this.debug(...(args as Parameters<typeof this.debug>))
          else method.apply(this, args)
        },
      },
    },
    target ?? standardOutput(),
  )
