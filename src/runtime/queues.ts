// Queues by name: what waits for the same thing is handled together, one lot after the other.

export interface Queues<T> {
  /** What is pushed in the same turn, or while a lot is being handled, goes together. */
  push(name: string, item: T): void
}

/** `handle` takes at most `most` items of one name, and never rejects: whoever pushed an item is told by it. */
export const createQueues = <T>(
  most: number,
  handle: (name: string, items: readonly T[]) => Promise<void>,
): Queues<T> => {
  const queues = new Map<string, T[]>()

  const work = async (name: string, queue: T[]): Promise<void> => {
    while (queue.length > 0) await handle(name, queue.splice(0, most))
    queues.delete(name)
  }

  return {
    push(name, item) {
      const queue = queues.get(name)
      if (queue) queue.push(item)
      else {
        const started = [item]
        queues.set(name, started)
        queueMicrotask(() => void work(name, started))
      }
    },
  }
}
