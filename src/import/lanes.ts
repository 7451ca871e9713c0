// Spreads items over a few lanes by key: batches of one lane go one after the other, so that the order of a key is kept.

export interface LaneItem {
  /** Items of one key keep their order. */
  readonly key: string
  /** Size towards the bound of a batch, bytes. */
  readonly size: number
}

export interface LaneOptions<T extends LaneItem> {
  /** Batches in flight at once. */
  readonly lanes: number
  readonly maxItems: number
  /** An item over this makes a batch of its own. */
  readonly maxBytes: number
  readonly send: (batch: readonly T[]) => Promise<void>
}

export interface Lanes<T extends LaneItem> {
  /** Adds an item; waits while its lane is full. Rejects with the first error of any lane. */
  offer(item: T): Promise<void>
  /** Sends what is left and waits for all. Rejects with the first error. */
  finish(): Promise<void>
  /** Waits for the batches in flight and sends no more. Never rejects. */
  settle(): Promise<void>
}

interface Lane<T> {
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

/** At most two batches a lane are held: one in flight, one filling. */
export const createLanes = <T extends LaneItem>(options: LaneOptions<T>): Lanes<T> => {
  const { maxItems, maxBytes, send } = options
  const lanes = Array.from({ length: options.lanes }, (): Lane<T> => ({ items: [], bytes: 0, flight: undefined }))
  let failure: { readonly error: unknown } | undefined

  const check = () => {
    if (failure) throw failure.error
  }

  /** Sends what the lane has gathered, once its batch before has come back. */
  const dispatch = async (lane: Lane<T>): Promise<void> => {
    await lane.flight
    check()
    if (lane.items.length === 0) return
    const batch = lane.items
    lane.items = []
    lane.bytes = 0
    lane.flight = send(batch)
      .catch((error: unknown) => {
        failure ??= { error }
      })
      .finally(() => {
        lane.flight = undefined
      })
  }

  const settle = async (): Promise<void> => {
    await Promise.all(lanes.map((lane) => lane.flight))
  }

  return {
    async offer(item) {
      check()
      const lane = lanes[hashOf(item.key) % lanes.length]!
      if (lane.items.length > 0 && lane.bytes + item.size > maxBytes) await dispatch(lane)
      lane.items.push(item)
      lane.bytes += item.size
      if (lane.items.length >= maxItems) await dispatch(lane)
    },
    async finish() {
      await Promise.all(lanes.map(dispatch))
      await settle()
      check()
    },
    settle,
  }
}
