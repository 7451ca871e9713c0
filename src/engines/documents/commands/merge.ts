// `$merge`: each document is brought together with the one that is the same in the fields `on`.
import { encode } from '../bson-encode.ts'
import type { Collection } from '../catalog.ts'
import { insertDocument, prepare } from '../documents.ts'
import { CommandError } from '../errors.ts'
import { compileExpression, follow } from '../expressions/compile.ts'
import { parseSelection, parseUpdateStatement, selectFirst, updateTarget } from '../statements.ts'
import type { Unit } from '../transactions.ts'
import { BSONRegExp, type Doc, isArray, isDoc, type Maybe, ObjectId, type Value } from '../values.ts'
import { refuseSystem } from './collections.ts'
import { type Context, wholeNamespace } from './context.ts'
import { strict } from './options.ts'
import { checkOptions, type Table } from './schema.ts'

const MERGE: Table = strict({
  into: { type: 'objectOrString', use: 'served', required: true },
  on: { type: 'names', use: 'served' },
  let: { type: 'object', use: 'served' },
  whenMatched: { type: 'any', use: 'served' },
  whenNotMatched: { type: 'string', use: 'served', oneOf: ['insert', 'discard', 'fail'] },
})
const INTO: Table = strict({
  db: { type: 'string', use: 'served' },
  coll: { type: 'string', use: 'served', required: true },
})
const MATCHED = ['replace', 'keepExisting', 'merge', 'fail']

const targetOf = (context: Context, into: Value): string => {
  if (typeof into === 'string') return wholeNamespace(`${context.database}.${into}`)
  checkOptions('$merge.into', INTO, into as Doc)
  const { database } = context
  return wholeNamespace(`${(into as Doc).get('db') ?? database}.${(into as Doc).get('coll')}`)
}

const fieldsOf = (on: Maybe): readonly string[] => {
  const fields = on === undefined ? ['_id'] : isArray(on) ? on.map(String) : [String(on)]
  if (fields.length === 0 || isDoc(on)) throw new CommandError(51187, "$merge needs fields 'on' to find documents by")
  if (new Set(fields).size < fields.length) throw new CommandError(31465, "$merge found a duplicate field in 'on'")
  return fields
}

/** Without a unique index on just these fields one document could be brought together with several. */
const checkUnique = (context: Context, ns: string, on: readonly string[]): void => {
  const unique = context.store.catalog.get(ns)?.indexes.some((index) => {
    if (!index.unique || index.partial || index.sparse || index.building) return false
    return index.fields.length === on.length && on.every((path) => index.fields.some((own) => own.path === path))
  })
  if (!unique && !(on.length === 1 && on[0] === '_id'))
    throw new CommandError(51183, 'Cannot find index to verify that join fields will be unique')
}

const queryOf = (doc: Doc, on: readonly string[]): Doc =>
  new Map(
    on.map((path) => {
      const value = follow(doc, path.split('.'))
      if (value === undefined || value === null)
        throw new CommandError(51132, `$merge write error: 'on' field '${path}' cannot be missing, null or undefined`)
      if (isArray(value)) throw new CommandError(51185, `$merge write error: 'on' field '${path}' cannot be an array`)
      return [path, isDoc(value) || value instanceof BSONRegExp ? new Map([['$eq', value]]) : value]
    }),
  )

type Change = (unit: Unit, collection: Collection, doc: Doc, query: Doc) => boolean

const NOTHING: ReadonlyMap<string, Maybe> = new Map()

/** What becomes of a document that is there; answers whether it was there. */
const changeOf = (matched: Value, bindings: Doc | undefined): Change => {
  const bound = [...(bindings ?? [])].map(([name, value]) => [name, compileExpression(value)] as const)
  return (unit, collection, doc, query) => {
    const target = selectFirst(unit, collection, parseSelection(query, { variables: NOTHING }))
    if (!target) return false
    if (matched === 'keepExisting') return true
    if (matched === 'fail') {
      // The insertion tells which key is taken.
      insertDocument(unit, collection, prepare(encode(doc)))
      return true
    }
    const scope = { root: doc, variables: NOTHING }
    const variables = new Map<string, Maybe>([['new', doc], ...bound.map(([name, e]) => [name, e(scope)] as const)])
    const stages: readonly Value[] = isArray(matched)
      ? matched
      : [new Map([['$replaceWith', new Map([['$mergeObjects', ['$$ROOT', '$$new']]])]])]
    const update = matched === 'replace' ? encode(doc) : stages
    const statement = parseUpdateStatement(
      parseSelection(query, { variables }),
      { update, arrayFilters: [] },
      { upsert: false },
    )
    updateTarget(unit, collection, statement, target)
    return true
  }
}

/** Compiles the stage; the result brings documents into the collection, in one commit. */
export const mergeInto = (context: Context, given: Value): ((docs: readonly Doc[]) => Promise<void>) => {
  const spec: Doc = typeof given === 'string' ? new Map([['into', given]]) : (given as Doc)
  if (!isDoc(spec)) throw new CommandError(51182, '$merge only supports a string or object argument')
  checkOptions('$merge', MERGE, spec)
  const ns = targetOf(context, spec.get('into')!)
  refuseSystem(ns)
  const on = fieldsOf(spec.get('on'))
  const matched = spec.get('whenMatched') ?? 'merge'
  if (!(isArray(matched) ? matched.every(isDoc) : MATCHED.includes(String(matched))))
    throw new CommandError(51191, '$merge.whenMatched must be one of the modes of the server, or a pipeline')
  const notMatched = spec.get('whenNotMatched') ?? 'insert'
  const change = changeOf(matched, spec.get('let') as Doc | undefined)
  checkUnique(context, ns, on)
  const { store } = context
  return (docs) =>
    store.write((unit) => {
      for (const made of docs) {
        const doc: Doc = made.has('_id') || !on.includes('_id') ? made : new Map([['_id', new ObjectId()], ...made])
        const query = queryOf(doc, on)
        const collection = store.ensure(unit, ns)
        if (change(unit, collection, doc, query) || notMatched === 'discard') continue
        if (notMatched === 'fail')
          throw new CommandError(13113, '$merge could not find a matching document in the target collection')
        insertDocument(unit, collection, prepare(encode(doc)))
      }
    }, context)
}
