// What callers name their requests and events with, made into names of commands: each API key has a space of its own.
import { shortIdFrom } from './ids.ts'

/** Whose key it is, as far as spaces of names go. */
export interface KeyOwner {
  readonly appId: string
  readonly role: string
}

/** What this product's own commands begin with: nobody else may name one so. */
const OWN = ['process:', 'resend:'] as const

/** The beginning of a caller's text that only this product's own commands may have; undefined when there is none. */
export const ownBeginning = (text: string): string | undefined => OWN.find((beginning) => text.startsWith(beginning))

/**
 * The name of a command that a caller named `text`: within the space of the API key it came with, so that no caller can use up
 * or guess at the names of another. A browser's key never shares a space with a server's, whatever their ids are.
 */
export const callerKey = ({ appId, role }: KeyOwner, text: string): string =>
  role === 'client' ? `${shortIdFrom('client', appId)}~${text}` : `${shortIdFrom('server', appId)}:${text}`

const OF_SERVER = /^[0-9A-Za-z]{8}:/
/** Commands that are named by a `source_id`, which is unique for its card whoever sends it. */
const OF_SOURCE_IDS = /^(?:balance|[A-Z][A-Za-z]+Points|join):/

/**
 * What a command was named before API keys had spaces: facts of then are still found by it. A browser's finds none of them,
 * since most are the servers'; nor does a command that no caller named.
 */
export const formerKey = (key: string): string | undefined => {
  const text = OF_SERVER.test(key) ? key.slice('12345678:'.length) : undefined
  return text === undefined || OF_SOURCE_IDS.test(text) ? undefined : text
}
