// Where a command finds the server and its key: options, then environment, then the generated key file.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import * as v from 'valibot'
import { parseExactly } from '../exactJson.ts'
import type { Connection } from '../import/client.ts'
import type { Role } from '../keys.ts'
import { CliError, EXIT } from './exit.ts'

const KeyFile = v.array(v.object({ role: v.string(), appId: v.string(), token: v.optional(v.string()) }))

export const DEFAULT_URL = 'http://localhost:3000'

/** The options of every command that asks a running server. */
export const withConnection = (command: Command): Command =>
  command
    .addOption(new Option('--url <url>', 'where the server listens').default(DEFAULT_URL).env('TRIBUTARY_URL'))
    .option('--key-file <path>', 'keys.json to take a key from (default: DATA_DIR/keys.json)')
    .addOption(new Option('--app-id <id>', 'id of the API key, with --token').env('TRIBUTARY_APP_ID'))
    .addOption(new Option('--token <token>', 'token of the API key, with --app-id').env('TRIBUTARY_TOKEN'))

export const ConnectionOptions = v.object({
  url: v.string(),
  keyFile: v.optional(v.string()),
  appId: v.optional(v.string()),
  token: v.optional(v.string()),
})
export type ConnectionOptions = v.InferOutput<typeof ConnectionOptions>

const readKeyFile = (path: string): v.InferOutput<typeof KeyFile> => {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    throw new CliError(
      `There is no key file ${path} to read. The server writes it at its first start; name it with --key-file, ` +
        'or give --app-id and --token.',
      EXIT.key,
    )
  }
  try {
    return v.parse(KeyFile, parseExactly(text))
  } catch {
    throw new CliError(`${path} is not a file of API keys`, EXIT.key)
  }
}

/** The connection with the key given, else with the first key of this role in the key file. Throws `CliError`. */
export const connectionFor = (options: ConnectionOptions, role: Role): Connection => {
  if (!URL.canParse(options.url) || !/^https?:$/.test(new URL(options.url).protocol))
    throw new CliError(`--url must be an http or https address such as ${DEFAULT_URL}, not ${options.url}`, EXIT.usage)
  const { url, appId, token } = options
  if (appId !== undefined && token !== undefined) return { url, appId, token }
  if (appId !== undefined || token !== undefined) throw new CliError('--app-id and --token go together', EXIT.usage)
  const path = options.keyFile ?? join(process.env.DATA_DIR || './data', 'keys.json')
  const key = readKeyFile(path).find((one) => one.role === role)
  if (!key) throw new CliError(`${path} holds no key of the role ${role}`, EXIT.key)
  if (key.token === undefined)
    throw new CliError(`${path} holds only hashes of tokens: give --app-id and --token`, EXIT.key)
  return { url, appId: key.appId, token: key.token }
}
