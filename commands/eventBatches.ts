// Recording many events by one request: each is taken or refused by itself.
import * as v from 'valibot'
import { MAX_BATCH_BYTES } from '../src/domain/size.ts'
import { errorBody, type Failure, fail, notTried, overloaded } from '../src/http/errors.ts'
import { describeIssues } from '../src/http/issues.ts'
import type { Call, Outcome } from '../src/http/route.ts'
import { createTurns } from '../src/line/turns.ts'
import type { Services } from '../src/services.ts'
import { checkTrackBody, keyOf, ownFailure, record } from './eventRecording.ts'
import type { TrackQuery } from './events.ts'

export const MAX_BATCH = 1_000

/** How much of the time of a request a batch begins events in: the rest is for recording and answering those begun. */
const BATCH_SHARE = 0.5

export const BatchBody = v.object({
  events: v.pipe(v.array(v.unknown()), v.minLength(1), v.maxLength(MAX_BATCH)),
})

const BatchResult = v.object({
  index: v.number(),
  status: v.picklist(['recorded', 'repeated', 'refused']),
  id: v.optional(v.string()),
  customer_id: v.optional(v.string()),
  error: v.optional(v.unknown()),
})

type BatchResult = v.InferOutput<typeof BatchResult>

export const BatchAnswer = v.object({
  object: v.literal('list'),
  data_ref: v.literal('data'),
  data: v.array(BatchResult),
  recorded: v.number(),
  repeated: v.number(),
  refused: v.number(),
})

/** Events of one batch that are under way at a time. */
const AT_ONCE = 128

/** As Promise.all over `map`, with so many under way at a time; begun in order. After a failure, or the signal, none begins. */
const inPieces = async <T, R>(
  items: readonly T[],
  signal: AbortSignal,
  action: (item: T, index: number) => Promise<R>,
): Promise<R[]> => {
  const results: R[] = []
  const entries = items.entries()
  let isOver = false
  const worker = async () => {
    for (const [index, item] of entries) {
      if (isOver || signal.aborted) return
      try {
        results[index] = await action(item, index)
      } catch (error) {
        isOver = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  signal.throwIfAborted()
  return results
}

/** The same as `record`; what is too large to be recorded, or others are faster with, is said of this event and no other. */
const recordAlone = async (...args: Parameters<typeof record>): ReturnType<typeof record> => {
  try {
    return await record(...args)
  } catch (error) {
    const failure = ownFailure(error)
    if (failure) return { failure }
    throw error
  }
}

export const trackBatch = async (
  services: Services,
  call: Call<v.InferOutput<typeof BatchBody>, v.InferOutput<typeof TrackQuery>, unknown>,
): Promise<Outcome> => {
  const { events } = call.body
  const turn = await services.load.begin(events.length, Number(call.headers.get('content-length') ?? MAX_BATCH_BYTES))
  if (typeof turn === 'number') return overloaded(turn)
  let position: bigint | undefined
  const dryRun = call.query.dry_run
  const tryUntil = call.now + services.settings.requestLimitMs * BATCH_SHARE
  const turns = createTurns()
  let isCut = false
  const one = async (item: unknown, index: number): Promise<BatchResult> => {
    const refused = (failure: Failure, id?: string): BatchResult => {
      if (failure.key === 'not_tried') isCut = true
      return {
        index,
        status: 'refused',
        id,
        error: errorBody(failure, call.requestId),
      }
    }
    const flaw = call.flaws?.get(index)
    if (flaw !== undefined) return refused(fail('invalid_payload', flaw))
    await turns.over()
    const checked = checkTrackBody(item)
    if ('issues' in checked) return refused(fail('invalid_payload', describeIssues(checked.issues)))
    const body = checked.value
    // The batch's own key names its events by their place, for those that have no id.
    const key = keyOf(call, body) ?? (call.idempotencyKey === undefined ? undefined : `${call.idempotencyKey}/${index}`)
    const place = await turn.next(tryUntil - services.clock.now())
    if (place === undefined) return refused(notTried(), body.id)
    const tracked = await recordAlone(services, call, body, {
      key,
      dryRun,
      keeps: true,
      tryUntil,
      isBrief: true,
    }).finally(place.leave)
    if ('failure' in tracked) return refused(tracked.failure, body.id)
    const { position: at, isRepeat, customer } = tracked
    if (at !== undefined && (position === undefined || at > position)) position = at
    return {
      index,
      status: isRepeat ? 'repeated' : 'recorded',
      id: body.id,
      customer_id: customer,
    }
  }
  let data: readonly BatchResult[]
  try {
    data = await inPieces(events, call.signal, one)
  } finally {
    turn.end()
  }
  const count = (status: BatchResult['status']) => data.filter((r) => r.status === status).length
  return {
    body: {
      object: 'list',
      data_ref: 'data',
      data,
      recorded: count('recorded'),
      repeated: count('repeated'),
      refused: count('refused'),
    },
    ...(isCut ? { headers: { 'Retry-After': '1' } } : {}),
    consistencyToken: position,
  }
}
