// Passwords of people who sign in to the console: set by a link, asked for anew, changed; and the end of all one's sessions.
import * as v from 'valibot'
import { foreignRequest, foreignSignIn, sessionCookie, sessionToken } from '../http/browser.ts'
import { type Failure, fail, isFailure } from '../http/errors.ts'
import { type Call, type Route, route } from '../http/route.ts'
import type { Session } from '../http/sessions.ts'
import type { Asking } from '../signIn/users.ts'
import type { SignInParts } from './routes.ts'

/** Of any form: what is no address is nobody's. */
export const Email = v.pipe(v.string(), v.maxLength(254))
export const Password = v.pipe(v.string(), v.maxLength(1_000))
const Link = v.pipe(v.string(), v.maxLength(100))

/** The actor of what is done before anybody is known is put in by whoever finds out. */
const NOBODY = { name: 'sign-in', role: 'system' } as const

export const askingOf = ({ requestId, now, address }: Pick<Call, 'requestId' | 'now' | 'address'>): Asking => ({
  requestId,
  now,
  address,
  actor: NOBODY,
})

const BODY_LIMIT = 8_192

export const passwordRoutes = ({ sessions, users, enter, isSecure }: SignInParts): readonly Route[] => {
  /** The session of a request that changes something of the user's own. */
  const own = async ({
    headers,
  }: Pick<Call, 'headers'>): Promise<(Session & { readonly userId: string }) | Failure> => {
    const session = await sessions.of(sessionToken(headers) ?? '')
    if (session === undefined) return fail('unauthorized', 'Nobody is signed in here, or no longer')
    const foreign = foreignRequest('POST', headers, session)
    if (foreign) return foreign
    const { userId } = session
    return userId === undefined
      ? fail('forbidden', 'You have signed in with an API key or a link of the start: no password belongs to it')
      : { ...session, userId }
  }
  const actorOf = ({ key }: Session) => ({ name: key.name, role: key.role })
  const common = { method: 'post', tag: 'operation', bodyLimit: BODY_LIMIT } as const
  return [
    route({
      ...common,
      path: '/console/password',
      summary: 'Set a password by the link of an invitation or a reset, and sign in',
      description: 'Ends all sessions that were begun before. The link is used up.',
      body: v.strictObject({ link: Link, password: Password }),
      handler: async (call) => {
        const foreign = foreignSignIn(call.headers)
        if (foreign) return foreign
        const user = await users.setPassword(call.body.link, call.body.password, askingOf(call))
        return isFailure(user) ? user : enter({ name: user.id, role: user.role, userId: user.id }, call)
      },
    }),
    route({
      ...common,
      path: '/console/password/forgotten',
      summary: 'Have a link mailed that sets a new password',
      description:
        'Answers the same whether somebody has the address or not. Without a mail server an administrator makes the link.',
      body: v.strictObject({ email: Email }),
      status: 204,
      handler: (call) => foreignSignIn(call.headers) ?? users.askReset(call.body.email, askingOf(call)) ?? {},
    }),
    route({
      ...common,
      path: '/console/password/change',
      summary: 'Change one’s own password; all other sessions end',
      body: v.strictObject({ current: Password, password: Password }),
      handler: async (call) => {
        const session = await own(call)
        if (isFailure(session)) return session
        const { current, password } = call.body
        const asking = { ...askingOf(call), actor: actorOf(session) }
        const user = await users.changePassword(session.userId, current, password, asking)
        return isFailure(user) ? user : enter({ name: user.id, role: user.role, userId: user.id }, call)
      },
    }),
    route({
      ...common,
      path: '/console/sessions/end',
      summary: 'Sign out everywhere',
      status: 204,
      handler: async (call) => {
        const session = await own(call)
        if (isFailure(session)) return session
        const user = await users.signOut(session.userId, { ...askingOf(call), actor: actorOf(session) })
        return isFailure(user) ? user : { headers: { 'Set-Cookie': sessionCookie('', 0, isSecure(call.headers)) } }
      },
    }),
  ]
}
