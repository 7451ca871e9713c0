// Changes that are no faults, each with why: what they change nobody can see, so that no test could tell of it. Left out of the count.
import type { Mutant } from './operators.ts'

interface Equivalent {
  /** What the change lies in, within one line. */
  readonly code: RegExp
  /** The one change that is meant; any where it is absent. */
  readonly to?: string
  readonly why: string
}

export const EQUIVALENT: readonly Equivalent[] = [
  { code: /\bversion: \d+/, why: 'a version is a name: what facts of each look like is held by the golden streams' },
  { code: /\bSTATE_VERSION = \d+/, why: 'another version only has snapshots made anew' },
  { code: /\{ key: \{[^}]*\}[^}]*\}/, why: 'an index saves work: queries/plans asks a real store which are used' },
  { code: /\bms <= 86_400_000 \? ms/, to: '86400001', why: 'times of day are whole seconds' },
  { code: /\binsertOnly: true/, why: 'saves the read of a document that cannot be there: tested over a store' },
  {
    code: /\b(?:MAX_CACHED_OFFSETS|MAX_COMPILED|MAX_SPACES|MAX_ZONES) = [\d_]+/,
    why: 'how much is remembered, or kept in one piece, and not what',
  },
  {
    code: /\bif \((\w+)\.size >= \w+\) \1\.(?:clear|delete)\(/,
    why: 'when what is remembered is forgotten, and not what',
  },
  {
    code: /\b(?:DATE_STEPS|CHARACTERS|CALL|DATE|DATE_CHARACTER) = [\d_]+/,
    why: 'an estimate of work: a hundredth more or less is no other bound',
  },
  {
    code: /\blet n = Math\.floor\(\(\w+ - start\) \/ fixedLength\(\w+\)\)/,
    why: 'a first guess: the loops below it go to the right one from any other',
  },
  {
    code: /\bwhile \(steps\(calendar, start, interval, n\) > now\) n--/,
    to: '>=',
    why: 'one step too far back is taken forward again by the loop below it',
  },
  {
    code: /\b(?:MAX_CHARACTERS|MAX_PARTS) = [\d_]+|\blet parts = 0\b/,
    why: 'what one rendering may take is a bound of its work, and is promised to nobody to the character or the part',
  },
  { code: /\+\+parts > MAX_PARTS\b/, to: '>=', why: 'one part more or less is no other bound' },
  { code: /\(events\.length > 0 \? \[ALL_EVENTS/, to: '>=', why: 'saves a write of the total as it is' },
  { code: /Math\.min\(1, Math\.sqrt\(h\)\)/, to: '2', why: 'rounding takes h to 1 + 2^-52 at most, whose root is 1' },
  { code: /\b(?:NOON_MS|LATE_MS) = .+/, why: 'about that time of day, and far from where an hour would matter' },
  { code: /\ba\.units <= 0n/, to: '<', why: 'nothing holds anything no times either way' },
  { code: /\bRENDER_LIMIT_MS = [\d_]+/, why: 'a time-out: nothing is promised to the millisecond' },
  { code: /-1 : Number\(a > b\)/, to: '2', why: 'a sort asks for the sign only' },
  {
    code: /-1 : Number\(a > b\)/,
    to: '>=',
    why: 'a sort leaves in their order those that are alike, and those that are in order',
  },
  {
    code: /\bsight\.shares \|\| !sumsOverCampaigns/,
    to: '&&',
    why: 'where no sums are looked at, what is judged again is the same: it is left out to save work',
  },
  {
    code: /\breferral\.offer \?\? \{ published: false \}/,
    why: 'a code that was not looked up is of no campaign, and is asked nothing more',
  },
  {
    code: /\bfor \(let y = year - 2; y <= year \+ 2; y\+\+\)/,
    to: '3',
    why: 'no period lies further from its anniversary: a year more on either side finds nothing',
  },
  { code: /\bconcernsAll: false\b/, why: 'who is listed is asked for everybody, or not: the answer is the same' },
  { code: /\bfirst && left > 0\b/, to: '>=', why: 'a chunk is made anew as it is' },
  { code: /\bconst quantities = .+/, to: '1', why: 'such sums are only compared with each other' },
  { code: /parameters\?\.loyalty\?\.points \?\? 0/, why: 'what is no coin says what it costs' },
  { code: /\bedge < until\b/, to: '<=', why: 'the same instant is put in the place of itself' },
  { code: /\brecent\.map\(\(\) => 0\)/, why: 'what came before has come, and is never taken off the sum' },
  { code: /\bfirst: 0, last: 0 \}/, why: 'of no events nobody asks the first or the last' },
  { code: /\(wanted\.points \?\? 0\)/, why: 'a card without points has been refused before' },
  { code: /\(rules\[bound\] \?\? 0\)/, why: 'every other bound is 1 at least' },
  {
    code: /\(state\.occurrences\[type\]\?\.count \?\? 0\)/,
    why: 'the event has been counted just before, and is of the one type there is',
  },
  { code: /\bname\.length > 100\b/, to: '>=', why: 'no zone has a name of a hundred letters' },
  { code: /\bname\.length > 100\b/, to: '101', why: 'nor one of a hundred and one' },
  {
    code: /\bMAX_INSTANTS = [\d_]+|\blet n = 0(?=; n < MAX_INSTANTS\b)/,
    why: 'the clock comes back for the rest: a turn is bounded by its facts before',
  },
  { code: /\bn < MAX_INSTANTS\b/, to: '<=', why: 'one instant more in a turn is no other bound' },
  {
    code: /\bMAX_PASSED_OVER = [\d_]+|\blet n = 0(?=; n < MAX_PASSED_OVER\b)/,
    why: 'where the end of an answer is told too early it is asked again then',
  },
  { code: /\bn < MAX_PASSED_OVER\b/, to: '<=', why: 'and so it is where it is told one step later' },
  {
    code: /\b(?:among|of|own) === undefined \|\| nested === undefined\b/,
    to: '&&',
    why: 'a part that cannot be read has been told of, which refuses the whole whatever is made of it',
  },
  { code: /\b(?:ends|closes) < 0\b/, to: '<=', why: 'an end stands behind its beginning' },
  { code: /\b(?:ends|closes) < 0\b/, to: '1', why: 'and never at the first letter' },
  {
    code: /\bmetresBetween\(circle, point\) <= circle\.metres\b/,
    to: '<',
    why: 'nothing lies on a circle to the last digit',
  },
  { code: /\bat < earliest\b/, to: '<=', why: 'the same instant is put in the place of itself' },
  { code: /\boldest > dropped\b/, to: '>=', why: 'the same day is put in the place of itself' },
]

/** Whether a change of a text is among them. */
export const isEquivalent = (text: string, { at, to }: Mutant): boolean => {
  const begin = text.lastIndexOf('\n', at - 1) + 1
  const end = text.indexOf('\n', at)
  const line = text.slice(begin, end < 0 ? text.length : end)
  return EQUIVALENT.some(({ code, to: only }) => {
    const found = code.exec(line)
    if (!found || (only !== undefined && only !== to)) return false
    return at - begin >= found.index && at - begin < found.index + found[0].length
  })
}
