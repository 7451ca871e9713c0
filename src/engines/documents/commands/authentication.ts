// Who a connection belongs to: SCRAM-SHA-256 by two commands, or begun in the greeting to save a round trip.
import { CommandError } from '../errors.ts'
import { type Exchange, MECHANISM, startExchange, type Verifier } from '../scram.ts'
import { Binary, type Doc, isDoc, type Maybe } from '../values.ts'
import type { Connection, Context, Reply } from './context.ts'

/** What a connection has proved so far. */
export interface SignIn {
  /** Nothing more is asked: it has shown the password, or the store has none. */
  done: boolean
  exchange: Exchange | undefined
  /** The password was right, and the client's empty last message is still to come. */
  proved: boolean
  /** The client sends no empty last message. */
  short: boolean
}

export const newSignIn = (isOpen: boolean): SignIn => ({
  done: isOpen,
  exchange: undefined,
  proved: false,
  short: false,
})

/** What anybody may ask, as of the real server: nothing of it reads or changes data. */
const FOR_ANYBODY: ReadonlySet<string> = new Set(
  'hello isMaster ismaster ping buildInfo buildinfo connectionStatus whatsmyuri saslStart saslContinue logout'.split(
    ' ',
  ),
)

/** Throws `Unauthorized` when the connection has yet to sign in for this command. */
export const checkSignedIn = (name: string, connection: Connection): void => {
  if (!connection.signIn.done && !FOR_ANYBODY.has(name))
    throw new CommandError(13, `Command ${name} requires authentication`)
}

const CONVERSATION = 1
const failed = (): CommandError => new CommandError(18, 'Authentication failed.')

const textOf = (payload: Maybe): string =>
  payload instanceof Binary ? Buffer.from(payload.buffer).toString('utf8', 0, payload.position) : String(payload ?? '')
const payloadOf = (text: string) => new Binary(Buffer.from(text), 0)

const begin = (verifier: Verifier | undefined, signIn: SignIn, body: Doc, database: string): Reply => {
  const mechanism = body.get('mechanism')
  if (verifier === undefined || database !== 'admin') throw failed()
  if (mechanism !== MECHANISM) throw new CommandError(334, `the mechanism has to be ${MECHANISM}`)
  const options = body.get('options')
  signIn.proved = false
  signIn.short = isDoc(options) && options.get('skipEmptyExchange') === true
  signIn.exchange = startExchange(verifier, textOf(body.get('payload')))
  if (signIn.exchange === undefined) throw failed()
  return { conversationId: CONVERSATION, done: false, payload: payloadOf(signIn.exchange.challenge) }
}

export const saslStart = async ({ services, connection, body, database }: Context): Promise<Reply> =>
  begin(services.verifier, connection.signIn, body, database)

export const saslContinue = async ({ connection, body }: Context): Promise<Reply> => {
  const { signIn } = connection
  const { exchange, proved } = signIn
  // Each challenge can be answered once.
  signIn.exchange = undefined
  signIn.proved = false
  if (Number(body.get('conversationId')) !== CONVERSATION) throw new CommandError(17, 'No SASL session state found')
  const payload = textOf(body.get('payload'))
  if (proved && payload === '') {
    signIn.done = true
    return { conversationId: CONVERSATION, done: true, payload: payloadOf('') }
  }
  if (exchange === undefined) throw new CommandError(17, 'No SASL session state found')
  const proof = exchange.finish(payload)
  if (proof === undefined) throw failed()
  signIn.done = signIn.short
  signIn.proved = !signIn.short
  return { conversationId: CONVERSATION, done: signIn.short, payload: payloadOf(proof) }
}

/** Ends what the connection was allowed, where there is a password. */
export const logout = async ({ services, connection }: Context): Promise<Reply> => {
  connection.signIn = newSignIn(services.verifier === undefined)
  return {}
}

/** What a greeting is told about signing in: how a user may, and the answer to a sign-in that it began. */
export const greetingOf = ({ services: { verifier }, connection, body }: Context): Reply => {
  const asked = body.get('saslSupportedMechs')
  const started = body.get('speculativeAuthenticate')
  const reply: Record<string, Reply[string]> = {}
  if (asked !== undefined && verifier !== undefined && asked === `admin.${verifier.user}`)
    reply.saslSupportedMechs = [MECHANISM]
  if (isDoc(started) && verifier !== undefined)
    try {
      reply.speculativeAuthenticate = begin(verifier, connection.signIn, started, String(started.get('db')))
    } catch (error) {
      // A sign-in that cannot begin leaves the greeting as it is; the client then begins by `saslStart` and is told why.
      if (!(error instanceof CommandError)) throw error
    }
  return reply
}

/** The user of a connection, as `connectionStatus` shows it. */
export const userOf = ({ services: { verifier }, connection }: Context): readonly { user: string; db: string }[] =>
  verifier !== undefined && connection.signIn.done ? [{ user: verifier.user, db: 'admin' }] : []
