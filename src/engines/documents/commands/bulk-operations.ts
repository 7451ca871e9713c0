// The operations of a bulkWrite, read from their bytes. All are looked at before the first is run, so that one that is wrong ends
// the command with nothing done; nothing of what is usual is decoded for that.
import { decode, eachField, isNamed, rawField } from '../bson.ts'
import { CommandError } from '../errors.ts'
import { parseSelection, type Replacement, replacementIn, type UpdateParts, updateOf } from '../statements.ts'
import { BOOL, type Doc, INT, OBJECT } from '../values.ts'
import { boolField, docsField, numberField } from './context.ts'
import { BULK_OPERATIONS } from './options.ts'
import { checkNames, type ParsedDelete, type ParsedUpdate, parseChange } from './parse.ts'
import { checkOptions } from './schema.ts'
import type { Variables } from './variables.ts'

/** What an operation does, which is the name of its first field. */
type Kind = keyof typeof BULK_OPERATIONS

/** One operation; `query` and `update` are where its bytes bear its filter, and its update or document. */
export interface Operation extends UpdateParts {
  readonly kind: Kind
  readonly raw: Buffer
  /** Which of the command's namespaces it is about. */
  readonly place: number
  readonly multi: boolean
  /** It has no other options than these. */
  readonly plain: boolean
}

const KINDS = Object.keys(BULK_OPERATIONS) as readonly Kind[]

const kindAt = (raw: Buffer, name: number, limit: number): Kind | undefined =>
  KINDS.find((kind) => isNamed(raw, name, limit, kind))

/** Reads an operation that has the usual fields of the usual types, each once; `undefined` for every other. */
const plainly = (raw: Buffer): Operation | undefined => {
  let kind: Kind | undefined
  let place = -1
  let query = 0
  let queryEnd = 0
  let update = 0
  let updateEnd = 0
  let multi: boolean | undefined
  let upsert: boolean | undefined
  let usual = true
  eachField(raw, (type, name, limit, from, to) => {
    if (kind === undefined) {
      kind = kindAt(raw, name, limit)
      if (type === INT) place = raw.readInt32LE(from)
      usual = kind !== undefined && place >= 0
    } else if (type === OBJECT && query === 0 && kind !== 'insert' && isNamed(raw, name, limit, 'filter')) {
      query = from
      queryEnd = to
    } else if (
      type === OBJECT &&
      update === 0 &&
      isNamed(raw, name, limit, kind === 'insert' ? 'document' : 'updateMods')
    ) {
      update = from
      updateEnd = to
    } else if (type === BOOL && multi === undefined && kind !== 'insert' && isNamed(raw, name, limit, 'multi'))
      multi = raw[from] === 1
    else if (type === BOOL && upsert === undefined && kind === 'update' && isNamed(raw, name, limit, 'upsert'))
      upsert = raw[from] === 1
    else usual = false
    return !usual
  })
  const whole = query > 0 === (kind !== 'insert') && update > 0 === (kind !== 'delete')
  if (!usual || !whole || kind === undefined) return undefined
  const flags = { multi: multi ?? false, upsert: upsert ?? false }
  return { kind, raw, place, query, queryEnd, update, updateEnd, ...flags, plain: true }
}

const PATH = 'bulkWrite.ops'
const DECODED: ReadonlySet<string> = new Set(
  Object.values(BULK_OPERATIONS).flatMap(({ options }) => [...options.keys()].filter((name) => name !== 'updateMods')),
)

/** The fields of an operation but for its update, checked. */
const fieldsOf = (raw: Buffer, kind: Kind): Doc => {
  const doc = decode(raw, DECODED)
  checkOptions(PATH, BULK_OPERATIONS[kind], doc)
  return doc
}

/** Reads any operation, or refuses it by the field that is wrong. What it decodes for that is not kept, as there may be many. */
const closely = (raw: Buffer): Operation => {
  let first = ''
  eachField(raw, (_type, name, limit) => {
    first = raw.toString('utf8', name, limit)
    return true
  })
  const kind = KINDS.find((known) => known === first)
  if (kind === undefined) throw new CommandError(40415, `BSON field '${PATH}.${first}' is an unknown field.`)
  checkNames(PATH, BULK_OPERATIONS[kind], raw)
  const doc = fieldsOf(raw, kind)
  if (kind === 'update') updateOf(raw, 'updateMods', PATH)
  const query = rawField(raw, 'filter')
  const update = rawField(raw, kind === 'insert' ? 'document' : 'updateMods')
  return {
    kind,
    raw,
    place: numberField(doc, kind) ?? 0,
    query: query?.start ?? 0,
    queryEnd: query?.end ?? 0,
    update: update?.start ?? 0,
    updateEnd: update?.end ?? 0,
    multi: boolField(doc, 'multi'),
    upsert: boolField(doc, 'upsert'),
    plain: false,
  }
}

const NO_OPTIONS: Doc = new Map()

/** Reads an operation of a command that names so many namespaces. */
export const readOperation = (raw: Buffer, index: number, places: number): Operation => {
  const operation = plainly(raw) ?? closely(raw)
  if (operation.place >= places)
    throw new CommandError(2, `BulkWrite ops entry ${index} has an invalid nsInfo index: ${operation.place}`)
  return operation
}

/** The document that an insert brings. */
export const documentOf = ({ raw, update, updateEnd }: Operation): Buffer => raw.subarray(update, updateEnd)

/** An update or delete, ready to be run. */
export const parseOperation = (
  operation: Operation,
  variables: Variables,
): Replacement | ParsedUpdate | ParsedDelete => {
  const { kind, raw, multi, upsert, plain } = operation
  const replacement = kind === 'update' && plain && !multi ? replacementIn(raw, operation) : undefined
  if (replacement) return replacement
  const query = decode(raw, undefined, operation.query)
  const options: Doc = plain ? NO_OPTIONS : fieldsOf(raw, kind)
  const hint = options.get('hint')
  if (kind === 'delete') return { selection: parseSelection(query, { hint, variables }), multi }
  const arrayFilters = docsField(options, 'arrayFilters')
  return parseChange(query, updateOf(raw, 'updateMods', PATH), { multi, upsert, hint, arrayFilters }, variables)
}
