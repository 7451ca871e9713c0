// Small parts that stand in many places: times, ids, states, values.
import { useState } from 'preact/hooks'
import { clockText, dateText, exactText, number, shortNumber, stateWords, timeText } from '../lib/text.ts'
import { say } from './toast.tsx'

type TimeForm = 'time' | 'date' | 'clock'
const FORMS = { time: timeText, date: dateText, clock: clockText } as const

/** An instant in the project's time zone; the exact one on hover. */
export const Time = ({ at, form = 'time' }: { readonly at: string | null | undefined; readonly form?: TimeForm }) => {
  if (!at) return <span class="soft">–</span>
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return <span>{at}</span>
  return (
    <time dateTime={at} title={exactText(date)} class="nowrap">
      {FORMS[form](date)}
    </time>
  )
}

const Copy = ({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }) => {
  const [isDone, setDone] = useState(false)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setDone(true)
      say('Copied')
      setTimeout(() => setDone(false), 1_500)
    } catch {
      say('The browser does not let this page copy: select the text instead', 'bad')
    }
  }
  return (
    <button
      type="button"
      class="copy"
      aria-label={`${label} ${text.length > 60 ? '' : text}`.trim()}
      title="Copy"
      onClick={copy}
    >
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
        {isDone ? <path d="M3 8.5 6.5 12 13 4.5" /> : <path d="M5.5 5.5h7v8h-7zM10.5 5.5v-3h-7v8h2" />}
      </svg>
    </button>
  )
}

/** An id with a button to copy it; long ones are shortened in the middle of the line only by room. */
export const Id = ({ id }: { readonly id: string | null | undefined }) =>
  id ? (
    <span class="id">
      <code title={id}>{id}</code>
      <Copy text={id} />
    </span>
  ) : (
    <span class="soft">–</span>
  )

const TONES: Readonly<Record<string, string>> = {
  active: 'good',
  sent: 'good',
  success: 'good',
  converted: 'good',
  rewarded: 'good',
  paid: 'good',
  fulfilled: 'good',
  done: 'good',
  ok: 'good',
  live: 'good',
  valid: 'good',
  created: 'warn',
  processing: 'warn',
  canceled: 'bad',
  waiting: 'warn',
  pending: 'warn',
  in_progress: 'warn',
  enqueued: 'warn',
  scheduled: 'warn',
  retrying: 'warn',
  failed: 'bad',
  failure: 'bad',
  parked: 'bad',
  error: 'bad',
  refused: 'bad',
}

/** A state in a word, coloured by what it means; the word says it all by itself. */
export const State = ({ state, tone }: { readonly state: string; readonly tone?: string }) => (
  <span class="tag" data-tone={tone ?? TONES[state.toLowerCase()] ?? 'plain'}>
    {stateWords(state)}
  </span>
)

export const Active = ({ active }: { readonly active: boolean | undefined }) =>
  active === false ? <State state="off" /> : <State state="active" />

/** One number that matters, with what it counts. */
export const Figure = ({
  label,
  value,
  hint,
}: {
  readonly label: string
  readonly value: number | string | undefined
  readonly hint?: string | undefined
}) => (
  <div class="figure">
    <dt>{label}</dt>
    <dd>
      <span
        class="figure-value"
        data-words={typeof value === 'string'}
        title={typeof value === 'number' ? number(value) : undefined}
      >
        {typeof value === 'number' ? shortNumber(value) : (value ?? '–')}
      </span>
      {hint && <span class="soft small">{hint}</span>}
    </dd>
  </div>
)

/** JSON as text, with a button to copy it. */
export const Json = ({ value, label = 'JSON' }: { readonly value: unknown; readonly label?: string }) => {
  const text = JSON.stringify(value, undefined, 2) ?? 'undefined'
  return <Code text={text} label={label} />
}

export const Code = ({ text, label }: { readonly text: string; readonly label: string }) => (
  // A region that scrolls is reached by keyboard.
  // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
  <section class="code" tabIndex={0} aria-label={label}>
    <Copy text={text} label={`Copy ${label}`} />
    <pre>{text}</pre>
  </section>
)

/** Names and values, a line each. */
export const Facts = ({ of }: { readonly of: readonly (readonly [string, preact.ComponentChildren])[] }) => (
  <dl class="facts">
    {of.map(([name, value]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>{value === undefined || value === null || value === '' ? <span class="soft">–</span> : value}</dd>
      </div>
    ))}
  </dl>
)

/** A value of any kind in a line: objects as their JSON. */
export const Value = ({ value }: { readonly value: unknown }) => {
  if (value === null || value === undefined || value === '') return <span class="soft">–</span>
  if (typeof value === 'object') return <code class="wrap">{JSON.stringify(value)}</code>
  return <span class="wrap">{String(value)}</span>
}

export const Bar = ({
  done,
  total,
  label,
}: {
  readonly done: number
  readonly total: number
  readonly label: string
}) => (
  <span class="progress">
    <progress value={done} max={Math.max(1, total)} aria-label={label} />
    <span class="small soft nowrap">
      {number(done)} of {number(total)}
    </span>
  </span>
)
