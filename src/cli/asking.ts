// Asking a running server: one JSON answer, or an answer of lines that says itself when it is whole.

import * as v from 'valibot'
import { linesIn } from '../audit/lines.ts'
import { errorText } from '../domain/errorText.ts'
import { type Connection, createClient, reasonIn } from '../import/client.ts'
import { KeyError, ServerError } from '../import/errors.ts'
import { CliError, EXIT } from './exit.ts'

/** What a command ends with when a server could not be asked. */
export const failureOf = (error: unknown): unknown => {
  if (error instanceof KeyError) return new CliError(error.message, EXIT.key)
  if (error instanceof ServerError)
    return new CliError(
      `${error.message}\nIs the server running? Start it with "npm start", or name another with --url.`,
      EXIT.unreachable,
    )
  return error
}

/** Sends one request and gives the body of its answer. Throws `CliError` for anything but success. */
export const ask = async (
  connection: Connection,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<unknown> => {
  const client = createClient({ connection, retryForMs: 0, signal: new AbortController().signal })
  try {
    const answer = await client.send(method, path, body === undefined ? undefined : JSON.stringify(body))
    if (answer.status < 300) return answer.body
    throw new CliError(reasonIn(answer.body) ?? `the server answers ${answer.status}`, EXIT.usage)
  } catch (error) {
    throw failureOf(error)
  }
}

const Special = v.union([
  v.strictObject({ progress: v.unknown() }),
  v.strictObject({ end: v.unknown() }),
  v.strictObject({ error: v.object({ message: v.string() }) }),
])

export interface LineListener {
  readonly onLine?: (line: string) => void | Promise<void>
  readonly onProgress?: (progress: unknown) => void
  /** Sent as JSON with POST; else GET. */
  readonly body?: unknown
}

const unfinished = (why: string): CliError => new CliError(`Unfinished: ${why}.`, EXIT.failed)

/** Takes an answer of lines and gives what its end says. Throws `CliError`, "Unfinished", when the end does not come. */
export const askLines = async (
  { url, appId, token }: Connection,
  path: string,
  { onLine = () => {}, onProgress = () => {}, body }: LineListener,
): Promise<unknown> => {
  let response: Response
  try {
    response = await fetch(new URL(path, url), {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        'X-App-Id': appId,
        'X-App-Token': token,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  } catch {
    throw failureOf(new ServerError(`${url} does not answer`))
  }
  if (!response.ok || response.body === null) {
    const text = await response.text()
    let why: string | undefined
    try {
      why = reasonIn(JSON.parse(text))
    } catch {}
    const code = response.status === 401 || response.status === 403 ? EXIT.key : EXIT.usage
    throw new CliError(why ?? `the server answers ${response.status}`, code)
  }
  try {
    for await (const line of linesIn(response.body)) {
      // Events begin otherwise; parsing each of them here would be for nothing.
      const special = /^\{"(?:progress|end|error)":/.test(line) ? v.parse(Special, JSON.parse(line)) : undefined
      if (special === undefined) await onLine(line)
      else if ('progress' in special) onProgress(special.progress)
      else if ('error' in special) throw unfinished(special.error.message)
      else return special.end
    }
  } catch (error) {
    throw error instanceof CliError ? error : unfinished(errorText(error))
  }
  throw unfinished('the server stopped answering')
}
