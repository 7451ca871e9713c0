// The command keys that a customer's stream remembers, so that a repeated command is recognised and does nothing twice.

/** How many recent keys a customer keeps; older ones are looked up in the activity read model. */
export const MAX_KEYS = 1_000

/** Where a command's facts stand in its stream. */
export interface KeyRange {
  readonly first: bigint
  readonly count: number
  /** The fingerprint of the command's content; absent where none was recorded: it counts as any. */
  readonly print?: string
}

export interface KeyMemory {
  find(key: string): KeyRange | undefined
  /** Notes that the fact at `revision` was recorded by the command `key`. */
  note(key: string, revision: bigint, position: bigint, print?: string): void
  /** The position of the newest key that was dropped for want of room; undefined while none was. */
  readonly forgottenUpTo: bigint | undefined
  /** Bytes that it takes in memory, about. */
  readonly bytes: number
  save(): SavedKeys
}

/** As it is written down: plain text, which costs nothing to read but its bytes. Only this file reads what is in it. */
export interface SavedKeys {
  readonly recent: string
  /** Keys that are never forgotten. */
  readonly lasting: string
  /** See KeyMemory; null while none was forgotten. */
  readonly forgottenUpTo: string | null
}

/** Commands of a process between two streams: their keys are never forgotten (they are few). */
const PROCESS_KEY = 'process:'

interface Remembered extends KeyRange {
  readonly position: bigint
}

/** Without what would end a line or a field, and in Latin-1, so that a character takes a byte of memory. */
const escaped = (text: string): string =>
  text.replace(/[^ -ÿ]|\\/g, (one) => `\\${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
const meant = (text: string): string =>
  text.replace(/\\([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))

/** What a key's line begins with, and no other line, nor anything within one. */
const beginning = (key: string): string => `\n${escaped(key)}\t`

const lineOf = (key: string, { first, count, position, print }: Remembered): string =>
  `${beginning(key)}${first}\t${count}\t${position}${print === undefined ? '' : `\t${escaped(print)}`}`

/** What stands in a line after its key. */
const rememberedIn = (rest: string): Remembered => {
  const [first = '', count = '', position = '', print] = rest.split('\t')
  return {
    first: BigInt(first),
    count: Number(count),
    position: BigInt(position),
    print: print === undefined ? undefined : meant(print),
  }
}

const linesIn = (text: string): number => {
  let lines = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++
  return lines
}

/** Keys noted last that are kept as objects, which answer faster and take several times the room. */
const MAX_NEWER = 4
/** What one of those takes. */
const NEWER_BYTES = 300

/**
 * Keys in the order in which they were first used, most of them as one text with a line each. Tens of thousands of customers are in
 * memory, each with up to a thousand keys, and hardly any of them is ever asked for: objects for all would be most of what is read
 * of a customer, and most of what memory holds.
 */
class Lines {
  #text: string
  #lines: number
  #newer: Map<string, Remembered> | undefined

  constructor(text: string) {
    this.#text = text
    this.#lines = linesIn(text)
  }

  get size(): number {
    return this.#lines + (this.#newer?.size ?? 0)
  }

  get bytes(): number {
    return this.#text.length + (this.#newer?.size ?? 0) * NEWER_BYTES
  }

  /** The key's line in the text: where it begins and ends, and what it says. */
  #lineOf(key: string): { readonly from: number; readonly to: number; readonly remembered: Remembered } | undefined {
    const begins = beginning(key)
    const from = this.#text.indexOf(begins)
    if (from < 0) return undefined
    const rest = from + begins.length
    const end = this.#text.indexOf('\n', rest)
    const to = end < 0 ? this.#text.length : end
    return { from, to, remembered: rememberedIn(this.#text.slice(rest, to)) }
  }

  find(key: string): Remembered | undefined {
    return this.#newer?.get(key) ?? this.#lineOf(key)?.remembered
  }

  /** Takes the key's line out of the text. */
  #takeOut(key: string): Remembered | undefined {
    const line = this.#lineOf(key)
    if (line === undefined) return undefined
    this.#text = this.#text.slice(0, line.from) + this.#text.slice(line.to)
    this.#lines--
    return line.remembered
  }

  note(key: string, revision: bigint, position: bigint, print: string | undefined): void {
    const newer = this.#newer ?? new Map<string, Remembered>()
    const known = newer.get(key) ?? this.#takeOut(key)
    newer.set(key, known ? { ...known, count: known.count + 1 } : { first: revision, count: 1, position, print })
    this.#newer = newer
    if (newer.size <= MAX_NEWER) return
    this.#text = this.text()
    this.#lines += newer.size
    this.#newer = undefined
  }

  /** Drops the key that was used first, of very many; gives the position of what it recorded. */
  dropOldest(): bigint {
    const rest = this.#text.indexOf('\t') + 1
    const end = this.#text.indexOf('\n', rest)
    const { position } = rememberedIn(this.#text.slice(rest, end))
    this.#text = this.#text.slice(end)
    this.#lines--
    return position
  }

  text(): string {
    let text = this.#text
    for (const [key, remembered] of this.#newer ?? []) text += lineOf(key, remembered)
    return text
  }
}

export const NO_KEYS: SavedKeys = { recent: '', lasting: '', forgottenUpTo: null }

/** A class, and nothing in it that most customers do without: tens of thousands of them have one each in memory. */
class Keys implements KeyMemory {
  readonly #recent: Lines
  #lasting: Lines | undefined
  forgottenUpTo: bigint | undefined

  constructor({ recent, lasting, forgottenUpTo }: SavedKeys) {
    this.#recent = new Lines(recent)
    this.#lasting = lasting === '' ? undefined : new Lines(lasting)
    this.forgottenUpTo = forgottenUpTo === null ? undefined : BigInt(forgottenUpTo)
  }

  get bytes(): number {
    return this.#recent.bytes + (this.#lasting?.bytes ?? 0)
  }

  find(key: string): KeyRange | undefined {
    return (key.startsWith(PROCESS_KEY) ? this.#lasting : this.#recent)?.find(key)
  }

  note(key: string, revision: bigint, position: bigint, print?: string): void {
    if (key.startsWith(PROCESS_KEY)) {
      this.#lasting ??= new Lines('')
      this.#lasting.note(key, revision, position, print)
      return
    }
    this.#recent.note(key, revision, position, print)
    if (this.#recent.size <= MAX_KEYS) return
    const at = this.#recent.dropOldest()
    if (this.forgottenUpTo === undefined || at > this.forgottenUpTo) this.forgottenUpTo = at
  }

  save(): SavedKeys {
    const { forgottenUpTo } = this
    return {
      recent: this.#recent.text(),
      lasting: this.#lasting?.text() ?? '',
      forgottenUpTo: forgottenUpTo === undefined ? null : String(forgottenUpTo),
    }
  }
}

export const createKeyMemory = (saved: SavedKeys = NO_KEYS): KeyMemory => new Keys(saved)
