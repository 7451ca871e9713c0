// Items by what they have in common.

/** Puts an item behind the others of its group. */
export const addTo = <K, T>(groups: Map<K, T[]>, key: K, item: T): void => {
  const group = groups.get(key)
  if (group) group.push(item)
  else groups.set(key, [item])
}

/** The groups, and the items of each, in the order in which they came. */
export const groupBy = <K, T>(items: Iterable<T>, keyOf: (item: T) => K): ReadonlyMap<K, readonly T[]> => {
  const groups = new Map<K, T[]>()
  for (const item of items) addTo(groups, keyOf(item), item)
  return groups
}
