// Spreads items over a few queues by key: batches of one queue go one after the other, so that the order of a key is kept.

export interface KeyedItem {
  /** Items of one key keep their order. */
  readonly key: string
  /** Size towards the bound of a batch, bytes. */
  readonly size: number
}

export interface KeyedBatchesOptions<T extends KeyedItem> {
  /** Batches in flight at once. */
  readonly atOnce: number
  readonly maxItems: number
  /** An item over this makes a batch of its own. */
  readonly maxBytes: number
  readonly send: (batch: readonly T[]) => Promise<void>
}

export interface KeyedBatches<T extends KeyedItem> {
  /** Adds an item; waits while its queue is full. Rejects with the first error of any queue. */
  offer(item: T): Promise<void>
  /** Sends what is left and waits for all. Rejects with the first error. */
  finish(): Promise<void>
  /** Waits for the batches in flight and sends no more. Never rejects. */
  settle(): Promise<void>
}

interface Queue<T> {
  items: T[]
  bytes: number
  flight: Promise<void> | undefined
}

/** FNV-1a, 32 bits: spreads keys evenly, nothing more. */
const hashOf = (key: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** At most two batches a queue are held: one in flight, one filling. */
export const createKeyedBatches = <T extends KeyedItem>(options: KeyedBatchesOptions<T>): KeyedBatches<T> => {
  const { maxItems, maxBytes, send } = options
  const queues = Array.from({ length: options.atOnce }, (): Queue<T> => ({ items: [], bytes: 0, flight: undefined }))
  let failure: { readonly error: unknown } | undefined

  const check = () => {
    if (failure) throw failure.error
  }

  /** Sends what the queue has gathered, once its batch before has come back. */
  const dispatch = async (queue: Queue<T>): Promise<void> => {
    await queue.flight
    check()
    if (queue.items.length === 0) return
    const batch = queue.items
    queue.items = []
    queue.bytes = 0
    queue.flight = send(batch)
      .catch((error: unknown) => {
        failure ??= { error }
      })
      .finally(() => {
        queue.flight = undefined
      })
  }

  const settle = async (): Promise<void> => {
    await Promise.all(queues.map((queue) => queue.flight))
  }

  return {
    async offer(item) {
      check()
      const queue = queues[hashOf(item.key) % queues.length]!
      if (queue.items.length > 0 && queue.bytes + item.size > maxBytes) await dispatch(queue)
      queue.items.push(item)
      queue.bytes += item.size
      if (queue.items.length >= maxItems) await dispatch(queue)
    },
    async finish() {
      await Promise.all(queues.map(dispatch))
      await settle()
      check()
    },
    settle,
  }
}
