// Documents that the store refused: remembered with the reason until the commit that parks the first of their facts is through.
import { createParkedNames, type ParkedNames, type Parking } from './fold.ts'

export interface Condemned {
  readonly size: number
  add(projection: string, key: string, reason: string): void
  /** The parkings, each first one of a condemned key with its reason. Nothing is forgotten: they may not come to be written. */
  explained(parkings: readonly Parking[]): readonly Parking[]
  /** These were written: the store knows from now on. */
  written(parkings: readonly Parking[]): void
  /** The names that are parked, with those condemned; what the store knows already is forgotten here. */
  addTo(parked: ParkedNames): ParkedNames
  clear(): void
}

export const createCondemned = (): Condemned => {
  /** Reasons by projection and key. */
  const reasons = new Map<string, Map<string, string>>()
  const remove = (projection: string, key: string) => {
    const own = reasons.get(projection)
    own?.delete(key)
    if (own?.size === 0) reasons.delete(projection)
  }
  return {
    get size() {
      let size = 0
      for (const own of reasons.values()) size += own.size
      return size
    },
    add(projection, key, reason) {
      const own = reasons.get(projection)
      if (own === undefined) reasons.set(projection, new Map([[key, reason]]))
      else own.set(key, reason)
    },
    explained(parkings) {
      if (reasons.size === 0) return parkings
      const told = createParkedNames()
      return parkings.map((parking) => {
        const { projection, key } = parking
        const error = reasons.get(projection)?.get(key)
        if (error === undefined || parking.error !== undefined || told.has(projection, key)) return parking
        told.add(projection, key)
        return { ...parking, error }
      })
    },
    written(parkings) {
      for (const { projection, key } of reasons.size === 0 ? [] : parkings) remove(projection, key)
    },
    addTo(parked) {
      for (const [projection, own] of reasons)
        for (const key of own.keys())
          if (parked.has(projection, key)) remove(projection, key)
          else parked.add(projection, key)
      return parked
    },
    clear: () => reasons.clear(),
  }
}
