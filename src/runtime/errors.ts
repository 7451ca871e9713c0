// What the layers below throw, as failures of the HTTP contract.
import { isDiskFull } from '../disk.ts'
import { AppendRefused, MalformedFact, RecordDamaged, StoreUnavailable } from '../eventstore/errors.ts'
import { type Failure, fail, insufficientStorage, notTried, unavailable } from '../http/errors.ts'
import { isDamagedDocument, QueryTooBroad, ReadModelUnavailable } from '../readmodel/index.ts'
import { NotTried, ReadModelBehind, TooBusy } from '../trouble.ts'

const ofStore = (store: string, { isBusy, retryAfter }: { readonly isBusy: boolean; readonly retryAfter: number }) =>
  isBusy
    ? unavailable(`The ${store} has more to do than it can; ask again in ${retryAfter} s`, retryAfter)
    : unavailable(`The ${store} cannot be reached; ask again`, retryAfter)

/** The failure that an error of the stores stands for; undefined for one that nobody foresaw. */
export const mapError = (error: unknown): Failure | undefined => {
  if ((error instanceof StoreUnavailable || error instanceof ReadModelUnavailable) && isDiskFull(error))
    return insufficientStorage('The disk of a store is full: what was asked was not recorded, or not answered in time')
  if (error instanceof StoreUnavailable) return ofStore('event store', error)
  if (error instanceof ReadModelUnavailable) return ofStore('document store', error)
  if (error instanceof QueryTooBroad)
    return fail(
      'query_too_large',
      'What is asked for looks through more entries than can be looked through in 8 s: name a customer, a code, a campaign or a time',
    )
  if (error instanceof TooBusy) return unavailable(`${error.message}; ask again`, 1)
  if (error instanceof NotTried) return notTried()
  if (error instanceof ReadModelBehind) return unavailable(error.message, 1)
  if (error instanceof AppendRefused)
    return error.reason === 'too_large'
      ? fail('payload_too_large', 'What is to be recorded is larger than the event store takes in one go (1 MiB)')
      : fail('invalid_payload', error.message)
  if (error instanceof RecordDamaged || isDamagedDocument(error)) return fail('internal_error', error.message)
  if (error instanceof MalformedFact)
    return fail(
      'internal_error',
      `Stream ${error.fact.stream} holds a fact that cannot be read, at revision ${error.fact.revision}`,
    )
  return undefined
}
