// Signing in to the console and out of it, and what its pages are told about who is there.
import * as v from 'valibot'
import { holds, PERMISSION_NAMES } from '../domain/access/permissions.ts'
import { foreignRequest, foreignSignIn, sessionCookie, sessionToken } from '../http/browser.ts'
import { fail, isFailure } from '../http/errors.ts'
import { type Answer, type Call, type Route, route } from '../http/route.ts'
import type { Session, Sessions, SignedIn, SignInLinks } from '../http/sessions.ts'
import type { ApiKey, KeyRing } from '../keys.ts'
import type { OpenId } from '../signIn/openId.ts'
import type { Users } from '../signIn/users.ts'
import { openIdRoutes } from './openId.ts'
import { askingOf, Email, Password, passwordRoutes } from './passwords.ts'

export interface ConsoleDeps {
  readonly sessions: Sessions
  readonly links: SignInLinks
  readonly keys: KeyRing
  readonly users: Users
  /** Undefined: people do not sign in through a provider. */
  readonly openId: OpenId | undefined
  readonly project: () => { readonly id: string; readonly timeZone: string }
  /** What the pages show of how this process was set up; nothing secret. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Proxies of our own in front, which say whether the browser came by HTTPS. */
  readonly proxies: number
  /** Where people reach the server, if it is set: by HTTPS, cookies are sent by HTTPS only. */
  readonly publicUrl: string | undefined
}

/** What a sign-in and everything like it need of each other. */
export interface SignInParts extends Pick<ConsoleDeps, 'sessions' | 'users'> {
  /** Begins a session in place of the one that the browser has, and answers with it. */
  enter(who: SignedIn, call: Pick<Call, 'headers' | 'now'>): Promise<Answer>
  isSecure(headers: Call['headers']): boolean
}

const SignIn = v.union(
  [
    v.strictObject({ link: v.pipe(v.string(), v.maxLength(100)) }),
    v.strictObject({ email: Email, password: Password }),
    v.strictObject({ app_id: v.pipe(v.string(), v.maxLength(200)), token: v.pipe(v.string(), v.maxLength(500)) }),
  ],
  'must have "link", "email" and "password", or "app_id" and "token"',
)

const SessionAnswer = v.pipe(
  v.object({
    object: v.literal('session'),
    name: v.string(),
    /** Of somebody who signed in as a user; null for an API key or a link of the start. */
    user_id: v.nullable(v.string()),
    role: v.string(),
    /** What the role holds: what the pages offer. */
    permissions: v.array(v.string()),
    csrf_token: v.string(),
    expires_at: v.string(),
    project: v.object({ id: v.string(), time_zone: v.string() }),
    settings: v.record(v.string(), v.unknown()),
  }),
  v.title('ConsoleSession'),
)

const WaysAnswer = v.pipe(
  v.object({
    object: v.literal('sign_in_ways'),
    mails_links: v.boolean(),
    /** The provider of OpenID Connect, as a button names it. */
    provider: v.nullable(v.string()),
  }),
  v.title('SignInWays'),
)

const common = { path: '/console/session', tag: 'operation' } as const

/** The routes behind the console's sign-in. They are no part of what a key may do: a session is for browsers. */
export const consoleRoutes = ({
  sessions,
  links,
  keys,
  users,
  openId,
  project,
  settings,
  proxies,
  publicUrl,
}: ConsoleDeps): readonly Route[] => {
  const show = ({ key, name, userId, csrf, expiresAt }: Session) => {
    const { id, timeZone } = project()
    return {
      object: 'session',
      name,
      user_id: userId ?? null,
      role: key.role,
      permissions: PERMISSION_NAMES.filter((one) => holds(key, one)),
      csrf_token: csrf,
      expires_at: new Date(expiresAt).toISOString(),
      project: { id, time_zone: timeZone },
      settings,
    }
  }
  const isSecure = (headers: Call['headers']): boolean =>
    publicUrl?.startsWith('https:') === true || (proxies > 0 && headers.get('x-forwarded-proto') === 'https')
  const ended = () => fail('unauthorized', 'Nobody is signed in here, or no longer')

  const enter: SignInParts['enter'] = async (who, { headers, now }) => {
    const before = sessionToken(headers)
    if (before !== undefined) await sessions.end(before)
    const { token, session } = await sessions.begin(who)
    const seconds = Math.floor((session.expiresAt - now) / 1000)
    return {
      body: show(session),
      headers: { 'Set-Cookie': sessionCookie(token, seconds, isSecure(headers)), 'Cache-Control': 'no-store' },
    }
  }

  const byKey = (appId: string, token: string): SignedIn | undefined => {
    const key: ApiKey | undefined = keys.recognise(appId, token)
    return key && key.role !== 'client' ? { name: key.name, role: key.role, appId: key.appId } : undefined
  }

  return [
    route({
      ...common,
      method: 'get',
      summary: 'Who is signed in to the console',
      response: SessionAnswer,
      handler: async ({ headers }) => {
        const session = await sessions.of(sessionToken(headers) ?? '')
        return session === undefined ? ended() : { body: show(session) }
      },
    }),
    route({
      ...common,
      method: 'post',
      summary: 'Sign in to the console: with e-mail and password, an API key or a one-time link',
      description:
        'The answer sets a cookie, which stands for who signed in in requests of the console. After five wrong passwords in a row an ' +
        'address is locked, for longer each time, whether somebody has it or not.',
      body: SignIn,
      bodyLimit: 8_192,
      response: SessionAnswer,
      records: false,
      handler: async (call) => {
        const { body, headers } = call
        const foreign = foreignSignIn(headers)
        if (foreign) return foreign
        if ('email' in body) {
          const user = await users.signIn(body.email, body.password, askingOf(call))
          return isFailure(user) ? user : enter({ name: user.id, role: user.role, userId: user.id }, call)
        }
        if ('link' in body) {
          const who = links.use(body.link)
          const used =
            'This link was used already, or is too old: start the server again for a new one, or sign in another way'
          return who === undefined ? fail('unauthorized', used) : enter(who, call)
        }
        const who = byKey(body.app_id, body.token)
        return who === undefined ? fail('unauthorized', 'No key for servers has this id and token') : enter(who, call)
      },
    }),
    route({
      ...common,
      method: 'delete',
      summary: 'Sign out of the console',
      status: 204,
      records: false,
      handler: async ({ headers }) => {
        const token = sessionToken(headers)
        const session = token === undefined ? undefined : await sessions.of(token)
        const foreign = session && foreignRequest('DELETE', headers, session)
        if (foreign) return foreign
        if (token !== undefined) await sessions.end(token)
        return { headers: { 'Set-Cookie': sessionCookie('', 0, isSecure(headers)) } }
      },
    }),
    route({
      method: 'get',
      path: '/console/sign-in-ways',
      tag: 'operation',
      summary: 'How one can sign in to the console',
      response: WaysAnswer,
      handler: () => ({ body: { object: 'sign_in_ways', mails_links: users.mails, provider: openId?.name ?? null } }),
    }),
    ...passwordRoutes({ sessions, users, enter, isSecure }),
    ...openIdRoutes(openId, { enter, isSecure }),
  ]
}
