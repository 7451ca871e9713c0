// The settings of a process: environment variables parsed once at the start. New settings are added here and nowhere else.

import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import * as v from 'valibot'
import { isSigningSecret } from './delivery/sign.ts'
import type { Marks } from './disk.ts'
import { isMailSender, MAIL_SENDER_RULE } from './domain/channels/mailSender.ts'
import { issuePath } from './domain/path.ts'
import { CONSENT_RULES } from './domain/rulebook/kind.ts'
import { CLIENT_LIMITS, type ClientLimits } from './http/clients.ts'
import type { Page } from './http/operation.ts'
import type { SessionLimits } from './http/sessions.ts'
import { LOG_LEVELS } from './log.ts'

const whole = (min: number, max: number) =>
  v.pipe(
    v.string(),
    v.trim(),
    v.regex(/^\d{1,12}$/, 'must be a whole number'),
    v.transform(Number),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  )

const integer = (min: number, max: number, fallback: number) => v.optional(whole(min, max), String(fallback))

const text = (fallback: string) => v.optional(v.pipe(v.string(), v.trim(), v.nonEmpty('must not be empty')), fallback)

const optionalText = v.optional(v.pipe(v.string(), v.trim(), v.nonEmpty('must not be empty')))

const url = (pattern: RegExp, form: string) =>
  v.optional(v.pipe(v.string(), v.trim(), v.regex(pattern, `must begin with ${form}`)))

const share = v.pipe(
  v.string(),
  v.trim(),
  v.regex(/^(?:0?\.\d{1,6}|0|1)$/, 'must be a share from 0 to 1, such as 0.05'),
  v.transform(Number),
)

/** Names that are separated by commas. */
const names = v.pipe(
  v.string(),
  v.transform((list) => list.split(',').map((name) => name.trim())),
  v.check((list) => list.every((name) => name !== ''), 'must be names that are separated by commas'),
)

const CLAIM_ROLE = /^([^:=]+):([^=]+)=([a-z][a-z0-9_-]{0,49})$/
/** Which values of which claims give which role. */
const claimRoles = v.pipe(
  names,
  v.check((lines) => lines.every((line) => CLAIM_ROLE.test(line)), 'must be claim:value=role, separated by commas'),
  v.transform((lines) =>
    lines.map((line) => {
      const [, claim = '', value = '', role = ''] = CLAIM_ROLE.exec(line) ?? []
      return { claim, value, role }
    }),
  ),
)

const isTimeZone = (name: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone.length > 0
  } catch {
    return false
  }
}

/** More than one machine has use for; each takes memory of its own. */
export const MAX_WORKERS = 64

const place = v.optional(
  v.union([v.picklist(['on', 'off']), whole(1, 65_535)], 'must be on, off or a port from 1 to 65535'),
  'on',
)

/** One line a setting: the variable, its form, its default. */
const environment = v.object({
  /** TCP port; 0 takes any free one. */
  PORT: integer(0, 65_535, 3000),
  /** Address to listen on. */
  HOST: text('0.0.0.0'),
  /** Processes that take requests at the port, beside the one that has all the rest; one process for all when absent. */
  WORKERS: v.optional(
    v.union([v.literal('auto'), whole(1, MAX_WORKERS)], `must be auto or a whole number from 1 to ${MAX_WORKERS}`),
  ),
  /** Folder of generated keys and of the embedded engines. */
  DATA_DIR: text('./data'),
  /** What must stay free on the disks that are written to: bytes, and a share of the whole; see `disk.ts` for defaults. */
  MIN_FREE_BYTES: v.optional(whole(0, 999_999_999_999)),
  MIN_FREE_SHARE: v.optional(share),
  /** Folders whose disks are watched; DATA_DIR when absent and an embedded engine is in it. */
  WATCH_DISKS: v.optional(names),
  /** Event store; embedded when absent. */
  EVENTSTORE_URL: url(/^(?:esdb|eventstoredb|kurrentdb|kdb)(?:\+discover)?:\/\/\S+$/, 'esdb:// or esdb+discover://'),
  /** Whose streams those of this project are on an event store that others use as well; absent: the whole log is its own. */
  EVENTSTORE_NAMESPACE: v.optional(
    v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,38}$/, 'must have 1 to 38 letters, digits, "_" or "-"')),
  ),
  /** Document store; embedded when absent. */
  MONGODB_URL: url(/^mongodb(?:\+srv)?:\/\/\S+$/, 'mongodb:// or mongodb+srv://'),
  MONGODB_DATABASE: v.optional(
    v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,38}$/, 'must have 1 to 38 letters, digits, "_" or "-"')),
    'tributary',
  ),
  /** File of API keys with hashed tokens; generated keys in DATA_DIR when absent. */
  KEYS_FILE: optionalText,
  /** File of the master key, the same for all nodes, made when missing; DATA_DIR/master.key when absent and the log is embedded. */
  MASTER_KEY_FILE: optionalText,
  LOG_LEVEL: v.optional(v.picklist(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`), 'info'),
  /** The project in management paths. */
  PROJECT_ID: v.optional(
    v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,100}$/, 'must have 1 to 100 letters, digits, "_" or "-"')),
    'proj_main',
  ),
  /** IANA time zone of calendar periods. */
  PROJECT_TIME_ZONE: v.optional(
    v.pipe(v.string(), v.check(isTimeZone, 'must be an IANA time zone such as Europe/Warsaw')),
    'UTC',
  ),
  /** Whether messages to people go out unless refused, or only with consent; what the project has when absent. */
  CONSENT: v.optional(v.picklist(CONSENT_RULES, 'must be refusals or required')),
  /** Days without activity after which a customer is erased; never when absent. */
  RETENTION_DAYS: v.optional(whole(2, 36_500)),
  /** strict refuses events without a schema or against it; lenient records and marks them. */
  VALIDATION_MODE: v.optional(v.picklist(['strict', 'lenient'], 'must be strict or lenient'), 'strict'),
  /** Older events count but trigger no message, hours. */
  TRIGGER_HORIZON_HOURS: integer(0, 24 * 366, 72),
  /** Longest time of one HTTP request, milliseconds. */
  REQUEST_TIME_LIMIT_MS: integer(100, 600_000, 30_000),
  /** Longest time that a stopping process waits for what runs, milliseconds. */
  DRAIN_TIME_LIMIT_MS: integer(0, 600_000, 10_000),
  /** Whether this process sends messages: off for nodes that only take commands and queries. */
  DELIVERY: v.optional(v.picklist(['on', 'off'], 'must be on or off'), 'on'),
  /** Messages at once to one host or gateway. */
  DELIVERY_CONCURRENCY: integer(1, 1_000, 32),
  /** Whether webhooks may go to addresses of this host and its network. */
  WEBHOOK_ALLOW_PRIVATE: v.optional(v.picklist(['true', 'false'], 'must be true or false'), 'false'),
  /** What webhooks are signed with; follows from the project's own key when absent. */
  WEBHOOK_SIGNING_SECRET: v.optional(
    v.pipe(v.string(), v.check(isSigningSecret, 'must be whsec_ and the base64 of 24 to 64 bytes')),
  ),
  /** Mail server; e-mail waits when absent. */
  SMTP_URL: url(/^smtps?:\/\/\S+$/, 'smtp:// or smtps://'),
  /** Sender of e-mails whose distribution names none. */
  EMAIL_FROM: v.optional(v.pipe(v.string(), v.check(isMailSender, MAIL_SENDER_RULE)), 'tributary@localhost'),
  /** Takes text messages as JSON `{ id, to, text }` by POST; they wait when absent. */
  SMS_GATEWAY_URL: url(/^https?:\/\/\S+$/, 'http:// or https://'),
  /** The gateway's `Authorization` header. */
  SMS_GATEWAY_AUTHORIZATION: optionalText,
  /** Where `/metrics`, and where `/docs` and `/openapi.json` are answered: with the rest, nowhere, or at a port of their own. */
  METRICS: place,
  DOCS: place,
  /** Whether this process shows the console, at `/console`. */
  CONSOLE: v.optional(v.picklist(['on', 'off'], 'must be on or off'), 'on'),
  /** Where people reach this server, for links in mail; the address it listens at when absent. */
  PUBLIC_URL: url(/^https?:\/\/[^\s?#]+$/, 'http:// or https://, and have neither ? nor #'),
  /** Provider of OpenID Connect that people sign in through: issuer, client, and a file with the client's secret. */
  OIDC_ISSUER: url(/^(?:https:\/\/\S+|http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?:[:/]\S*)?)$/, 'https://'),
  OIDC_CLIENT_ID: optionalText,
  OIDC_CLIENT_SECRET_FILE: optionalText,
  /** What the button calls it. */
  OIDC_NAME: text('your organisation'),
  /** What the provider is asked for; claims of groups often need a scope of their own. */
  OIDC_SCOPES: v.pipe(
    text('openid email profile'),
    v.check(
      (scopes) => scopes.split(/\s+/).includes('openid'),
      'must name openid, and further scopes separated by blanks',
    ),
  ),
  /** Domains of addresses that may sign in through it; all where absent. */
  OIDC_DOMAINS: v.optional(names),
  /** `claim:value=role`, the first that fits counts, such as `groups:shop-admins=admin,groups:staff=reader`. */
  OIDC_ROLES: v.optional(claimRoles),
  /** Of those of OIDC_DOMAINS whom no line of OIDC_ROLES fits. */
  OIDC_DEFAULT_ROLE: optionalText,
  /** After how long without use, and after how long at most, a session of the console ends. */
  SESSION_IDLE_MINUTES: integer(1, 10_080, 120),
  SESSION_HOURS: integer(1, 720, 12),
  /** Requests a minute and key; no limit when absent. */
  RATE_LIMIT_PER_MINUTE: v.optional(whole(1, 10_000_000)),
  /** What a client key may use up from one address in a minute. */
  CLIENT_REQUESTS_PER_MINUTE: integer(1, 10_000_000, CLIENT_LIMITS.requests),
  CLIENT_BYTES_PER_MINUTE: integer(1_000, 10_000_000_000, CLIENT_LIMITS.bytes),
  CLIENT_NEW_CUSTOMERS_PER_MINUTE: integer(0, 10_000_000, CLIENT_LIMITS.newCustomers),
  CLIENT_REFUSED_EVENTS_PER_MINUTE: integer(0, 10_000_000, CLIENT_LIMITS.refusedEvents),
  /** Mails, and text messages, that events of client keys may have sent to one address in a day of the project. */
  CLIENT_MESSAGES_PER_ADDRESS_PER_DAY: integer(0, 1_000, 50),
  /** Proxies of one's own in front of this node, each of which appends to `X-Forwarded-For`. */
  TRUST_PROXY: integer(0, 10, 0),
})

type Environment = v.InferOutput<typeof environment>

/** Each setting by its name, with what it is without being set; undefined where that is nothing, or follows from others. */
export const SETTINGS: ReadonlyMap<string, string | undefined> = new Map(
  Object.entries(environment.entries).map(([name, { default: fallback }]) => [
    name,
    fallback === undefined ? undefined : String(fallback),
  ]),
)

export interface DeliveryConfig {
  readonly isOn: boolean
  readonly concurrency: number
  readonly allowPrivate: boolean
  readonly signingSecret: string | undefined
  readonly smtpUrl: string | undefined
  readonly emailFrom: string
  readonly smsUrl: string | undefined
  readonly smsAuthorization: string | undefined
  /** Messages a day that client keys' events may have sent to one address. */
  readonly messagesPerAddress: number
}

/** What a process is started with. Times are milliseconds unless the name says otherwise. */
export interface Config {
  readonly port: number
  readonly host: string
  /** Worker processes; undefined: one process is the whole node. */
  readonly workers: number | undefined
  readonly dataDir: string
  readonly eventStoreUrl: string | undefined
  readonly eventStoreNamespace: string | undefined
  readonly mongodbUrl: string | undefined
  readonly mongodbDatabase: string
  readonly keysFile: string | undefined
  readonly masterKeyFile: string | undefined
  /** What must stay free on the disks of `watchedDisks`. */
  readonly minFree: Marks
  readonly watchedDisks: readonly string[]
  readonly logLevel: Environment['LOG_LEVEL']
  readonly projectId: string
  readonly projectTimeZone: string
  readonly consent: Environment['CONSENT']
  readonly retentionDays: number | undefined
  readonly validationMode: Environment['VALIDATION_MODE']
  readonly triggerHorizonHours: number
  readonly requestTimeLimitMs: number
  readonly drainTimeLimitMs: number
  /** Where each page of operation is answered: a number is a port of its own. */
  readonly pages: Readonly<Record<Page, 'on' | 'off' | number>>
  readonly showsConsole: boolean
  /** Without a slash at the end. */
  readonly publicUrl: string | undefined
  readonly sessions: SessionLimits
  /** The provider that people sign in through; what is absent of it counts as none. */
  readonly openId: OpenIdSettings | undefined
  readonly rateLimitPerMinute: number | undefined
  readonly clientLimits: ClientLimits
  readonly proxies: number
  readonly delivery: DeliveryConfig
}

export interface OpenIdSettings {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecretFile: string
  readonly name: string
  readonly scopes: string
  readonly domains: readonly string[]
  readonly roles: readonly { readonly claim: string; readonly value: string; readonly role: string }[]
  readonly defaultRole: string | undefined
}

/** Settings that cannot be used; the message names every variable at fault. */
export class ConfigError extends Error {
  constructor(reasons: readonly string[]) {
    super(`These environment variables cannot be used:\n${reasons.map((reason) => `  ${reason}`).join('\n')}`)
    this.name = 'ConfigError'
  }
}

const openIdOf = (e: Environment): OpenIdSettings | undefined => {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET_FILE: clientSecretFile } = e
  if (issuer === undefined) return undefined
  if (clientId === undefined || clientSecretFile === undefined)
    throw new ConfigError(['OIDC_ISSUER: needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET_FILE beside it'])
  // Else everybody whom the provider knows would get in, which is everybody where it is a public one.
  if (e.OIDC_DEFAULT_ROLE !== undefined && e.OIDC_DOMAINS === undefined)
    throw new ConfigError(['OIDC_DEFAULT_ROLE: needs OIDC_DOMAINS beside it, which say who gets it'])
  const domains = (e.OIDC_DOMAINS ?? []).map((domain) => domain.toLowerCase())
  const { OIDC_NAME: name, OIDC_SCOPES: scopes, OIDC_ROLES: roles = [], OIDC_DEFAULT_ROLE: defaultRole } = e
  return { issuer, clientId, clientSecretFile, name, scopes, domains, roles, defaultRole }
}

/** Parses an environment. An empty variable counts as absent. Throws `ConfigError`. */
export const loadConfig = (env: Readonly<Record<string, string | undefined>>): Config => {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = v.safeParse(environment, given)
  if (!parsed.success)
    throw new ConfigError(parsed.issues.map((issue) => `${issuePath(issue) || 'environment'}: ${issue.message}`))
  const e = parsed.output
  return {
    port: e.PORT,
    host: e.HOST,
    workers: e.WORKERS === 'auto' ? Math.min(MAX_WORKERS, availableParallelism()) : e.WORKERS,
    dataDir: e.DATA_DIR,
    eventStoreUrl: e.EVENTSTORE_URL,
    eventStoreNamespace: e.EVENTSTORE_NAMESPACE,
    mongodbUrl: e.MONGODB_URL,
    mongodbDatabase: e.MONGODB_DATABASE,
    keysFile: e.KEYS_FILE,
    masterKeyFile: e.MASTER_KEY_FILE,
    minFree: { bytes: e.MIN_FREE_BYTES, share: e.MIN_FREE_SHARE },
    watchedDisks: e.WATCH_DISKS ?? (e.EVENTSTORE_URL && e.MONGODB_URL ? [] : [e.DATA_DIR]),
    logLevel: e.LOG_LEVEL,
    projectId: e.PROJECT_ID,
    projectTimeZone: e.PROJECT_TIME_ZONE,
    consent: e.CONSENT,
    retentionDays: e.RETENTION_DAYS,
    validationMode: e.VALIDATION_MODE,
    triggerHorizonHours: e.TRIGGER_HORIZON_HOURS,
    requestTimeLimitMs: e.REQUEST_TIME_LIMIT_MS,
    drainTimeLimitMs: e.DRAIN_TIME_LIMIT_MS,
    pages: { metrics: e.METRICS, docs: e.DOCS },
    showsConsole: e.CONSOLE === 'on',
    publicUrl: e.PUBLIC_URL?.replace(/\/+$/, ''),
    openId: openIdOf(e),
    sessions: { idleMs: e.SESSION_IDLE_MINUTES * 60_000, longestMs: e.SESSION_HOURS * 3_600_000 },
    rateLimitPerMinute: e.RATE_LIMIT_PER_MINUTE,
    clientLimits: {
      requests: e.CLIENT_REQUESTS_PER_MINUTE,
      bytes: e.CLIENT_BYTES_PER_MINUTE,
      newCustomers: e.CLIENT_NEW_CUSTOMERS_PER_MINUTE,
      refusedEvents: e.CLIENT_REFUSED_EVENTS_PER_MINUTE,
    },
    proxies: e.TRUST_PROXY,
    delivery: {
      isOn: e.DELIVERY === 'on',
      concurrency: e.DELIVERY_CONCURRENCY,
      allowPrivate: e.WEBHOOK_ALLOW_PRIVATE === 'true',
      signingSecret: e.WEBHOOK_SIGNING_SECRET,
      smtpUrl: e.SMTP_URL,
      emailFrom: e.EMAIL_FROM,
      smsUrl: e.SMS_GATEWAY_URL,
      smsAuthorization: e.SMS_GATEWAY_AUTHORIZATION,
      messagesPerAddress: e.CLIENT_MESSAGES_PER_ADDRESS_PER_DAY,
    },
  }
}

/** The settings of a process as they may be shown: whether a secret or a gateway is set, never what it is. */
export const settingsShown = (config: Config): Readonly<Record<string, unknown>> => ({
  event_store: config.eventStoreUrl === undefined ? 'embedded' : 'server',
  document_store: config.mongodbUrl === undefined ? 'embedded' : 'server',
  project_id: config.projectId,
  project_time_zone: config.projectTimeZone,
  consent: config.consent ?? 'as the project has it',
  retention_days: config.retentionDays ?? 'for good',
  validation_mode: config.validationMode,
  trigger_horizon_hours: config.triggerHorizonHours,
  request_time_limit_ms: config.requestTimeLimitMs,
  drain_time_limit_ms: config.drainTimeLimitMs,
  rate_limit_per_minute: config.rateLimitPerMinute ?? null,
  client_limits_per_minute: config.clientLimits,
  delivery: config.delivery.isOn ? 'on' : 'off',
  delivery_concurrency: config.delivery.concurrency,
  webhooks_to_private_addresses: config.delivery.allowPrivate,
  webhook_signing_secret: config.delivery.signingSecret === undefined ? 'from the project' : 'set',
  mail_server: config.delivery.smtpUrl === undefined ? 'none: e-mails wait' : 'set',
  email_from: config.delivery.emailFrom,
  text_message_gateway: config.delivery.smsUrl === undefined ? 'none: text messages wait' : 'set',
  workers: config.workers ?? 'none: one process for all',
  data_dir: resolve(config.dataDir),
  keys_file: config.keysFile === undefined ? 'generated' : 'given',
  trusted_proxies: config.proxies,
  public_url: config.publicUrl ?? 'where it listens',
  sign_in_provider: config.openId?.issuer ?? 'none',
  session_idle_minutes: config.sessions.idleMs / 60_000,
  session_hours: config.sessions.longestMs / 3_600_000,
  metrics: config.pages.metrics,
  docs: config.pages.docs,
})
