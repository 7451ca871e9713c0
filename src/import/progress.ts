// Shows how an import goes on: a bar on a terminal, a plain line now and then elsewhere.
import { SingleBar } from 'cli-progress'
import type { Progress } from './run.ts'

export interface ProgressView {
  update(progress: Progress): void
  /** Says something besides; the same again only now and then. */
  note(text: string): void
  stop(): void
}

/** Writes to standard error or what a test gives instead. */
export interface ProgressTarget {
  readonly stream: NodeJS.WritableStream
  readonly isTty: boolean
  /** ms since the epoch. */
  readonly now: () => number
}

export interface Pace {
  /** Events dealt with in a second, of late. */
  readonly rate: number
  /** Seconds left; undefined while nobody can know. */
  readonly left: number | undefined
}

interface Sample {
  readonly at: number
  readonly bytes: number
  readonly lines: number
}

/** The rate is that of the last so many ms: a wait for the server should show, and be over when it is. */
const WINDOW_MS = 10_000
const PLAIN_EVERY_MS = 5_000

/** The pace between the oldest sample that still counts and now. */
export const paceOf = (from: Sample, to: Sample, total: number): Pace => {
  const seconds = (to.at - from.at) / 1000
  if (seconds <= 0) return { rate: 0, left: undefined }
  const bytesPerSecond = (to.bytes - from.bytes) / seconds
  return {
    rate: (to.lines - from.lines) / seconds,
    left: bytesPerSecond > 0 ? Math.max(0, (total - to.bytes) / bytesPerSecond) : undefined,
  }
}

const digits = new Intl.NumberFormat('en')

/** `45 s`, `3 min 05 s`, `2 h 07 min`. */
export const spellSeconds = (seconds: number): string => {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`
}

export const createProgressView = ({ stream, isTty, now }: ProgressTarget): ProgressView => {
  const samples: Sample[] = []
  let bar: SingleBar | undefined
  let saidAt = now()
  let noted = { text: '', at: 0 }

  const pace = (progress: Progress): Pace & { readonly lines: number } => {
    const lines = progress.recorded + progress.repeated + progress.refused
    const sample = { at: now(), bytes: progress.bytes, lines }
    samples.push(sample)
    while (samples.length > 2 && sample.at - samples[1]!.at >= WINDOW_MS) samples.shift()
    return { ...paceOf(samples[0]!, sample, progress.total), lines }
  }

  const payload = ({ lines, rate, left }: Pace & { readonly lines: number }, note: string) => ({
    lines: digits.format(lines),
    rate: digits.format(Math.round(rate)),
    left: left === undefined ? '…' : spellSeconds(left),
    note,
  })

  const barUpdate = (progress: Progress): void => {
    if (!bar) {
      bar = new SingleBar({
        format: '{bar} {percentage}% | {lines} lines | {rate}/s | {left} left{note}',
        barCompleteChar: '█',
        barIncompleteChar: '░',
        barsize: 30,
        stream,
        hideCursor: true,
        clearOnComplete: true,
        fps: 10,
      })
      bar.start(progress.total, 0, payload({ lines: 0, rate: 0, left: undefined }, ''))
    }
    bar.update(progress.bytes, payload(pace(progress), ''))
  }

  const plainUpdate = (progress: Progress): void => {
    const { lines, rate, left } = pace(progress)
    if (now() - saidAt < PLAIN_EVERY_MS) return
    saidAt = now()
    const percent = Math.floor((progress.bytes / Math.max(1, progress.total)) * 100)
    const rest = left === undefined ? '' : `, about ${spellSeconds(left)} left`
    stream.write(`${digits.format(lines)} lines (${percent}%), ${digits.format(Math.round(rate))}/s${rest}\n`)
  }

  return {
    update: isTty ? barUpdate : plainUpdate,
    note(text) {
      if (bar) bar.update({ note: ` | ${text}` })
      else if (text !== noted.text || now() - noted.at >= PLAIN_EVERY_MS) {
        noted = { text, at: now() }
        stream.write(`${text}\n`)
      }
    },
    stop() {
      bar?.stop()
      bar = undefined
    },
  }
}
