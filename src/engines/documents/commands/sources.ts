// Stages that a pipeline may begin with instead of a collection's documents: they tell about the server and its collections.
import { CommandError, failedToParse, notImplemented } from '../errors.ts'
import { type Doc, docOf, isDoc, type Value } from '../values.ts'
import { collectionStats } from './collections.ts'
import { type Context, existing, numberField, onlyFieldsOf } from './context.ts'

/** What a source stage gives. */
type Source = (context: Context, ns: string, spec: Doc) => readonly Doc[]

const collStats: Source = (context, ns, spec) => {
  onlyFieldsOf(spec, '$collStats', ['storageStats', 'count', 'latencyStats', 'queryExecStats'])
  for (const name of ['latencyStats', 'queryExecStats'])
    if (spec.has(name)) throw notImplemented(`the option "${name}" of $collStats`)
  const storage = spec.get('storageStats')
  const collection = existing(context.store.latest(), ns)
  const scale = isDoc(storage) ? (numberField(storage, 'scale') ?? 1) : 1
  const stats = collectionStats(context, collection, scale)
  return [
    docOf({
      ns,
      host: context.services.address,
      localTime: new Date(),
      ...(isDoc(storage) && { storageStats: docOf(stats) }),
      ...(spec.has('count') && { count: stats.count }),
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

/** Every command is answered before the next one of its connection is read, and none is listed. */
const currentOp: Source = (context) => {
  if (context.database !== 'admin')
    throw new CommandError(73, '$currentOp must be run against the admin database with an aggregate of 1')
  return []
}

const SOURCES: Readonly<Record<string, Source>> = {
  $collStats: collStats,
  $indexStats: indexStats,
  $currentOp: currentOp,
}

/** What the first stage gives, where it is one of these. */
export const sourceOf = (stages: readonly Doc[]): ((context: Context, ns: string) => readonly Doc[]) | undefined => {
  const [name, spec] = [...(stages[0] ?? [])][0] ?? []
  const source = name === undefined ? undefined : SOURCES[name]
  if (source === undefined || stages[0]!.size !== 1) return undefined
  return (context, ns) => {
    if (!isDoc(spec as Value)) throw failedToParse(`the ${name} stage must be given an object`)
    return source(context, ns, spec as Doc)
  }
}
