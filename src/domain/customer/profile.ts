// Who a customer is: the profile, and how a change of it is merged.

import * as v from 'valibot'
import { answered } from '../answered.ts'
import { byText } from '../byText.ts'
import { Channel } from '../channels/index.ts'
import { mergeRecord } from '../mergeRecord.ts'
import { name300 } from '../name.ts'
import { outsideId } from '../outsideIds.ts'
import { isDate } from '../rulebook/eventSchema.ts'
import { sizeOf } from '../size.ts'

const text = (max: number) => v.pipe(v.string(), v.maxLength(max))
const personal = <S extends v.GenericSchema>(schema: S) => v.pipe(schema, v.metadata({ personal: true }))

export const Metadata = v.record(v.string(), v.unknown())

export const Address = v.object({
  city: v.nullish(text(300)),
  state: v.nullish(text(300)),
  line_1: v.nullish(text(300)),
  line_2: v.nullish(text(300)),
  country: v.nullish(text(300)),
  postal_code: v.nullish(text(300)),
})

/** Channels that a customer may have opted out of. */
export const Unsubscribed = v.array(Channel)

/** What a caller may say of a customer beside who it is. `null` clears a value; metadata and address are merged key by key. */
export const ProfilePatch = v.object({
  source_id: v.nullish(personal(name300)),
  name: v.nullish(personal(text(300))),
  description: v.nullish(personal(text(1000))),
  email: v.nullish(personal(text(320))),
  phone: v.nullish(personal(text(100))),
  birthdate: v.nullish(personal(text(40))),
  address: v.nullish(personal(Address)),
  metadata: v.nullish(Metadata),
  unsubscribed: v.nullish(Unsubscribed),
})
export type ProfilePatch = v.InferOutput<typeof ProfilePatch>
export type Address = v.InferOutput<typeof Address>

const day = v.nullish(
  personal(v.pipe(v.string(), v.check(isDate, 'must match format "date"'), v.metadata({ format: 'date' }))),
)

/** What requests say of a customer, by `id`, by `source_id` or by neither. `birthday` is another name of `birthdate`. */
export const CustomerInput = v.pipe(
  v.object({
    id: v.nullish(outsideId()),
    ...ProfilePatch.entries,
    source_id: v.nullish(personal(outsideId())),
    birthdate: day,
    birthday: day,
  }),
  answered(
    'object',
    'created_at',
    'updated_at',
    'summary',
    'loyalty',
    'referrals',
    'system_metadata',
    'segments',
    'assets',
  ),
  v.check(
    ({ birthdate, birthday }) => birthday === undefined || birthdate === undefined || birthday === birthdate,
    'birthday must be equal to birthdate: both say the same',
  ),
  v.transform(({ birthday, id, ...customer }): ProfilePatch & { readonly id?: string } => ({
    ...customer,
    ...(id === null || id === undefined ? {} : { id }),
    ...(birthday === undefined ? {} : { birthdate: birthday }),
  })),
)
export type CustomerInput = v.InferOutput<typeof CustomerInput>

/** A customer's profile; a value that was never given, or was cleared, is absent. */
export interface Profile {
  readonly source_id?: string
  readonly name?: string
  readonly description?: string
  readonly email?: string
  readonly phone?: string
  readonly birthdate?: string
  readonly address?: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, unknown>>
  readonly unsubscribed?: readonly string[]
}

export const NO_PROFILE: Profile = { metadata: {} }

const At = v.pipe(v.number(), v.integer())

/**
 * Kept with the fact that a saying leads to. `at`: from when it holds, ms; the fact's own time where it is not given. `names`:
 * what it says again of a later time than known, so that no value changes.
 */
export const Said = v.object({ at: At, names: v.optional(v.array(v.string())) })
export type Said = v.InferOutput<typeof Said>

/** What an erased customer's stream held. */
export const Erasure = v.object({
  /** Events of all kinds, custom ones among them, memberships of segments, and orders. */
  events: v.number(),
  customerEvents: v.number(),
  segments: v.number(),
  orders: v.optional(v.number()),
  orderEvents: v.optional(v.number()),
})
export type Erasure = v.InferOutput<typeof Erasure>

/** What an e-mail address is compared by: nobody's differ by case, or by blanks around. */
export const emailKey = (address: string): string => address.trim().toLowerCase()

/** Whether two values of JSON say the same. */
export const isEqual = (a: unknown, b: unknown): boolean =>
  a === b ||
  (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null && canonical(a) === canonical(b))

/** JSON with sorted keys, so that equal values have equal texts; two values always sort in the same way by it. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => byText(a, b)))
      : inner,
  )

/** The profile after a patch: `null` removes a value, metadata and address merge key by key, the rest is replaced. */
export const mergeProfile = (before: Profile, patch: ProfilePatch): Profile => {
  const { address, metadata, ...flat } = patch
  const merged: Record<string, unknown> = mergeRecord({ ...before }, flat)
  if (address === null) delete merged.address
  else if (address) {
    const next = mergeRecord(before.address ?? {}, address)
    if (Object.keys(next).length > 0) merged.address = next
    else delete merged.address
  }
  if (metadata) merged.metadata = mergeRecord(before.metadata, metadata)
  return merged as unknown as Profile
}

/** Bytes that a profile may have as JSON. */
export const MAX_PROFILE_BYTES = 64 * 1024

/** Why a profile cannot become what it would be: it is too large, and not smaller than it was. */
export const profileFault = (before: Profile, after: Profile): string | undefined => {
  const { bytes } = sizeOf(after)
  return bytes > MAX_PROFILE_BYTES && bytes > sizeOf(before).bytes
    ? `The profile with its metadata would have ${bytes} bytes, and may have at most ${MAX_PROFILE_BYTES}`
    : undefined
}
