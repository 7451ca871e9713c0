// Whether there is anything in a message for who reads it.

/** Letters, digits, signs, emoji: not what leaves a text empty to its reader. */
const SEEN = /[^\s\p{C}]/u

export const isSeen = (text: string): boolean => SEEN.test(text)

/** Elements that show something without a word in them. */
const SHOWN = /^(?:img|svg|picture|video|audio|canvas|object|embed|iframe|input|button)$/
/** Elements whose words are not shown. */
const HIDDEN = /^(?:head|title|style|script|template|noscript)$/
/** Written signs that are blanks, or nothing at all. */
const BLANKS =
  /&(?:nbsp|ensp|emsp|thinsp|zwj|zwnj|shy|lrm|rlm|#0*(?:32|160|173|820[3-7]|8288|65279)|#x0*(?:20|a0|ad|200[b-f]|2060|feff));/gi

/** Whether a reader sees anything of a page: words, or pictures. Goes through it once, however it is made. */
export const isSeenInHtml = (html: string): boolean => {
  const lower = html.toLowerCase()
  let at = 0
  while (at < html.length) {
    const opens = html.indexOf('<', at)
    if (isSeen(html.slice(at, opens < 0 ? undefined : opens).replace(BLANKS, ''))) return true
    if (opens < 0) return false
    const isComment = html.startsWith('<!--', opens)
    const closes = isComment ? html.indexOf('-->', opens + 4) : html.indexOf('>', opens)
    const name = /^[a-z][a-z0-9]*/.exec(lower.slice(opens + 1, opens + 12))?.[0]
    if (name === undefined && !isComment && !/[/!?]/.test(html.charAt(opens + 1))) return true
    if (name !== undefined && SHOWN.test(name)) return true
    if (closes < 0) return false
    at = closes + (isComment ? 3 : 1)
    if (name === undefined || !HIDDEN.test(name)) continue
    const ends = lower.indexOf(`</${name}`, at)
    if (ends < 0) return false
    at = ends
  }
  return false
}
