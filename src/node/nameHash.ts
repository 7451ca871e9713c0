/** 32 bits of a name, the same in all processes (FNV-1a, with its bits mixed once more: the lowest are what names are told apart by). */
export const nameHash = (name: string, seed = 0x811c9dc5): number => {
  let hash = seed
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
  hash ^= hash >>> 15
  return Math.imul(hash, 0x2c1b3c6d) >>> 0
}
