// `tributary keys`: the keys of a running server, made, listed, rotated and revoked.
import { type Command, Option } from 'commander'
import * as v from 'valibot'
import type { Connection } from '../import/client.ts'
import { ask } from './asking.ts'
import type { Subcommand } from './command.ts'
import { ConnectionOptions, connectionFor, withConnection } from './connection.ts'

const Key = v.object({
  id: v.string(),
  name: v.string(),
  role: v.string(),
  expires_at: v.nullable(v.string()),
  last_used_at: v.nullable(v.string()),
  previous_token_until: v.nullable(v.string()),
})
const Listed = v.object({ data: v.array(Key) })
const Told = v.object({ ...Key.entries, token: v.string(), customer_secret: v.optional(v.string()) })
const AddOptions = v.object({
  role: v.string(),
  origin: v.optional(v.array(v.string())),
  allow: v.optional(v.array(v.string())),
  network: v.optional(v.array(v.string())),
  expires: v.optional(v.string()),
})
const RotateOptions = v.object({ overlap: v.optional(v.pipe(v.string(), v.transform(Number))) })

const admin = (options: unknown): Connection => connectionFor(v.parse(ConnectionOptions, options), 'admin')
const write = (text: string): void => void process.stdout.write(`${text}\n`)
const pathOf = (id: string): string => `/v1/access/keys/${encodeURIComponent(id)}`

const tell = (answer: unknown): void => {
  const { id, token, customer_secret: secret, previous_token_until: until } = v.parse(Told, answer)
  write(`id:    ${id}`)
  write(`token: ${token}`)
  if (secret !== undefined) write(`customer secret: ${secret}`)
  if (until !== null) write(`the token before is good until ${until}`)
  process.stderr.write('The token is not shown again.\n')
}

const add = async (name: string, options: unknown): Promise<void> => {
  const { role, origin, allow, network, expires } = v.parse(AddOptions, options)
  const body = {
    name,
    role,
    origins: origin,
    allow,
    networks: network,
    expires_at: expires,
  }
  tell(await ask(admin(options), 'POST', '/v1/access/keys', body))
}

const list = async (options: unknown): Promise<void> => {
  const { data } = v.parse(Listed, await ask(admin(options), 'GET', '/v1/access/keys'))
  for (const { id, name, role, expires_at, last_used_at } of data)
    write(
      `${id}  ${role.padEnd(12)} ${last_used_at ? `used ${last_used_at}` : 'never used'}` +
        `${expires_at ? `, expires ${expires_at}` : ''}  ${name}`,
    )
}

const rotate = async (id: string, options: unknown): Promise<void> => {
  const { overlap } = v.parse(RotateOptions, options)
  const body = overlap === undefined ? {} : { overlap_seconds: overlap }
  tell(await ask(admin(options), 'POST', `${pathOf(id)}/rotate`, body))
}

const revoke = async (id: string, options: unknown): Promise<void> => {
  await ask(admin(options), 'DELETE', pathOf(id))
  write(`${id} is revoked`)
}

export const keysCommand: Subcommand = (program) => {
  const keys = program.command('keys').summary('the API keys of a running server: make, list, rotate, revoke')
  const asking = (name: string, description: string): Command =>
    withConnection(keys.command(name).description(description))
  asking('add <name>', 'makes a key and shows its token, once')
    .addOption(new Option('--role <role>', 'what it may do: a delivered role or one of your own').makeOptionMandatory())
    .option('--origin <origins...>', 'of a client key: where pages may use it from')
    .option('--allow <abilities...>', 'of a client key: what it may do beside tracking')
    .option('--network <networks...>', 'networks it may be used from, such as 10.0.0.0/8')
    .option('--expires <time>', 'when it ends, such as 2027-01-31T00:00:00Z')
    .action(add)
  asking('list', 'the managed keys, with when each was used last').action(list)
  asking('rotate <id>', 'gives a key a new token; the one before stays good for a while')
    .option('--overlap <seconds>', 'how long the token before stays good (default: a day)')
    .action(rotate)
  asking('revoke <id>', 'ends a key, on all nodes within a second').action(revoke)
}
