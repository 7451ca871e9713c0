// Keys and roles managed while nodes run: make, rotate, revoke; roles of one's own. A token is told once and never kept.
import { randomBytes } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import * as v from 'valibot'
import { contextOf } from '../src/api/context.ts'
import { KeyObject, RoleObject, showKey, showRole } from '../src/api/presenters/access.ts'
import { permissionsOfRole } from '../src/domain/access/access.ts'
import { holds, isPermission, PERMISSION_NAMES } from '../src/domain/access/permissions.ts'
import { calendarOf } from '../src/domain/calendar.ts'
import { type Failure, fail, notFound } from '../src/http/errors.ts'
import { instantOrDay } from '../src/http/fields.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import { ABILITIES, keyOrigin } from '../src/keys.ts'
import { customerSecret, tokenDigest } from '../src/runtime/access.ts'
import type { Services } from '../src/services.ts'

const TAG = 'Access'
const MAX_OVERLAP_S = 30 * 86_400
const DEFAULT_OVERLAP_S = 86_400

export const text = (max: number) => v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(max))
const network = v.pipe(
  v.string(),
  v.check((cidr) => ipaddr.isValidCIDR(cidr), 'must be a network such as 10.0.0.0/8 or 2001:db8::/32'),
)
const KeyBody = v.pipe(
  v.object({
    name: text(200),
    role: text(100),
    /** Of a client key, which needs them. */
    origins: v.optional(v.pipe(v.array(keyOrigin), v.minLength(1), v.maxLength(100))),
    /** Of a client key. */
    allow: v.optional(v.array(v.picklist(ABILITIES, `must be one of ${ABILITIES.join(', ')}`))),
    networks: v.optional(v.pipe(v.array(network), v.minLength(1), v.maxLength(100))),
    /** A time, or a day of the project's zone, at whose end the key ends. */
    expires_at: v.optional(instantOrDay),
  }),
  v.title('AccessKeyRequest'),
)
const permission = v.picklist(PERMISSION_NAMES, 'must be the name of a permission, as /docs/permissions lists them')
const permissions = v.pipe(v.array(permission), v.minLength(1), v.maxLength(PERMISSION_NAMES.length))
const roleName = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9_-]{0,49}$/, 'must be 1 to 50 of a-z, 0-9, _ and -, a letter first'),
)
const RoleFields = { description: v.optional(text(500)), permissions }

const WithToken = v.pipe(
  v.object({ ...KeyObject.entries, token: v.string(), customer_secret: v.optional(v.string()) }),
  v.title('AccessKeyWithToken'),
)

export type Asked = Pick<Call<unknown, unknown, unknown>, 'key' | 'requestId' | 'now' | 'idempotencyKey'>

/** Nobody gives a role, or a token of a key with a role, that may do more than they may themselves. */
const grantFault = ({ key }: Asked, names: Iterable<string>): Failure | undefined => {
  for (const name of names)
    if (isPermission(name) && !holds(key, name)) return fail('forbidden', `You do not hold ${name} yourself`)
  return undefined
}
export const roleFault = ({ access }: Services, call: Asked, role: string): Failure | undefined =>
  grantFault(call, permissionsOfRole(access.current(), role) ?? [])

export const NO_STORE = { 'Cache-Control': 'no-store' } as const

const told = (services: Services, id: string, token: string, position: bigint | undefined, status: number): Outcome => {
  const key = services.access.current().keys.get(id)
  if (!key) return notFound('access_key', id)
  const secret = key.role === 'client' ? customerSecret(services.rulebook.current().project.customerKey, id) : undefined
  return {
    status,
    body: { ...showKey(key), token, customer_secret: secret },
    headers: NO_STORE,
    consistencyToken: position,
  }
}

const make = async (services: Services, call: Call<v.InferOutput<typeof KeyBody>>): Promise<Outcome> => {
  const { name, role, origins, allow, networks, expires_at } = call.body
  const isClient = role === 'client'
  if (isClient && !origins)
    return fail('invalid_payload', 'origins: a client key needs them, for example ["https://shop.example"]')
  if (!isClient && (origins || allow)) return fail('invalid_payload', 'Only a client key has "origins" and "allow"')
  const fault = roleFault(services, call, role)
  if (fault) return fault
  const { timeZone } = services.rulebook.current().project
  const expiresAt = expires_at === undefined ? undefined : calendarOf(timeZone).parseEnd(expires_at)
  const token = randomBytes(32).toString('base64url')
  const id = `app_${randomBytes(12).toString('hex')}`
  const key = {
    id,
    name,
    role,
    digest: tokenDigest(token),
    origins,
    ...(allow ? { allow: [...new Set(allow)] } : {}),
    networks,
    expiresAt,
  }
  const { refusal, position } = await services.access.execute({ type: 'CreateKey', key }, contextOf(call, services))
  return refusal ? { refused: refusal } : told(services, id, token, position, 201)
}

const RotateBody = v.object({
  /** How long the token before stays good, seconds; a day when absent, at most 30 days. */
  overlap_seconds: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_OVERLAP_S))),
})

const rotate = async (
  services: Services,
  call: Call<v.InferOutput<typeof RotateBody>, undefined, { readonly id: string }>,
): Promise<Outcome> => {
  const { id } = call.params
  const known = services.access.current().keys.get(id)
  const fault = known && roleFault(services, call, known.role)
  if (fault) return fault
  const token = randomBytes(32).toString('base64url')
  const overlapMs = (call.body.overlap_seconds ?? DEFAULT_OVERLAP_S) * 1000
  const command = { type: 'RotateKey', id, digest: tokenDigest(token), overlapMs } as const
  const { refusal, position } = await services.access.execute(command, contextOf(call, services))
  return refusal ? { refused: refusal } : told(services, id, token, position, 200)
}

/** Carries out what answers nothing. */
export const carryOut = async (
  services: Services,
  call: Asked,
  command: Parameters<Services['access']['execute']>[0],
): Promise<Outcome> => {
  const { refusal, position } = await services.access.execute(command, contextOf(call, services))
  if (refusal) return { refused: refusal }
  return { status: 204, consistencyToken: position }
}

const saveRole = async (
  services: Services,
  call: Asked,
  type: 'CreateRole' | 'ChangeRole',
  role: { readonly name: string; readonly description?: string | undefined; readonly permissions: readonly string[] },
): Promise<Outcome> => {
  const fault = grantFault(call, role.permissions)
  if (fault) return fault
  const { name, description } = role
  const saved = {
    name,
    description,
    permissions: [...new Set(role.permissions)],
  }
  const { refusal, position, state } = await services.access.execute({ type, role: saved }, contextOf(call, services))
  if (refusal) return { refused: refusal }
  const now = state.roles.get(name)
  if (!now) return notFound('role', name)
  return {
    status: type === 'CreateRole' ? 201 : 200,
    body: showRole(now),
    consistencyToken: position,
  }
}

const common = { tag: TAG, permission: 'access.manage' } as const

export const accessCommands = (services: Services) => [
  route({
    ...common,
    method: 'post',
    path: '/v1/access/keys',
    summary: 'Make a key',
    description:
      'The token is told in this answer only; of it a hash is kept. A client key also has a secret that customers’ tokens are signed ' +
      'with. Nobody gives a role more than one holds oneself.',
    status: 201,
    body: KeyBody,
    response: WithToken,
    tellsSecret: true,
    handler: (call) => make(services, call),
  }),
  route({
    ...common,
    method: 'post',
    path: '/v1/access/keys/{id}/rotate',
    summary: 'Give a key a new token',
    description:
      'The token before stays good for `overlap_seconds`, a day when absent, so that applications can be moved.',
    params: v.object({ id: v.string() }),
    body: RotateBody,
    response: WithToken,
    tellsSecret: true,
    handler: (call) => rotate(services, call),
  }),
  route({
    ...common,
    method: 'delete',
    path: '/v1/access/keys/{id}',
    summary: 'Revoke a key: it stops working on all nodes within a second',
    params: v.object({ id: v.string() }),
    status: 204,
    handler: (call): Outcome | Promise<Outcome> => {
      const { id } = call.params
      const known = services.access.current().keys.get(id)
      // Who may do less would shut out who may do more.
      const fault = known && roleFault(services, call, known.role)
      return fault ?? carryOut(services, call, { type: 'RevokeKey', id })
    },
  }),
  route({
    ...common,
    method: 'post',
    path: '/v1/access/roles',
    summary: 'Make a role of your own: a set of permissions',
    status: 201,
    body: v.pipe(v.object({ name: roleName, ...RoleFields }), v.title('RoleRequest')),
    response: RoleObject,
    handler: (call) => saveRole(services, call, 'CreateRole', call.body),
  }),
  route({
    ...common,
    method: 'put',
    path: '/v1/access/roles/{name}',
    summary: 'Change what a role of your own holds; its keys hold it at once',
    params: v.object({ name: v.string() }),
    body: v.pipe(v.object(RoleFields), v.title('RoleChange')),
    response: RoleObject,
    handler: (call) => saveRole(services, call, 'ChangeRole', { ...call.body, name: call.params.name }),
  }),
  route({
    ...common,
    method: 'delete',
    path: '/v1/access/roles/{name}',
    summary: 'Delete a role of your own that no key has',
    params: v.object({ name: v.string() }),
    status: 204,
    handler: (call) => carryOut(services, call, { type: 'DeleteRole', name: call.params.name }),
  }),
]
