// When what is known of a customer was said: an older saying, whenever it arrives, changes nothing and only fills gaps.
import { canonical, isEqual, type Profile, type ProfilePatch, type Said } from './profile.ts'

/*
 * Each attribute by itself, and of address and metadata each part: `email`, `address.city`, `metadata.tier`. So a profile follows
 * from what was said and when, not from the order of arrival. `source_id` is left out: it never changes.
 */

/** Attribute → the latest time, ms, at which something was said of it. `address` is when all of it was last cleared. */
export type SaidAt = Readonly<Record<string, number>>

const timeOf = (saidAt: SaidAt, name: string): number | undefined =>
  Object.hasOwn(saidAt, name) ? saidAt[name] : undefined

/** The time of a part of the address: it may have been cleared with all of it. */
const latest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b)

type Values = Readonly<Record<string, unknown>>

/** What a saying does to values that stand beside each other. */
const newsAmong = (
  values: Values,
  said: Values,
  isOlder: (name: string, value: unknown, known: unknown) => boolean,
  isLater: (name: string) => boolean,
): { readonly changes: Record<string, unknown>; readonly again: readonly string[] } => {
  const changes: Record<string, unknown> = {}
  const again: string[] = []
  for (const [name, value] of Object.entries(said)) {
    if (value === undefined) continue
    const known = Object.hasOwn(values, name) ? (values[name] ?? null) : null
    if (isEqual(known, value)) {
      if (isLater(name)) again.push(name)
    } else if (!isOlder(name, value, known)) changes[name] = value
  }
  return { changes, again }
}

/**
 * What of a patch that holds from `at` on is news. On equal times what is said now (`isNow`) counts; of two sayings about an
 * earlier time the one whose text sorts last, so that the order of arrival still does not matter.
 */
export const newsOf = (
  { profile, saidAt }: { readonly profile: Profile; readonly saidAt: SaidAt },
  patch: ProfilePatch,
  { at, isNow }: { readonly at: number; readonly isNow: boolean },
): { readonly changes: ProfilePatch | undefined; readonly again: readonly string[] } => {
  const { address, metadata, unsubscribed, source_id, ...flat } = patch
  const among = (values: Values, said: Values, prefix: string, floor?: number) => {
    const since = (name: string) => latest(timeOf(saidAt, `${prefix}${name}`), floor)
    const { changes, again } = newsAmong(
      values,
      said,
      (name, value, known) => {
        const before = since(name)
        return (
          before !== undefined && (at < before || (at === before && !isNow && canonical(value) <= canonical(known)))
        )
      },
      (name) => at > (since(name) ?? Number.NEGATIVE_INFINITY),
    )
    return { changes, again: again.map((name) => `${prefix}${name}`) }
  }
  const plain = among(
    { ...profile, unsubscribed: profile.unsubscribed ?? [] },
    unsubscribed === undefined ? flat : { ...flat, unsubscribed: [...new Set(unsubscribed ?? [])].sort() },
    '',
  )
  const parts = profile.address ?? {}
  const cleared = Object.fromEntries(Object.keys(parts).map((name) => [name, null]))
  const where =
    address === undefined ? undefined : among(parts, address ?? cleared, 'address.', timeOf(saidAt, 'address'))
  const clearsAll = address === null && at > (timeOf(saidAt, 'address') ?? Number.NEGATIVE_INFINITY)
  const left = where && Object.keys(parts).length - Object.keys(where.changes).length
  const what = metadata ? among(profile.metadata, metadata, 'metadata.') : undefined
  const isNamed = source_id !== undefined && source_id !== (profile.source_id ?? null)
  const changes: Record<string, unknown> = {
    ...(isNamed ? { source_id } : {}),
    ...plain.changes,
    ...(where && Object.keys(where.changes).length > 0
      ? { address: address === null && left === 0 ? null : where.changes }
      : {}),
    ...(what && Object.keys(what.changes).length > 0 ? { metadata: what.changes } : {}),
  }
  return {
    changes: Object.keys(changes).length > 0 ? (changes as ProfilePatch) : undefined,
    again: [
      ...plain.again,
      ...(where?.again ?? []),
      ...(clearsAll && changes.address !== null ? ['address'] : []),
      ...(what?.again ?? []),
    ],
  }
}

const namesIn = ({ source_id: _, address, metadata, ...flat }: ProfilePatch): readonly string[] => [
  ...Object.keys(flat),
  ...(address === null ? ['address'] : Object.keys(address ?? {}).map((name) => `address.${name}`)),
  ...Object.keys(metadata ?? {}).map((name) => `metadata.${name}`),
]

/** The times after a fact: that of all it changes, or says again. `occurredAt` is the fact's own. */
export const noteSaid = (saidAt: SaidAt, changes: ProfilePatch, said: Said | undefined, occurredAt: number): SaidAt => {
  const at = said?.at ?? occurredAt
  const next: Record<string, number> = { ...saidAt }
  for (const name of [...namesIn(changes), ...(said?.names ?? [])]) next[name] = at
  // What was cleared with all of the address needs no time of its own.
  if (changes.address === null)
    for (const [name, time] of Object.entries(next)) if (name.startsWith('address.') && time <= at) delete next[name]
  return next
}
