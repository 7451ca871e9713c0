// Short news of what was done or went wrong, read out by screen readers, gone by itself.

import { signal } from '@preact/signals'
import { isOvertaken, wordsOf } from '../lib/api.ts'

interface News {
  readonly id: number
  readonly text: string
  readonly tone: 'good' | 'bad'
}

const news = signal<readonly News[]>([])
let last = 0

export const say = (text: string, tone: News['tone'] = 'good'): void => {
  last += 1
  const id = last
  news.value = [...news.value.slice(-2), { id, text, tone }]
  setTimeout(
    () => {
      news.value = news.value.filter((one) => one.id !== id)
    },
    tone === 'bad' ? 9_000 : 3_500,
  )
}

/** What went wrong with something that has no form to say it in. */
export const sayFault = (error: unknown): void => say(wordsOf(error), 'bad')

/**
 * For a form that begins anew with what is there once somebody else was faster, so that nothing is left of what it says itself: says it
 * beside the page. Throws the error on.
 */
export const sayOvertaken = (error: unknown): never => {
  if (isOvertaken(error)) sayFault(error)
  throw error
}

export const Toasts = () => (
  <div class="toasts" role="status" aria-live="polite">
    {news.value.map(({ id, text, tone }) => (
      <p key={id} class="toast" data-tone={tone}>
        {text}
      </p>
    ))}
  </div>
)
