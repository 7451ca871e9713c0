// OAuth 2.0 for API keys: a key gets short-lived tokens for itself, looks at them, and revokes them.
import * as v from 'valibot'
import { fail } from '../src/http/errors.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import { MAX_TOKENS, scopesIn, TOKEN_LASTS_S, type Token } from '../src/http/tokens.ts'
import type { Services } from '../src/services.ts'

const seconds = v.pipe(v.number(), v.integer())
const fields = {
  access_token: v.string(),
  token_type: v.literal('Bearer'),
  /** The id of the key. */
  client_id: v.string(),
  scope: v.string(),
  /** Unix seconds, and how many are left. */
  expires_at: seconds,
  expires_in: seconds,
}
const TokenAnswer = v.pipe(v.object(fields), v.title('OAuthToken'))
const IntrospectAnswer = v.pipe(
  v.object({ ...v.partial(v.object(fields)).entries, active: v.boolean() }),
  v.title('OAuthTokenState'),
)

const show = (text: string, { appId, scope, expiresAt }: Token, now: number) => ({
  access_token: text,
  token_type: 'Bearer' as const,
  client_id: appId,
  scope,
  expires_at: Math.floor(expiresAt / 1_000),
  expires_in: Math.max(0, Math.floor((expiresAt - now) / 1_000)),
})

const NO_STORE = { 'Cache-Control': 'no-store', Pragma: 'no-cache' } as const

const TokenText = v.pipe(v.string(), v.minLength(1), v.maxLength(500))
const TokenBody = v.object({
  grant_type: v.pipe(v.string(), v.maxLength(100)),
  scope: v.pipe(v.string(), v.maxLength(2_000)),
})

const give = async (
  services: Services,
  { body, key, now }: Call<v.InferOutput<typeof TokenBody>>,
): Promise<Outcome> => {
  if (body.grant_type !== 'client_credentials')
    return fail('invalid_grant_type', 'grant_type: must be client_credentials')
  const read = scopesIn(body.scope)
  if ('unknown' in read)
    return fail(
      'invalid_scope',
      `scope: there is no scope ${read.unknown.slice(0, 100)}; it is api or resources such as events`,
    )
  if (read.scopes.length === 0) return fail('invalid_scope', 'scope: must name one at least')
  if (key.appId.startsWith('user:') || key.appId.startsWith('session:'))
    return fail('forbidden', 'Tokens belong to an API key: a session has none')
  const made = await services.tokens.make(key.appId, read.scopes.join(' '), now)
  if (!made)
    return fail('too_many_requests', `The key has ${MAX_TOKENS} tokens already: use one until it ends`, {
      retryAfter: TOKEN_LASTS_S,
    })
  return { body: show(made.text, made.token, now), headers: NO_STORE }
}

const common = {
  method: 'post',
  tag: 'Access',
  permission: 'tokens.make',
  isForm: true,
  takesBasic: true,
  bodyLimit: 8_192,
  records: false,
  remembers: true,
} as const

export const oauthCommands = (services: Services) => [
  route({
    ...common,
    path: '/v1/oauth/token',
    summary: 'Get a token for the key',
    description:
      'With the headers of a server key, or with its id and token as `Authorization: Basic`. The token is good for a quarter of an ' +
      'hour, as `Authorization: Bearer` or `X-Voucherify-OAuth` on all paths below /v1 that its scope names: `api` for all, or ' +
      'resources such as `events` and `customers`. It may what its key may, and ends with it.',
    body: TokenBody,
    response: TokenAnswer,
    handler: (call) => give(services, call),
  }),
  route({
    ...common,
    path: '/v1/oauth/introspect',
    summary: 'Whether a token of the key is still good',
    body: v.object({ access_token: TokenText }),
    response: IntrospectAnswer,
    handler: async ({ body, key, now }): Promise<Outcome> => {
      const token = await services.tokens.of(body.access_token, now)
      // Of others' tokens nothing is told, not even that they are there.
      const isOwn = token?.appId === key.appId
      return {
        body: token && isOwn ? { ...show(body.access_token, token, now), active: true } : { active: false },
        headers: NO_STORE,
      }
    },
  }),
  route({
    ...common,
    path: '/v1/oauth/token/revoke',
    summary: 'Revoke a token of the key; it works nowhere within two seconds',
    description: 'Answers the same for a token that there is not (RFC 7009).',
    body: v.object({ access_token: TokenText }),
    status: 204,
    handler: async ({ body, key }): Promise<Outcome> => {
      await services.tokens.revoke(body.access_token, key.appId)
      return {}
    },
  }),
]
