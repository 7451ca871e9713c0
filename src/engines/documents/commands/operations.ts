// What goes on: the commands that run and the transactions that wait for their next statement.
import { CommandError } from '../errors.ts'
import { compileExpressionFilter } from '../expression-filter.ts'
import { memoryOf } from '../memory.ts'
import { type Doc, docOf, isDoc, isTrue, type Value } from '../values.ts'
import type { Context, Reply } from './context.ts'
import { COMMON } from './options.ts'

/** A command that takes more memory than this is told by its name only. */
const MAX_SHOWN = 8192

const KINDS: Readonly<Record<string, string>> = {
  find: 'query',
  getMore: 'getmore',
  insert: 'insert',
  update: 'update',
  delete: 'remove',
}

const running = (context: Context): Doc => {
  const { body, name, connection, database, services } = context
  const target = body.get(name)
  const micros = Math.round((performance.now() - context.startedAt) * 1000)
  const lsid = body.get('lsid')
  const shown: Doc = memoryOf(body) > MAX_SHOWN ? docOf({ $truncated: name, $db: database }) : body
  return docOf({
    type: 'op',
    host: services.address,
    desc: `conn${connection.id}`,
    connectionId: connection.id,
    client: connection.remote,
    ...(connection.appName !== undefined && { appName: connection.appName }),
    active: true,
    currentOpTime: new Date().toISOString(),
    opid: context.id,
    ...(isDoc(lsid) && { lsid }),
    secs_running: BigInt(Math.floor(micros / 1e6)),
    microsecs_running: BigInt(micros),
    op: KINDS[name] ?? 'command',
    ns: typeof target === 'string' ? `${database}.${target}` : `${database}.$cmd`,
    command: shown,
  })
}

/** The commands that run, the asking one among them; with `idle`, open transactions as well. */
export const operationsOf = (context: Context, idle: boolean): readonly Doc[] => {
  const { services, store } = context
  const operations = [...services.operations].map(running)
  if (!idle) return operations
  const transactions = [...store.transactions.open()].map(({ number, startedAt }) =>
    docOf({
      type: 'idleSession',
      host: services.address,
      desc: 'inactive transaction',
      active: false,
      transaction: docOf({
        parameters: docOf({ txnNumber: number, autocommit: false }),
        startWallClockTime: new Date(startedAt).toISOString(),
        timeOpenMicros: BigInt(Math.max(0, Date.now() - startedAt) * 1000),
      }),
    }),
  )
  return [...operations, ...transactions]
}

/** The command; its other fields are a filter of what it shows. */
export const currentOp = async (context: Context): Promise<Reply> => {
  if (context.database !== 'admin') throw new CommandError(13, 'currentOp may only be run against the admin database.')
  const asked: [string, Value][] = [...context.body].filter(
    ([name]) => name !== context.name && !COMMON.options.has(name) && name !== '$all' && name !== '$ownOps',
  )
  const filter = compileExpressionFilter(new Map(asked))
  return { inprog: operationsOf(context, isTrue(context.body.get('$all'))).filter((doc) => filter.matches(doc)) }
}
