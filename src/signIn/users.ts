// People who sign in to the console: passwords, one-time links and invitations, over the facts of access.
import { randomBytes, randomUUID } from 'node:crypto'
import type { AccessUser } from '../domain/access/facts.ts'
import { type UserState, userByEmail, userByLink } from '../domain/access/users.ts'
import type { Refused } from '../domain/refusal.ts'
import { type Failure, fail, fromRefusal } from '../http/errors.ts'
import { createCounter, secondsLeft } from '../http/limits.ts'
import type { Logger } from '../log.ts'
import { type Access, tokenDigest } from '../runtime/access.ts'
import type { DeciderContext } from '../runtime/decider.ts'
import type { SignInAttempts } from './attempts.ts'
import { createPasswords, PASSWORD_COST, passwordFault } from './passwords.ts'

const HOUR_MS = 3_600_000
const INVITATION_MS = 7 * 24 * HOUR_MS
/** Of a link that an administrator hands on, and of one that goes to the user's own mailbox. */
const HANDED_RESET_MS = 24 * HOUR_MS
const MAILED_RESET_MS = HOUR_MS

/** How often an address may try, whoever it says it is. */
const TRIES_PER_MINUTE = 30
/** Mails that anybody may have sent to one address. */
const RESETS_PER_HOUR = 3

/** Sends one plain mail; resolves to whether the mail server took it. */
export type SendMail = (mail: {
  readonly to: string
  readonly subject: string
  readonly text: string
}) => Promise<boolean>

/** What a request of a user comes with. */
export interface Asking extends DeciderContext {
  /** Whose request it is, as far as its address tells. */
  readonly address: string
}

export interface Linked {
  readonly user: UserState
  /** The address that sets the password; undefined where it was mailed. */
  readonly link: string | undefined
  readonly position: bigint | undefined
}

export interface Users {
  /** The user whose address and password these are; what is answered otherwise does not tell whether there is one. */
  signIn(email: string, password: string, asking: Asking): Promise<UserState | Failure>
  /** Sets a password by a link's token, which is used up by it. */
  setPassword(token: string, password: string, asking: Asking): Promise<UserState | Failure>
  changePassword(id: string, before: string, after: string, asking: Asking): Promise<UserState | Failure>
  /** Mails a link to whoever has this address. Says nothing, and takes no longer, whether somebody has it or not. */
  askReset(email: string, asking: Asking): Failure | undefined
  /** False: links are told to administrators, who hand them on. */
  readonly mails: boolean
  invite(user: Omit<AccessUser, 'id'>, context: DeciderContext): Promise<Linked | Failure>
  /** A new link in place of the one before. */
  makeLink(id: string, context: DeciderContext): Promise<Linked | Failure>
  /** Ends all sessions of a user. */
  signOut(id: string, context: DeciderContext): Promise<UserState | Failure>
  /** Removes a user, and destroys the key of what is personal of the user. Again, nothing more happens. */
  remove(id: string, context: DeciderContext): Promise<{ readonly position: bigint | undefined } | Refused>
}

export interface UsersOptions {
  readonly access: Pick<Access, 'current' | 'execute' | 'noteUse'>
  readonly attempts: SignInAttempts
  /** Destroys a user's key; undefined where personal data is not encrypted. */
  readonly destroyKey: ((id: string) => Promise<unknown>) | undefined
  readonly sendMail: SendMail | undefined
  /** Where people reach this server, without a slash at the end. */
  readonly publicUrl: () => string
  readonly passwordCost?: typeof PASSWORD_COST
  readonly log: Logger
}

const WRONG = fail('unauthorized', 'The e-mail address or the password is wrong')
const linkDigest = (token: string): string => tokenDigest(`user link ${token}`)

const locked = (seconds: number): Failure =>
  fail('too_many_requests', 'There were too many attempts for this address; wait, or have a link sent', {
    retryAfter: seconds,
  })

const MAILS = {
  invitation: {
    subject: 'You are invited to Tributary',
    text: 'You may sign in to Tributary. Choose a password here, within seven days:',
  },
  reset: {
    subject: 'Your password for Tributary',
    text: 'Choose a new password for Tributary here. The link works once, for a short time:',
  },
} as const
const IGNORE = 'If you do not know what this is about, leave it: nothing changes.'

export const createUsers = ({
  access,
  attempts,
  destroyKey,
  sendMail,
  publicUrl,
  passwordCost = PASSWORD_COST,
  log,
}: UsersOptions): Users => {
  const passwords = createPasswords(passwordCost)
  const tries = createCounter(60_000)
  const resets = createCounter(HOUR_MS)

  const tooOften = (address: string, now: number): Failure | undefined =>
    tries.add(address, 1, now) > TRIES_PER_MINUTE
      ? fail('too_many_requests', `An address may try ${TRIES_PER_MINUTE} times a minute`, {
          retryAfter: secondsLeft(tries.windowMs, now),
        })
      : undefined

  /** Whether a password is that of somebody; counts as an attempt unless it is. */
  const check = async (email: string, password: string, kept: string | undefined, now: number) => {
    const seconds = await attempts.begin(email, now)
    if (seconds !== undefined) return locked(seconds)
    const isRight = await passwords.matches(password, kept)
    if (!isRight) return WRONG
    await attempts.succeeded(email)
    return undefined
  }

  const settle = async (
    command: Parameters<Access['execute']>[0] & { readonly id: string },
    context: DeciderContext,
  ): Promise<UserState | Failure> => {
    const { refusal, state } = await access.execute(command, context)
    const user = state.users.get(command.id)
    return refusal ? fromRefusal(refusal) : (user ?? WRONG)
  }

  const addressOf = (token: string): string => `${publicUrl()}/console/set-password#${token}`
  const mail = async (user: UserState, token: string): Promise<boolean> => {
    const { subject, text } = MAILS[user.password === undefined ? 'invitation' : 'reset']
    const sent = await sendMail?.({ to: user.email, subject, text: `${text}\n\n${addressOf(token)}\n\n${IGNORE}\n` })
    if (sent === false) log.warn({ user: user.id }, 'the mail with a link could not be sent')
    return sent ?? false
  }
  const newLink = (now: number, lastsMs: number) => {
    const token = randomBytes(32).toString('base64url')
    return { token, link: { digest: linkDigest(token), until: now + lastsMs } }
  }
  const told = async (id: string, token: string, position: bigint | undefined): Promise<Linked | Failure> => {
    const user = access.current().users.get(id)
    if (!user) return fail('not_found', `Cannot find access_user with id ${id}`)
    return { user, link: (await mail(user, token)) ? undefined : addressOf(token), position }
  }
  const makeLink = async (user: UserState, lastsMs: number, context: DeciderContext) => {
    const { token, link } = newLink(context.now, lastsMs)
    const { refusal, position } = await access.execute({ type: 'MakeUserLink', id: user.id, link }, context)
    return refusal ? fromRefusal(refusal) : { token, position }
  }

  const mailReset = async (email: string, asking: Asking): Promise<void> => {
    const user = userByEmail(access.current().users, email)
    // An invitation stays good: whoever asks for a reset need not be the one who was invited.
    if (!user || user.password === undefined || user.isDisabled) return
    const actor = { name: user.id, role: user.role }
    const made = await makeLink(user, MAILED_RESET_MS, { ...asking, actor })
    if ('token' in made) await mail(user, made.token)
  }

  return {
    mails: sendMail !== undefined,
    async signIn(given, password, { address, now }) {
      const often = tooOften(address, now)
      if (often) return often
      const email = given.trim().toLowerCase()
      const user = userByEmail(access.current().users, email)
      const fault = await check(email, password, user?.isDisabled ? undefined : user?.password, now)
      if (fault) return fault
      if (!user) return WRONG
      access.noteUse(user.id)
      return user
    },
    async setPassword(token, password, { address, ...context }) {
      const { now } = context
      const often = tooOften(address, now)
      if (often) return often
      const digest = linkDigest(token)
      const user = userByLink(access.current().users, digest, now)
      if (!user) return fail('unauthorized', 'This link was used already, or is too old: ask for another one')
      const fault = passwordFault(password, [user.email, user.email.split('@')[0] ?? '', user.name ?? ''])
      if (fault) return fail('invalid_payload', `password: ${fault}`)
      const set = {
        type: 'SetPassword',
        id: user.id,
        password: await passwords.hash(password),
        proof: { link: digest },
      } as const
      const settled = await settle(set, { ...context, actor: { name: user.id, role: user.role } })
      if (!('failed' in settled)) await attempts.succeeded(user.email)
      return settled
    },
    async changePassword(id, before, after, { address, ...context }) {
      const { now } = context
      const user = access.current().users.get(id)
      if (!user || user.password === undefined)
        return fail('invalid_payload', 'There is no password to change: have a link sent')
      const often = tooOften(address, now)
      if (often) return often
      const fault = passwordFault(after, [user.email, user.email.split('@')[0] ?? '', user.name ?? ''])
      if (fault) return fail('invalid_payload', `password: ${fault}`)
      const wrong = await check(user.email, before, user.password, now)
      if (wrong) return wrong === WRONG ? fail('forbidden', 'The current password is wrong') : wrong
      const password = await passwords.hash(after)
      return settle({ type: 'SetPassword', id, password, proof: { before: user.password } }, context)
    },
    signOut: (id, context) => settle({ type: 'SignOutUser', id }, context),
    askReset(given, asking) {
      const { address, now } = asking
      const often = tooOften(address, now)
      if (often) return often
      const email = given.trim().toLowerCase()
      if (!sendMail || resets.add(email, 1, now) > RESETS_PER_HOUR) return undefined
      mailReset(email, asking).catch((err: unknown) => log.warn({ err }, 'a link could not be sent'))
      return undefined
    },
    async invite({ email, name, role }, context) {
      const id = `usr_${randomUUID().replaceAll('-', '').slice(0, 24)}`
      const { token, link } = newLink(context.now, INVITATION_MS)
      const user = { id, email: email.trim().toLowerCase(), name, role }
      const { refusal, position } = await access.execute({ type: 'InviteUser', user, link }, context)
      return refusal ? fromRefusal(refusal) : told(id, token, position)
    },
    async makeLink(id, context) {
      const user = access.current().users.get(id)
      if (!user)
        return fail('not_found', `Cannot find access_user with id ${id}`, {
          resourceType: 'access_user',
          resourceId: id,
        })
      const made = await makeLink(user, user.password === undefined ? INVITATION_MS : HANDED_RESET_MS, context)
      return 'failed' in made ? made : told(id, made.token, made.position)
    },
    async remove(id, context) {
      const { refusal, position } = await access.execute({ type: 'RemoveUser', id }, context)
      // Also where the user is gone already: the key may not be, after a crash between the two.
      if (id.startsWith('usr_')) await destroyKey?.(id)
      return refusal ? { refused: refusal } : { position }
    },
  }
}
