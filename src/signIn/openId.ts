// Signing in through a provider of OpenID Connect: authorization code with state, nonce and PKCE, and which role a person gets.
import { randomUUID } from 'node:crypto'
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  discovery,
  fetchUserInfo,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client'
import type { UserState } from '../domain/access/users.ts'
import type { Logger } from '../log.ts'
import { decrypted, encrypted } from '../privacy/cipher.ts'
import type { Access } from '../runtime/access.ts'
import type { DeciderContext } from '../runtime/decider.ts'

/** One line of `OIDC_ROLES`: who has this value in this claim has this role. */
export interface ClaimRole {
  readonly claim: string
  readonly value: string
  readonly role: string
}

export interface OpenIdConfig {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** What the button on the page calls it. */
  readonly name: string
  /** What is asked for, separated by blanks. */
  readonly scopes: string
  /** Domains of addresses that may sign in, in lower case; any where it is empty. */
  readonly domains: readonly string[]
  /** The first that fits counts. */
  readonly roles: readonly ClaimRole[]
  /** Of those whom no line of `roles` fits. */
  readonly defaultRole: string | undefined
}

/** Why somebody was not let in; what the page shows follows from it. */
export type NotAdmitted = 'provider' | 'expired' | 'unverified' | 'not_allowed' | 'disabled'

export interface Begun {
  /** Where the browser is sent. */
  readonly address: string
  /** What it brings back beside the provider's answer: state, nonce and PKCE verifier, encrypted. */
  readonly flow: string
}

export interface OpenId {
  readonly name: string
  begin(now: number): Promise<Begun | NotAdmitted>
  /** The user whom the provider's answer stands for, made where there is none. `query`: as it came back. */
  finish(query: URLSearchParams, flow: string, context: Omit<DeciderContext, 'actor'>): Promise<UserState | NotAdmitted>
}

export interface OpenIdOptions {
  readonly config: OpenIdConfig
  readonly access: Pick<Access, 'execute' | 'current' | 'noteUse'>
  readonly publicUrl: () => string
  /** 32 bytes, the same for all nodes. */
  readonly key: () => Uint8Array
  readonly log: Logger
}

/** How long somebody may take at the provider, ms. */
export const FLOW_MS = 10 * 60_000
/** How long the provider may take for an answer, seconds. */
const TIMEOUT_S = 10
const CONTEXT = 'sign-in at a provider'
const CALLBACK = '/console/oidc/callback'

type Claims = Readonly<Record<string, unknown>>

const hasValue = (claim: unknown, value: string): boolean =>
  Array.isArray(claim) ? claim.includes(value) : String(claim) === value

/** The role that claims give; undefined when none of the lines fits and there is no default. */
export const roleOf = ({ roles, defaultRole }: Pick<OpenIdConfig, 'roles' | 'defaultRole'>, claims: Claims) => {
  const line = roles.find(({ claim, value }) => claims[claim] !== undefined && hasValue(claims[claim], value))
  return line ? { role: line.role, isMapped: true } : defaultRole ? { role: defaultRole, isMapped: false } : undefined
}

interface Flow {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  readonly until: number
}

/** Whether an address may be used without TLS: only that of this machine, for trying it out. */
const isLocal = ({ protocol, hostname }: URL): boolean =>
  protocol === 'http:' && /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(hostname)

export const createOpenId = ({ config, access, publicUrl, key, log }: OpenIdOptions): OpenId => {
  let found: Promise<Configuration> | undefined
  const provider = (): Promise<Configuration> => {
    const issuer = new URL(config.issuer)
    found ??= discovery(issuer, config.clientId, config.clientSecret, undefined, {
      timeout: TIMEOUT_S,
      ...(isLocal(issuer) ? { execute: [allowInsecureRequests] } : {}),
    })
    // A provider that was away is asked again.
    found.catch(() => {
      found = undefined
    })
    return found
  }
  const redirect = (): string => publicUrl() + CALLBACK

  const readFlow = (text: string, now: number): Flow | undefined => {
    try {
      const flow = JSON.parse(decrypted(key(), text, CONTEXT).toString()) as Flow
      return now < flow.until ? flow : undefined
    } catch {
      return undefined
    }
  }

  const claimsOf = async (query: URLSearchParams, flow: Flow): Promise<Claims & { readonly sub: string }> => {
    const server = await provider()
    const tokens = await authorizationCodeGrant(server, new URL(`${redirect()}?${query}`), {
      expectedState: flow.state,
      expectedNonce: flow.nonce,
      pkceCodeVerifier: flow.verifier,
      idTokenExpected: true,
    })
    const claims = tokens.claims()
    if (claims === undefined) throw new Error('the provider sent no ID token')
    if (claims.email !== undefined || server.serverMetadata().userinfo_endpoint === undefined) return claims
    return { ...(await fetchUserInfo(server, tokens.access_token, claims.sub)), ...claims }
  }

  const admit = async (
    claims: Claims & { readonly sub: string },
    context: Omit<DeciderContext, 'actor'>,
  ): Promise<UserState | NotAdmitted> => {
    const { email, email_verified, name, sub } = claims
    // An address that nobody has proven would let anybody in as somebody else.
    if (typeof email !== 'string' || (email_verified !== true && email_verified !== 'true')) return 'unverified'
    const address = email.trim().toLowerCase()
    const domain = address.slice(address.lastIndexOf('@') + 1)
    if (config.domains.length > 0 && !config.domains.includes(domain)) return 'not_allowed'
    const given = roleOf(config, claims)
    const identity = { issuer: config.issuer, subject: sub }
    const user = {
      id: `usr_${randomUUID().replaceAll('-', '').slice(0, 24)}`,
      email: address,
      ...(typeof name === 'string' && name !== '' ? { name: name.slice(0, 200) } : {}),
    }
    const command = { type: 'AdmitUser', user, identity, ...(given ?? {}) } as const
    const actor = { name: 'openid-connect', role: 'system' }
    const { refusal, state } = await access.execute(command, { ...context, actor })
    if (refusal) {
      log.warn({ reason: refusal.details }, 'somebody whom the provider knows was not let in')
      return 'not_allowed'
    }
    const known = [...state.users.values()].find(
      ({ identity: one }) => one?.issuer === config.issuer && one.subject === sub,
    )
    if (!known) return 'not_allowed'
    if (known.isDisabled) return 'disabled'
    access.noteUse(known.id)
    return known
  }

  return {
    name: config.name,
    async begin(now) {
      try {
        const server = await provider()
        const flow: Flow = {
          state: randomState(),
          nonce: randomNonce(),
          verifier: randomPKCECodeVerifier(),
          until: now + FLOW_MS,
        }
        const address = buildAuthorizationUrl(server, {
          redirect_uri: redirect(),
          scope: config.scopes,
          state: flow.state,
          nonce: flow.nonce,
          code_challenge: await calculatePKCECodeChallenge(flow.verifier),
          code_challenge_method: 'S256',
        })
        return { address: address.href, flow: encrypted(key(), JSON.stringify(flow), CONTEXT) }
      } catch (err) {
        log.warn({ err }, 'the provider of OpenID Connect could not be asked')
        return 'provider'
      }
    },
    async finish(query, sealed, context) {
      const flow = readFlow(sealed, context.now)
      if (!flow) return 'expired'
      let claims: Claims & { readonly sub: string }
      try {
        claims = await claimsOf(query, flow)
      } catch (err) {
        const { name, message } = err instanceof Error ? err : new Error(String(err))
        log.warn({ reason: `${name}: ${message}` }, 'an answer of the provider of OpenID Connect was not taken')
        return 'provider'
      }
      return admit(claims, context)
    },
  }
}
