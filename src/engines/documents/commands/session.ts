// Commands of sessions and transactions.
import { CommandError } from '../errors.ts'
import { SESSION_MINUTES, sessionIdOf } from '../sessions.ts'
import { type Doc, docOf, isDoc } from '../values.ts'
import { type Context, docsField, type Reply } from './context.ts'

const numberOf = (context: Context): bigint => {
  const number = context.body.get('txnNumber')
  if (!context.session || typeof number !== 'bigint')
    throw new CommandError(125, `${context.name} must be run within a transaction`)
  return number
}

export const commitTransaction = async (context: Context): Promise<Reply> => {
  await context.sessions.commit(context.session!, numberOf(context))
  return {}
}

export const abortTransaction = async (context: Context): Promise<Reply> => {
  context.sessions.abort(context.session!, numberOf(context))
  return {}
}

const ended = async (context: Context, ids: readonly Doc[]): Promise<Reply> => {
  const keys = new Set(ids.map(sessionIdOf))
  context.cursors.killWhere((cursor) => cursor.session !== undefined && keys.has(cursor.session))
  await context.sessions.end(ids)
  return {}
}

export const endSessions = async (context: Context): Promise<Reply> =>
  ended(context, docsField(context.body, context.name))

/**
 * There is one user, whose sessions are all of them; only patterns that each name a session mean those. Of a wrong type is 14.
 */
export const killAllSessions = async (context: Context): Promise<Reply> => {
  const patterns = docsField(context.body, context.name)
  const named = patterns.flatMap((pattern) => pattern.get('lsid') ?? []).filter(isDoc)
  if (named.length > 0 && named.length === patterns.length) return ended(context, named)
  context.cursors.killWhere((cursor) => cursor.session !== undefined)
  await context.sessions.endAll()
  return {}
}

export const refreshSessions = async (context: Context): Promise<Reply> => {
  for (const id of docsField(context.body, context.name)) context.sessions.get(id)
  return {}
}

export const startSession = async (context: Context): Promise<Reply> => {
  return { id: docOf({ id: context.sessions.newId() }), timeoutMinutes: SESSION_MINUTES }
}
