// `tributary clock`: what time it is for a running server, and the operator's word that its machine's clock is right.
import type { Command } from 'commander'
import * as v from 'valibot'
import { ask } from './asking.ts'
import type { Subcommand } from './command.ts'
import { ConnectionOptions, connectionFor, withConnection } from './connection.ts'

const Clock = v.object({ now: v.string(), is_trusted: v.boolean(), reason: v.nullable(v.string()) })

const tell = (answer: unknown): void => {
  const { now, is_trusted, reason } = v.parse(Clock, answer)
  process.stdout.write(`${now} ${is_trusted ? "by the machine's clock" : `by the time before. ${reason}`}\n`)
}

export const clockCommand: Subcommand = (program) => {
  const clock = program
    .command('clock')
    .summary("what time it is for a server, and whether its machine's clock is right")
  const asking = (name: string, description: string): Command =>
    withConnection(clock.command(name).description(description))
  asking('show', "what time the server goes by, and why where that is not its machine's clock").action(
    async (options: unknown) =>
      tell(await ask(connectionFor(v.parse(ConnectionOptions, options), 'auditor'), 'GET', '/v1/clock')),
  )
  asking('confirm', "says that the clock of the server's machine is right, after it was set").action(
    async (options: unknown) =>
      tell(await ask(connectionFor(v.parse(ConnectionOptions, options), 'admin'), 'POST', '/v1/clock/confirm')),
  )
}
