// What callers name their requests and events with, made into names of commands: each API key has a space of its own.
import { shortIdFrom } from './ids.ts'

/** Whose key it is, as far as spaces of names go. */
export interface KeyOwner {
  readonly appId: string
  readonly role: string
}

/**
 * Who names something in a request. What comes with a customer's token is that customer's, so that neither strangers nor other
 * customers can use up a name before, or ask for its answer.
 */
export const keyOwner = ({
  key: { appId, role },
  client,
}: {
  readonly key: KeyOwner
  readonly client?: { readonly customer?: string | undefined } | undefined
}): KeyOwner => (client?.customer === undefined ? { appId, role } : { appId: `${appId}/${client.customer}`, role })

/** What this product's own commands begin with: nobody else may name one so. */
const OWN = ['process:', 'resend:'] as const

/** The beginning of a caller's text that only this product's own commands may have; undefined when there is none. */
export const ownBeginning = (text: string): string | undefined => OWN.find((beginning) => text.startsWith(beginning))

/** Spaces of keys that were asked for lately: there are few, and each request asks for one. */
const spaces = new Map<string, string>()
const MAX_SPACES = 1_000

const spaceOf = ({ appId, role }: KeyOwner): string => {
  const kind = role === 'client' ? 'client' : 'server'
  const name = `${kind} ${appId}`
  const known = spaces.get(name)
  if (known !== undefined) return known
  const space = `${shortIdFrom(kind, appId)}${kind === 'client' ? '~' : ':'}`
  if (spaces.size >= MAX_SPACES) spaces.clear()
  spaces.set(name, space)
  return space
}

/**
 * The name of a command that a caller named `text`: within the space of the API key it came with, so that no caller can use up
 * or guess at the names of another. A browser's key never shares a space with a server's, whatever their ids are. With the
 * print of its content in it, a name can never be taken for that of another content.
 */
export const callerKey = (owner: KeyOwner, text: string, print?: string): string =>
  print === undefined ? spaceOf(owner) + text : `${spaceOf(owner)}${text}#${print}`

/** A server's key: the text, and behind it a print, and the place of a part of what was asked for. */
const OF_SERVER = /^[0-9A-Za-z]{8}:(.*?)(?:#[\w-]{12}(\/\d+)?)?$/s
/** Commands that are named by a `source_id`, which is unique for its card whoever sends it. */
const OF_SOURCE_IDS = /^(?:balance|[A-Z][A-Za-z]+Points|join):/

/**
 * What a command was named before API keys had spaces: facts of then are still found by it. A browser's finds none of them,
 * since most are the servers'; nor does a command that no caller named.
 */
export const formerKey = (key: string): string | undefined => {
  const found = OF_SERVER.exec(key)
  if (!found) return undefined
  const text = `${found[1]}${found[2] ?? ''}`
  return OF_SOURCE_IDS.test(text) ? undefined : text
}
