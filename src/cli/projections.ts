// `tributary projections`: the read models of a running server, rebuilt, put in place, rolled back and looked after.

import type { Command } from 'commander'
import * as v from 'valibot'
import type { Connection } from '../import/client.ts'
import { sleep } from '../line/backoff.ts'
import { ask } from './asking.ts'
import type { Subcommand } from './command.ts'
import { ConnectionOptions, connectionFor, withConnection } from './connection.ts'
import { CliError, EXIT } from './exit.ts'

const Version = v.nullable(v.object({ collection: v.string(), version: v.number() }))
const Projected = v.object({
  name: v.string(),
  version: v.number(),
  live: Version,
  previous: Version,
  is_current: v.boolean(),
  beside: v.nullable(
    v.object({
      collection: v.string(),
      position: v.nullable(v.string()),
      lag: v.nullable(v.object({ events: v.number(), seconds: v.number() })),
    }),
  ),
  rebuild: v.nullable(v.object({ kind: v.string(), state: v.string(), error: v.optional(v.string()) })),
})
const Listed = v.object({
  state: v.string(),
  position: v.nullable(v.string()),
  head: v.nullable(v.string()),
  lag: v.object({ events: v.number(), seconds: v.number() }),
  data: v.array(Projected),
})
const Parked = v.object({
  data: v.array(v.object({ projection: v.string(), key: v.string(), facts: v.number(), error: v.string() })),
})
const Retried = v.object({
  data: v.array(v.object({ projection: v.string(), key: v.string(), kind: v.string(), error: v.optional(v.string()) })),
})

/** How often a rebuild is looked at, ms. */
const LOOK_EVERY_MS = 250

const admin = (options: unknown): Connection => connectionFor(v.parse(ConnectionOptions, options), 'admin')
const write = (text: string): void => void process.stdout.write(`${text}\n`)
const listed = async (connection: Connection) => v.parse(Listed, await ask(connection, 'GET', '/v1/projections'))

const besideNote = ({ collection, position, lag }: NonNullable<v.InferOutput<typeof Projected>['beside']>): string =>
  `${collection} beside it up to ${position ?? 'nothing'}` +
  (lag ? `, ready: ${lag.events} events, ${lag.seconds} s behind` : '')

const list = async (options: unknown): Promise<void> => {
  const { state, position, head, lag, data } = await listed(admin(options))
  write(
    `${state} at position ${position ?? 'none'} of ${head ?? 'none'}: ${lag.events} events, ${lag.seconds} s behind`,
  )
  for (const { name, version, live, previous, is_current, beside, rebuild } of data) {
    const notes = [
      ...(is_current ? [] : [`version ${version} is not built yet`]),
      ...(beside ? [besideNote(beside)] : []),
      ...(previous ? [`can be rolled back to ${previous.collection}`] : []),
      ...(rebuild ? [`${rebuild.kind} ${rebuild.state}${rebuild.error ? `: ${rebuild.error}` : ''}`] : []),
    ]
    write(`  ${name.padEnd(22)} ${(live?.collection ?? 'none').padEnd(28)} ${notes.join('; ')}`.trimEnd())
  }
}

const build = async (kind: string, name: string, options: { readonly promote?: boolean }): Promise<void> => {
  const connection = admin(options)
  const how = options.promote === false ? '?promote=false' : ''
  await ask(connection, 'POST', `/v1/projections/${encodeURIComponent(name)}/${kind}${how}`, {})
  for (;;) {
    const one = (await listed(connection)).data.find((projection) => projection.name === name)
    const state = one?.rebuild?.state
    if (state === 'promoted') return write(`${name}: ${one?.live?.collection} is live`)
    if (state === 'ready')
      return write(
        `${name}: ${one?.beside?.collection} is ready beside ${one?.live?.collection}, which is still live: promote ${name}`,
      )
    if (state !== 'running')
      throw new CliError(
        `${name}: ${kind} ${state ?? 'is not known to this server'}. ${one?.rebuild?.error ?? ''}`,
        EXIT.failed,
      )
    await sleep(LOOK_EVERY_MS)
  }
}

export const projectionsCommand: Subcommand = (program) => {
  const projections = program
    .command('projections')
    .summary('rebuild read models beside the live ones, roll back, look after parked documents')
    .description('Asks a running server with the key of an administrator.')
  const asking = (name: string, summary: string): Command =>
    withConnection(projections.command(name).description(summary))

  asking('list', 'versions, lag in events and seconds, what is being rebuilt').action(list)
  const building = (kind: string, summary: string): Command =>
    asking(kind, summary)
      .argument('<name>', 'the read model')
      .action((name: string, options: { readonly promote?: boolean }) => build(kind, name, options))
  building('rebuild', 'build a read model anew beside the live one, and put it in its place').option(
    '--no-promote',
    'leave it beside the live one, ready and following the log, until it is promoted',
  )
  building('promote', 'put what was built beside the live one in its place')
  building('rollback', 'put what was served before the last promotion back in its place')
  asking('parked', 'documents whose facts could not be folded').action(async (options: unknown) => {
    const { data } = v.parse(Parked, await ask(admin(options), 'GET', '/v1/projections/parked?limit=100'))
    for (const { projection, key, facts, error } of data) write(`${projection}\t${key}\t${facts} facts\t${error}`)
    if (data.length === 0) write('nothing is parked')
  })
  asking('retry', 'show parked documents their facts again')
    .argument('[name]', 'only those of this read model')
    .argument('[key]', 'only this document')
    .action(async (projection: string | undefined, key: string | undefined, options: unknown) => {
      const asked = { projection, key }
      const { data } = v.parse(Retried, await ask(admin(options), 'POST', '/v1/projections/parked/retry', asked))
      for (const one of data) write(`${one.projection}\t${one.key}\t${one.kind}${one.error ? `\t${one.error}` : ''}`)
      if (data.length === 0) write('nothing is parked')
      if (data.some(({ kind }) => kind !== 'done')) process.exitCode = EXIT.failed
    })
}
