// A subscription as a source that is pulled: bounded, in order, with the position moving on also where nothing matched.
import type {
  AllStreamResolvedEvent,
  AllStreamSubscription,
  ResolvedEvent,
  StreamSubscription,
} from '@eventstore/db-client'
import type { RecordedFact, UnreadableFact } from '../domain/recorded.ts'
import { LineReplaced, NoAnswer } from '../line/line.ts'
import { processTime as time } from '../line/time.ts'
import type { Codec, RawRecord } from './codec.ts'
import {
  isDamaged,
  isReadRefused,
  MalformedFact,
  ReadRefused,
  RecordDamaged,
  SourceClosed,
  StoreUnavailable,
} from './errors.ts'
import type { ClientLine } from './lines.ts'
import type { Batch, Source } from './types.ts'

/** Events kept for the consumer; the client's own buffers (256 each way) come on top. Past it the server is held back. */
const QUEUE_LIMIT = 4_096
export const CLIENT_BUFFER = 256

/** What stands between facts, kept in its place among them: where the log is, or that its end was reached. */
type Marker =
  | { readonly marker: 'at'; readonly position: bigint; readonly revision: bigint | undefined }
  | { readonly marker: 'caughtUp'; readonly position: bigint | undefined }
/** What needs a key that is not at hand yet: decoded when it is taken. */
type Entry = RecordedFact | UnreadableFact | Marker | { readonly undecoded: RawRecord }

export interface SourceOptions {
  readonly codec: Codec
  readonly line: ClientLine
  /** How long the server may take to confirm the subscription, ms of free time. */
  readonly openMs: number
  /**
   * Where the log ended before the call was opened, if that was asked: the call has looked at all of that once it says that it has
   * caught up, and a filtered one whose filter matches nothing hears of its place by nothing else.
   */
  readonly end?: bigint | undefined
  /** What is taken of what the server sends; the rest only says how far the log has been looked at. */
  readonly take: (event: ResolvedEvent) => RawRecord | undefined
  /** Opens the call; `checkpoint` is to be awaited by the client when the server sends one. */
  readonly open: (checkpoint: (position: bigint) => Promise<void>) => StreamSubscription | AllStreamSubscription
}

/** A first checkpoint of an almost empty log where nothing matched can be this; it says nothing. */
const NO_POSITION = 2n ** 64n - 1n

/** Opens a subscription and waits until the server has confirmed it. Rejects with StoreUnavailable. */
export const openSource = async ({
  codec,
  line,
  openMs,
  end,
  take: recordOf,
  open,
}: SourceOptions): Promise<Source> => {
  let queue: Entry[] = []
  let taken = 0
  let failure: Error | undefined
  let closed = false
  let live = false
  let position: bigint | undefined
  let revision: bigint | undefined
  let wake: (() => void) | undefined
  let roomy: (() => void) | undefined

  const size = () => queue.length - taken
  const signal = () => {
    const waiting = wake
    wake = undefined
    waiting?.()
  }
  /** Facts are decoded as they come: what waits in the queue is then all that is left of them. */
  const take = (event: ResolvedEvent | AllStreamResolvedEvent) => {
    const record = recordOf(event)
    if (record === undefined) {
      const { commitPosition: position } = event
      if (position !== undefined) queue.push({ marker: 'at', position, revision: undefined })
      return
    }
    queue.push(codec.prepareDecode?.([record]) ? { undecoded: record } : decoded(record))
  }
  const decoded = (record: RawRecord): Entry => {
    const { position, revision } = record
    try {
      return codec.decode(record) ?? { marker: 'at', position, revision }
    } catch (error) {
      if (!(error instanceof MalformedFact)) throw error
      return error.fact
    }
  }
  /** Keys that are unavailable end the subscription: what was taken out of the queue is read again by the next one. */
  const withKeys = async (entries: readonly Entry[]): Promise<readonly Entry[]> => {
    const records = entries.flatMap((entry) => ('undecoded' in entry ? [entry.undecoded] : []))
    if (records.length === 0) return entries
    try {
      await codec.prepareDecode?.(records)
    } catch (error) {
      fail(error)
      throw new StoreUnavailable('the keys of personal data could not be read', { cause: error })
    }
    return entries.map((entry) => ('undecoded' in entry ? decoded(entry.undecoded) : entry))
  }
  const takeAll = () => {
    for (let event: ResolvedEvent | null = call.read(); event !== null; event = call.read()) take(event)
  }
  const takeSome = () => {
    while (size() < QUEUE_LIMIT) {
      const event: ResolvedEvent | null = call.read()
      if (event === null) break
      take(event)
    }
    if (size() > 0) signal()
  }
  /** Everything that was sent before the marker is taken first, so that the marker cannot overtake it. */
  const mark = (marker: Marker) => {
    takeAll()
    queue.push(marker)
    signal()
  }
  let confirm: () => void = () => {}
  let refuse: (error: Error) => void = () => {}
  const opening = new Promise<void>((resolve, reject) => {
    confirm = resolve
    refuse = reject
  })
  const fail = (cause: unknown) => {
    if (failure || closed) return
    const damaged = isDamaged(cause)
    // The server has answered, and is up.
    const refused = damaged || isReadRefused(cause)
    const error = damaged ? new RecordDamaged(cause) : isReadRefused(cause) ? new ReadRefused(cause) : cause
    failure = error instanceof Error ? error : new Error(String(error))
    if (refused) underWay.answered()
    else underWay.over()
    if (!refused && !(cause instanceof NoAnswer) && !(cause instanceof LineReplaced)) line.doubt(cause)
    refuse(failure)
    signal()
  }

  const generation = line.current
  /** Waited for is the confirmation; what comes later comes when it comes. */
  const underWay = line.begin(generation)
  const call = open(async (at) => {
    underWay.heard()
    if (at === NO_POSITION || closed) return
    mark({ marker: 'at', position: at, revision: undefined })
    // The client waits for this promise: that is the way to hold a stream of checkpoints back.
    if (size() >= QUEUE_LIMIT)
      await new Promise<void>((resolve) => {
        roomy = resolve
      })
  })
  const stopListening = generation.onRetired(fail)

  const close = async () => {
    if (closed) return
    closed = true
    underWay.over()
    stopListening()
    roomy?.()
    signal()
    // An idle call stays open at the server unless it is cancelled; one that never opened has nothing to cancel.
    await call.unsubscribe().catch(() => undefined)
    call.destroy()
  }

  const callOff = time.after(openMs, () => fail(new NoAnswer(openMs)))
  call.once('confirmation', () => {
    underWay.answered()
    confirm()
  })
  call.on('error', fail)
  call.on('end', () => fail(new Error('the server ended the subscription')))
  call.on('caughtUp', () => mark({ marker: 'caughtUp', position: end }))
  call.on('readable', () => {
    underWay.heard()
    takeSome()
  })
  try {
    await opening
  } catch (error) {
    await close()
    throw new StoreUnavailable('the subscription could not be opened', { cause: error })
  } finally {
    callOff()
  }

  const batchOf = (entries: readonly Entry[]): Batch => {
    const facts: RecordedFact[] = []
    const unreadable: UnreadableFact[] = []
    for (const entry of entries) {
      if ('undecoded' in entry) throw new Error(`${entry.undecoded.stream}: not decoded`)
      if ('data' in entry) facts.push(entry)
      else if ('error' in entry) unreadable.push(entry)
      else if (entry.marker === 'caughtUp') live = true
      const at = entry.position
      if (at !== undefined && (position === undefined || at > position)) position = at
      if ('revision' in entry && entry.revision !== undefined) revision = entry.revision
    }
    return { facts, unreadable, position, revision, caughtUp: live && size() === 0 }
  }

  return {
    get buffered() {
      return size()
    },
    async next(max, gather) {
      let gathering = gather !== undefined
      const gathered = () => {
        gathering = false
        signal()
      }
      gather?.then(gathered, gathered)
      const enough = Math.min(max, QUEUE_LIMIT)
      for (;;) {
        if (closed) throw new SourceClosed()
        takeSome()
        if (size() >= (gathering && !failure ? enough : 1)) break
        if (failure instanceof ReadRefused) throw failure
        if (failure) throw new StoreUnavailable('the subscription broke', { cause: failure })
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      const entries = queue.slice(taken, taken + max)
      taken += entries.length
      if (taken === queue.length) {
        queue = []
        taken = 0
      } else if (taken >= QUEUE_LIMIT) {
        queue = queue.slice(taken)
        taken = 0
      }
      if (size() < QUEUE_LIMIT) {
        const goOn = roomy
        roomy = undefined
        goOn?.()
      }
      return batchOf(await withKeys(entries))
    },
    close,
  }
}
