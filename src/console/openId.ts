// The two addresses of signing in through a provider of OpenID Connect: to it, and back from it.
import * as v from 'valibot'
import { cookieOf, flowCookie } from '../http/browser.ts'
import { notFound } from '../http/errors.ts'
import { type Answer, type Route, route } from '../http/route.ts'
import { FLOW_MS, type NotAdmitted, type OpenId } from '../signIn/openId.ts'
import type { SignInParts } from './routes.ts'

const FLOW_COOKIE = 'tributary_oidc'
const FLOW_PATH = '/console/oidc'

const to = (address: string, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status: 302,
  headers: { Location: address, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer', ...headers },
})
const failed = (why: NotAdmitted): Answer => to(`/console/sign-in?failed=${why}`)

/** What a provider sends back; more than is known here, since each adds its own. */
const Returned = v.record(v.string(), v.unknown())

export const openIdRoutes = (
  openId: OpenId | undefined,
  { enter, isSecure }: Pick<SignInParts, 'enter' | 'isSecure'>,
): readonly Route[] => {
  const none = () => notFound('provider', 'OpenID Connect')
  const common = { method: 'get', tag: 'operation', status: 302 } as const
  return [
    route({
      ...common,
      path: FLOW_PATH,
      summary: 'Sign in through the provider of OpenID Connect',
      handler: async ({ now, headers }) => {
        if (!openId) return none()
        const begun = await openId.begin(now)
        if (typeof begun === 'string') return failed(begun)
        const cookie = flowCookie(FLOW_COOKIE, begun.flow, FLOW_PATH, FLOW_MS / 1_000, isSecure(headers))
        return to(begun.address, { 'Set-Cookie': cookie })
      },
    }),
    route({
      ...common,
      path: `${FLOW_PATH}/callback`,
      summary: 'Where the provider of OpenID Connect sends the browser back to',
      query: Returned,
      handler: async (call) => {
        if (!openId) return none()
        const query = new URLSearchParams()
        for (const [name, value] of Object.entries(call.query)) if (typeof value === 'string') query.set(name, value)
        const flow = cookieOf(FLOW_COOKIE, call.headers) ?? ''
        const user = await openId.finish(query, flow, { requestId: call.requestId, now: call.now })
        if (typeof user === 'string') return failed(user)
        const { headers = {} } = await enter({ name: user.id, role: user.role, userId: user.id }, call)
        return to('/console', headers)
      },
    }),
  ]
}
