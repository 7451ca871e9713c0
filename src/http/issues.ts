// Words for what a schema found: one sentence for each property at fault, in the HTTP contract's phrasing.
import type * as v from 'valibot'
import { clip, stepsOf, subjectOf } from '../domain/path.ts'

/** At most this many faults are named; a longer list ends with the count of the others. */
const MAX_NAMED = 50
type Issue = v.BaseIssue<unknown>
type Path = readonly { readonly key: unknown }[]

const subject = (path: Path): string => subjectOf(stepsOf(path))

const TYPE_NAMES: Readonly<Record<string, string>> = {
  strict_object: 'object',
  loose_object: 'object',
  object_with_rest: 'object',
  record: 'object',
  tuple: 'array',
  strict_tuple: 'array',
  null: 'null',
  nan: 'number',
}

/** Valibot words allowed values as `("a" | "b")`; the contract as `[ a, b ]`. */
const allowed = (expected: string | null): string =>
  (expected ?? '')
    .replace(/^\((.*)\)$/s, '$1')
    .split(' | ')
    .map((text) => text.replace(/^"(.*)"$/s, '$1'))
    .join(', ')

const BOUND_WORDS: Readonly<Record<string, readonly [comparison: string, unit: string]>> = {
  min_length: ['must NOT have fewer than', 'characters'],
  max_length: ['must NOT have more than', 'characters'],
  min_graphemes: ['must NOT have fewer than', 'characters'],
  max_graphemes: ['must NOT have more than', 'characters'],
  min_entries: ['must NOT have fewer than', 'properties'],
  max_entries: ['must NOT have more than', 'properties'],
  min_value: ['must be >=', ''],
  max_value: ['must be <=', ''],
  gt_value: ['must be >', ''],
  lt_value: ['must be <', ''],
  multiple_of: ['must be multiple of', ''],
}

const FORMATS: Readonly<Record<string, string>> = {
  iso_date: 'date',
  iso_date_time: 'date-time',
  iso_timestamp: 'date-time',
  email: 'email',
  url: 'uri',
  uuid: 'uuid',
}

/** The bound broken, e.g. "must NOT have fewer than 1 items". */
const boundText = (issue: Issue): string | undefined => {
  const words = BOUND_WORDS[issue.type]
  if (words === undefined) return undefined
  const [comparison, unit] = words
  const counted = unit === 'characters' && Array.isArray(issue.input) ? 'items' : unit
  const bound = issue.requirement instanceof Date ? issue.requirement.toISOString() : String(issue.requirement)
  return `${comparison} ${bound}${counted === '' ? '' : ` ${counted}`}`
}

/** What an author wrote instead of valibot's own words, if anything: those begin with "Invalid". */
const authored = (issue: Issue): string | undefined =>
  issue.message.startsWith('Invalid ') ? undefined : issue.message

const reasonFor = (issue: Issue): string => {
  const own = authored(issue)
  if (own !== undefined) return own
  const bound = boundText(issue)
  if (bound !== undefined) return bound
  const format = FORMATS[issue.type]
  if (format !== undefined) return `must match format "${format}"`
  switch (issue.type) {
    case 'picklist':
    case 'enum':
    case 'literal':
    case 'variant':
      return `should be equal to one of the allowed values [ ${allowed(issue.expected)} ]`
    case 'union':
      return `must be ${(issue.expected ?? 'one of the allowed forms')
        .replace(/^\((.*)\)$/s, '$1')
        .replaceAll(' | ', ' or ')
        .toLowerCase()}`
    case 'integer':
    case 'safe_integer':
      return 'must be integer'
    case 'finite':
      return 'must be a finite number'
    case 'non_empty':
      return 'must NOT be empty'
    case 'never':
      return 'is not allowed'
    case 'regex':
      return 'must match the required pattern'
    default:
      return issue.kind === 'schema' ? `must be ${TYPE_NAMES[issue.type] ?? issue.type}` : 'is not valid'
  }
}

const isObjectKind = (type: string): boolean => type.endsWith('object') || type === 'variant'

/** A union says most by the branch that came furthest: the one whose faults lie deepest, if any lies inside. */
const deepest = (issue: Issue): readonly Issue[] => {
  const inner = (issue.issues ?? []).filter((one) => (one.path?.length ?? 0) > 0)
  return issue.type === 'union' && inner.length > 0 ? inner : []
}

const wording = (issue: Issue, prefix: Path): readonly string[] => {
  const path = [...prefix, ...(issue.path ?? [])]
  const inner = deepest(issue)
  if (inner.length > 0) return inner.flatMap((one) => wording(one, path))
  const last = path.at(-1)
  if (isObjectKind(issue.type) && issue.received === 'undefined' && last !== undefined && issue.expected !== 'Object')
    return [`${subject(path.slice(0, -1))} should have required property '${clip(String(last.key))}'`]
  if (issue.expected === 'never' && last !== undefined)
    return [`${subject(path.slice(0, -1))} must NOT have additional property '${clip(String(last.key))}'`]
  return [`${subject(path)} ${reasonFor(issue)}`]
}

/** All faults as one text, joined by "; ". Never quotes the value sent. */
export const describeIssues = (issues: readonly Issue[]): string => {
  const all = [...new Set(issues.slice(0, MAX_NAMED * 2).flatMap((issue) => wording(issue, [])))]
  const named = all.slice(0, MAX_NAMED)
  const others = issues.length - named.length
  return others > 0 && all.length > MAX_NAMED ? `${named.join('; ')}; and ${others} more` : named.join('; ')
}
