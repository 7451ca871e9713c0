// What a failure says of the item that was being done: nothing, that it may yet succeed, or that it never will.
import { errorText } from './domain/errorText.ts'
import { AppendRefused, MalformedFact, StoreUnavailable } from './eventstore/errors.ts'
import { ReadModelUnavailable } from './readmodel/index.ts'

/** A decision needs something that the read models do not show yet. */
export class ReadModelBehind extends Error {
  constructor() {
    super('The read models are behind; ask again')
    this.name = 'ReadModelBehind'
  }
}

/** Others were faster, again and again: nothing was recorded, and asking again soon makes sense. */
export class TooBusy extends Error {
  constructor(what: string) {
    super(`${what} is being changed by many at once`)
    this.name = 'TooBusy'
  }
}

/** What comes of something that a process does in the end if it is not done now; undefined where others were faster. */
export const unlessBusy = <T>(work: Promise<T>): Promise<T | undefined> =>
  work.catch((error: unknown) => {
    if (error instanceof TooBusy) return undefined
    throw error
  })

/** There was no time left for it, and nothing was decided. */
export class NotTried extends Error {
  constructor() {
    super('The time was over before it was tried')
    this.name = 'NotTried'
  }
}

/**
 * `wait`: it is the stores' trouble, or others were faster, and no fault of the item, which is tried for as long as that takes.
 * `again`: it is tried some times. `never`: the same would be refused again.
 */
export type Verdict = 'wait' | 'again' | 'never'

export const verdictOf = (error: unknown): Verdict => {
  if (
    error instanceof StoreUnavailable ||
    error instanceof ReadModelUnavailable ||
    error instanceof ReadModelBehind ||
    error instanceof TooBusy ||
    (error instanceof AppendRefused && error.reason === 'access_denied')
  )
    return 'wait'
  return error instanceof AppendRefused || error instanceof MalformedFact ? 'never' : 'again'
}

const MAX_WORDS = 500

/** An error as a reason that is kept and shown. */
export const wordsOf = (error: unknown): string =>
  errorText(error)
    .slice(0, MAX_WORDS)
    .replace(/\p{Cs}/gu, '\ufffd')
