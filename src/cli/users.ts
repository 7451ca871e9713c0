// `tributary users`: the people who may sign in to the console of a running server, invited, listed and removed.
import { type Command, Option } from 'commander'
import * as v from 'valibot'
import type { Connection } from '../import/client.ts'
import { ask } from './asking.ts'
import type { Subcommand } from './command.ts'
import { ConnectionOptions, connectionFor, withConnection } from './connection.ts'
import { CliError, EXIT } from './exit.ts'

const User = v.object({
  id: v.string(),
  email: v.string(),
  name: v.nullable(v.string()),
  role: v.string(),
  status: v.string(),
  last_used_at: v.nullable(v.string()),
})
const Listed = v.object({ data: v.array(User) })
const Told = v.object({ ...User.entries, link: v.nullable(v.string()) })
const AddOptions = v.object({ role: v.string(), name: v.optional(v.string()) })

const admin = (options: unknown): Connection => connectionFor(v.parse(ConnectionOptions, options), 'admin')
const write = (text: string): void => void process.stdout.write(`${text}\n`)

const all = async (connection: Connection) => v.parse(Listed, await ask(connection, 'GET', '/v1/access/users')).data

/** A user by id or e-mail address. */
const pathOf = async (connection: Connection, named: string): Promise<string> => {
  const wanted = named.toLowerCase()
  const user = (await all(connection)).find(({ id, email }) => id === named || email === wanted)
  if (!user) throw new CliError(`There is no user ${named}`, EXIT.usage)
  return `/v1/access/users/${encodeURIComponent(user.id)}`
}

const tell = (answer: unknown): void => {
  const { id, email, link } = v.parse(Told, answer)
  write(`id:   ${id}`)
  if (link === null) write(`A link that sets a password was mailed to ${email}.`)
  else {
    write(`link: ${link}`)
    process.stderr.write('Hand the link on; it sets a password once, and is not shown again.\n')
  }
}

const add = async (email: string, options: unknown): Promise<void> => {
  const { role, name } = v.parse(AddOptions, options)
  const body = { email, role, name }
  tell(await ask(admin(options), 'POST', '/v1/access/users', body))
}

const list = async (options: unknown): Promise<void> => {
  for (const { id, email, name, role, status, last_used_at } of await all(admin(options)))
    write(
      `${id}  ${role.padEnd(12)} ${status.padEnd(8)} ${last_used_at ? `used ${last_used_at}` : 'never used'}  ` +
        `${email}${name === null ? '' : ` (${name})`}`,
    )
}

const invite = async (user: string, options: unknown): Promise<void> => {
  const connection = admin(options)
  tell(await ask(connection, 'POST', `${await pathOf(connection, user)}/link`))
}

const remove = async (user: string, options: unknown): Promise<void> => {
  const connection = admin(options)
  await ask(connection, 'DELETE', await pathOf(connection, user))
  write(`${user} is removed`)
}

export const usersCommand: Subcommand = (program) => {
  const users = program.command('users').summary('who may sign in to the console: add, list, invite, remove')
  const asking = (name: string, description: string): Command =>
    withConnection(users.command(name).description(description))
  asking('add <email>', 'invites somebody: mails a link that sets a password, or shows it where no mail server is set')
    .addOption(
      new Option('--role <role>', 'what the user may do: a delivered role or one of your own').makeOptionMandatory(),
    )
    .option('--name <name>', 'as the console shows it')
    .action(add)
  asking('list', 'the users, with when each was there last').action(list)
  asking('invite <user>', 'makes a new link that sets the password, for an id or e-mail address').action(invite)
  asking('remove <user>', 'removes a user by id or e-mail address, and all sessions').action(remove)
}
