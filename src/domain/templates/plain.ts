// What becomes of a value that is put into a text for people: somebody's name must not be a message of its own.

/** Characters of a value that is put into a mail or text message. */
export const MAX_VALUE = 1_000

/** Whatever a reader may show as the end of a line. */
const LINE_BREAKS = /[\r\n\v\f\u0085\u2028\u2029]+/g
/** Neither shown nor meant to be: control characters but for tabs and breaks, and those that turn the direction of text round. */
const UNSEEN = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]|(?![\t\r\n\v\f\u0085])\p{Cc}/gu
/** `https://`, `mailto:` and the like, and the `www.` that readers make a link of without one. */
const SCHEME = /\b(?:[a-z][a-z0-9+.-]{0,20}:\/+|(?:mailto|javascript):|www\.)/gi
/** What readers make a link of by its form alone: labels with dots between them of which the last is of letters. */
const DOTTED = /[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.\p{L}{2,}/gu
const MAIL_ADDRESS = /^[^\s@]+@[^\s@]+$/

/** What a template's author lets a value keep. */
export interface Kept {
  readonly links?: boolean
  readonly lines?: boolean
}

/** No reader makes a link of `shop. example`; it still reads as what it was. A whole value that is a mail address stays one. */
const unlinked = (text: string): string => {
  let bare = text
  // What is left when one is taken out can be another; each round is shorter.
  for (let before = ''; before !== bare; ) {
    before = bare
    bare = before.replace(SCHEME, '')
  }
  return MAIL_ADDRESS.test(bare) ? bare : bare.replace(DOTTED, (name) => name.replaceAll('.', '. '))
}

/** A value as one line of plain words of at most `MAX_VALUE` characters, but for what may be kept. */
export const plainValue = (value: string, { links = false, lines = false }: Kept = {}): string => {
  const seen = value.slice(0, MAX_VALUE * 2).replace(UNSEEN, '')
  const lined = lines ? seen : seen.replace(LINE_BREAKS, ' ')
  const plain = links ? lined : unlinked(lined)
  return plain.length <= MAX_VALUE ? plain : `${plain.slice(0, MAX_VALUE - 1).replace(/[\ud800-\udbff]$/, '')}…`
}
