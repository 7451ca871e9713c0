// Stages that a pipeline may begin with instead of a collection's documents: about the server, or given with the command.
import { createHash } from 'node:crypto'
import { CommandError, failedToParse, notImplemented } from '../errors.ts'
import { compileExpression, startVariables } from '../expressions/compile.ts'
import { Binary, type Doc, docOf, isArray, isDoc, isTrue, type Value } from '../values.ts'
import { userOf } from './authentication.ts'
import { type Context, existing, numberField } from './context.ts'
import { operationsOf } from './operations.ts'
import { strict } from './options.ts'
import { checkOptions, type Table } from './schema.ts'
import { collectionStats } from './statistics.ts'
import type { Variables } from './variables.ts'

/** What a source stage gives. */
type Source = (context: Context, ns: string, spec: Doc) => readonly Doc[] | Promise<readonly Doc[]>

const STORAGE: Table = strict({ scale: { type: 'whole', use: 'served', least: 1 } })
const COLL_STATS: Table = strict({
  storageStats: { type: 'object', use: 'served', fields: STORAGE },
  count: { type: 'object', use: 'served', fields: strict({}) },
  latencyStats: { type: 'any', use: 'refused' },
  queryExecStats: { type: 'any', use: 'refused' },
})

const collStats: Source = async (context, ns, spec) => {
  for (const name of ['latencyStats', 'queryExecStats'])
    if (spec.has(name)) throw notImplemented(`the option "${name}" of $collStats`)
  checkOptions('$collStats', COLL_STATS, spec)
  const storage = spec.get('storageStats')
  const collection = existing(context.store.latest(), ns)
  const scale = isDoc(storage) ? (numberField(storage, 'scale') ?? 1) : 1
  const asked = isDoc(storage) || spec.has('count')
  const stats = asked ? await collectionStats(context, collection, scale) : undefined
  return [
    docOf({
      ns,
      host: context.services.address,
      localTime: new Date(),
      ...(isDoc(storage) && stats && { storageStats: docOf(stats) }),
      ...(spec.has('count') && stats && { count: stats.count }),
    }),
  ]
}

const indexStats: Source = (context, ns) =>
  existing(context.store.latest(), ns)
    .indexes.filter((index) => !index.building)
    .map((index) =>
      docOf({
        name: index.name,
        key: index.spec.get('key')!,
        host: context.services.address,
        spec: index.spec,
      }),
    )

/** The commands that run, of which this one is the least. */
const currentOp: Source = (context, _ns, spec) => {
  if (context.database !== 'admin')
    throw new CommandError(73, '$currentOp must be run against the admin database with an aggregate of 1')
  checkOptions('$currentOp', CURRENT_OP, spec)
  return operationsOf(context, isTrue(spec.get('idleSessions') ?? true))
}

const CURRENT_OP: Table = strict({
  allUsers: { type: 'bool', use: 'ignored' },
  idleConnections: { type: 'bool', use: 'ignored' },
  idleCursors: { type: 'bool', use: 'refused' },
  idleSessions: { type: 'bool', use: 'served' },
  localOps: { type: 'bool', use: 'ignored' },
  truncateOps: { type: 'bool', use: 'ignored' },
  backtrace: { type: 'bool', use: 'refused' },
})

/** There is one user, whose sessions are all of them. */
const listLocalSessions: Source = (context, _ns, spec) => {
  checkOptions('$listLocalSessions', LIST_LOCAL_SESSIONS, spec)
  const [user] = userOf(context)
  const uid = new Binary(
    createHash('sha256')
      .update(user === undefined ? '' : `${user.user}@${user.db}`)
      .digest(),
  )
  return context.sessions.known().map(({ id, used }) => docOf({ _id: docOf({ id, uid }), lastUse: new Date(used) }))
}

const LIST_LOCAL_SESSIONS: Table = strict({
  allUsers: { type: 'bool', use: 'ignored' },
  users: { type: 'objects', use: 'refused' },
})

const SOURCES: Readonly<Record<string, Source>> = {
  $collStats: collStats,
  $indexStats: indexStats,
  $currentOp: currentOp,
  $listLocalSessions: listLocalSessions,
}

const OF_COLLECTIONS = new Set(['$collStats', '$indexStats'])

const documents = (spec: Value, variables: Variables): readonly Doc[] => {
  const value = compileExpression(spec)({ root: undefined, variables: startVariables(variables) })
  if (!isArray(value) || !value.every(isDoc))
    throw new CommandError(5858203, 'the argument of $documents must evaluate to an array of objects')
  return value as readonly Doc[]
}

/** What the first stage gives, where it is one of these; `ns` is `undefined` for an aggregation without a collection. */
export const sourceOf = (
  context: Context,
  ns: string | undefined,
  stages: readonly Doc[],
  variables: Variables,
): (() => Promise<readonly Doc[]>) | undefined => {
  const first = stages[0]
  const name = first?.keys().next().value
  if (first?.size !== 1 || name === undefined) return undefined
  const spec = first.get(name)!
  if (name === '$documents') {
    if (ns !== undefined)
      throw new CommandError(73, '$documents is only valid as the first stage of an aggregation without a collection')
    const given = documents(spec, variables)
    return async () => given
  }
  const source = SOURCES[name]
  if (source === undefined) return undefined
  if (!isDoc(spec)) throw failedToParse(`the ${name} stage must be given an object`)
  if (OF_COLLECTIONS.has(name) !== (ns !== undefined))
    throw new CommandError(
      73,
      `${name} needs ${ns === undefined ? 'a collection' : 'an aggregation without a collection'}`,
    )
  return async () => source(context, ns ?? '', spec)
}
