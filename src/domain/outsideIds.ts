// What callers call what is theirs: customers, orders, events, requests. One rule says what none of these may hold.
import * as v from 'valibot'

/** Joiners are part of how some scripts are written. */
const UNSEEN = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]|(?![\u200c\u200d])\p{Cf}/u

/** The rule in the words of an error. */
export const UNSEEN_RULE = 'must NOT contain control or invisible characters'

/** Whether a text holds what nobody can see: two of them would look the same, and files and other systems cut or drop such signs. */
export const hasUnseen = (text: string): boolean => UNSEEN.test(text)

const blank = (text: string): boolean => text.trim() === ''

/** An id that a caller gives to something, or knows it by. It stays as it was written. */
export const outsideId = (max = 300) =>
  v.pipe(
    v.string(),
    v.minLength(1),
    v.maxLength(max),
    v.check((text) => !hasUnseen(text), UNSEEN_RULE),
    v.check((text) => !blank(text), 'must NOT be blank'),
  )

/** The same where clients send an empty text for none, which counts as absent. */
export const outsideIdOrNone = (max = 300) =>
  v.pipe(
    v.string(),
    v.maxLength(max),
    v.check((text) => !hasUnseen(text), UNSEEN_RULE),
    v.transform((text) => (blank(text) ? undefined : text)),
  )
