// Signing in to the console and out of it, and what its pages are told about who is there.
import * as v from 'valibot'
import { foreignRequest, sessionCookie, sessionToken } from '../http/browser.ts'
import { refuse } from '../http/errors.ts'
import { type Call, type Route, route } from '../http/route.ts'
import type { Session, Sessions, SignInLinks } from '../http/sessions.ts'
import type { ApiKey, KeyRing } from '../keys.ts'

export interface ConsoleDeps {
  readonly sessions: Sessions
  readonly links: SignInLinks
  readonly keys: KeyRing
  readonly project: () => { readonly id: string; readonly timeZone: string }
  /** What the pages show of how this process was set up; nothing secret. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Proxies of our own in front, which say whether the browser came by HTTPS. */
  readonly proxies: number
}

const SignIn = v.union(
  [
    v.strictObject({ link: v.pipe(v.string(), v.maxLength(100)) }),
    v.strictObject({ app_id: v.pipe(v.string(), v.maxLength(200)), token: v.pipe(v.string(), v.maxLength(500)) }),
  ],
  'must have "link", or "app_id" and "token"',
)

const SessionAnswer = v.pipe(
  v.object({
    object: v.literal('session'),
    name: v.string(),
    role: v.string(),
    csrf_token: v.string(),
    expires_at: v.string(),
    project: v.object({ id: v.string(), time_zone: v.string() }),
    settings: v.record(v.string(), v.unknown()),
  }),
  v.title('ConsoleSession'),
)

const common = { path: '/console/session', tag: 'operation' } as const

/** The routes behind the console's sign-in. They are no part of what a key may do: a session is for browsers. */
export const consoleRoutes = ({ sessions, links, keys, project, settings, proxies }: ConsoleDeps): readonly Route[] => {
  const show = ({ key, csrf, expiresAt }: Session) => {
    const { id, timeZone } = project()
    return {
      object: 'session',
      name: key.name,
      role: key.role,
      csrf_token: csrf,
      expires_at: new Date(expiresAt).toISOString(),
      project: { id, time_zone: timeZone },
      settings,
    }
  }
  const isSecure = (headers: Call['headers']): boolean => proxies > 0 && headers.get('x-forwarded-proto') === 'https'
  const ended = () => refuse('unauthorized', 'Nobody is signed in here, or no longer')

  const whoIs = (body: v.InferOutput<typeof SignIn>) => {
    if ('link' in body) return links.use(body.link)
    const key: ApiKey | undefined = keys.recognise(body.app_id, body.token)
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
      summary: 'Sign in to the console, with an API key or a one-time link',
      description: 'The answer sets a cookie, which stands for the key in requests of the console.',
      body: SignIn,
      response: SessionAnswer,
      records: false,
      handler: async ({ body, headers, now }) => {
        const site = headers.get('sec-fetch-site')
        if (site !== null && site !== 'same-origin') return refuse('forbidden', 'Sign in on the pages of this server')
        const who = whoIs(body)
        if (who === undefined)
          return refuse(
            'unauthorized',
            'link' in body
              ? 'This link was used already, or is too old: start the server again for a new one, or sign in with an API key'
              : 'No key for servers has this id and token',
          )
        const { token, session } = await sessions.begin(who)
        const seconds = Math.floor((session.expiresAt - now) / 1000)
        return {
          body: show(session),
          headers: { 'Set-Cookie': sessionCookie(token, seconds, isSecure(headers)), 'Cache-Control': 'no-store' },
        }
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
  ]
}
