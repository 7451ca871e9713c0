// People who sign in to the console, as administrators manage them: invite, change, end sessions, remove.
import * as v from 'valibot'
import { contextOf } from '../src/api/context.ts'
import { showUser, UserObject } from '../src/api/presenters/users.ts'
import { type Failure, fail, isFailure, notFound } from '../src/http/errors.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import type { Linked } from '../src/signIn/users.ts'
import { type Asked, carryOut, NO_STORE, roleFault, text } from './access.ts'

const role = text(100)
const UserBody = v.pipe(
  v.object({
    email: v.pipe(v.string(), v.trim(), v.email('must be an e-mail address'), v.maxLength(254)),
    name: v.optional(text(200)),
    role,
  }),
  v.title('AccessUserRequest'),
)
const UserChange = v.pipe(
  v.object({
    /** null takes it away. */
    name: v.optional(v.nullable(text(200))),
    role: v.optional(role),
    /** Ends the user's sessions, and signs in no more until it is false again. */
    is_disabled: v.optional(v.boolean()),
  }),
  v.title('AccessUserChange'),
)
const WithLink = v.pipe(
  v.object({
    ...UserObject.entries,
    /** The address at which the password is set, once; null when it was mailed to the user. */
    link: v.nullable(v.string()),
  }),
  v.title('AccessUserWithLink'),
)

const told = (linked: Linked | Failure, status: number): Outcome => {
  if (isFailure(linked)) return linked
  const { user, link, position } = linked
  return {
    status,
    body: { ...showUser(user), link: link ?? null },
    headers: NO_STORE,
    consistencyToken: position,
  }
}

/** Nobody changes or shuts out a user who may do more than they may: it would be a way to sign in as that user, or to be left alone. */
const aboveFault = (services: Services, call: Asked, id: string): Failure | undefined => {
  const user = services.access.current().users.get(id)
  return user ? roleFault(services, call, user.role) : notFound('access_user', id)
}

const isOneself = ({ key }: Asked, id: string): boolean => key.appId === `user:${id}`

const invite = async (services: Services, call: Call<v.InferOutput<typeof UserBody>>): Promise<Outcome> => {
  const { email, name, role } = call.body
  const fault = roleFault(services, call, role)
  if (fault) return fault
  const user = { email, name, role }
  return told(await services.users.invite(user, contextOf(call, services)), 201)
}

type OfUser<Body = unknown> = Call<Body, undefined, { readonly id: string }>

const change = async (services: Services, call: OfUser<v.InferOutput<typeof UserChange>>): Promise<Outcome> => {
  const { id } = call.params
  const { name, role, is_disabled: isDisabled } = call.body
  const fault = aboveFault(services, call, id) ?? (role === undefined ? undefined : roleFault(services, call, role))
  if (fault) return fault
  if (isOneself(call, id) && (isDisabled || role !== undefined))
    return fail('resource_protected', 'You can neither disable yourself nor change your own role')
  const command = { type: 'ChangeUser', id, name, role, isDisabled } as const
  const { refusal, position, state } = await services.access.execute(command, contextOf(call, services))
  if (refusal) return { refused: refusal }
  const user = state.users.get(id)
  if (!user) return notFound('access_user', id)
  return { body: showUser(user), consistencyToken: position }
}

const remove = async (services: Services, call: OfUser): Promise<Outcome> => {
  const { id } = call.params
  const known = services.access.current().users.has(id)
  const fault = known ? aboveFault(services, call, id) : undefined
  if (fault) return fault
  if (isOneself(call, id)) return fail('resource_protected', 'You cannot remove yourself')
  const removed = await services.users.remove(id, contextOf(call, services))
  if ('refused' in removed) return removed
  return { status: 204, consistencyToken: removed.position }
}

const common = { tag: 'Access', permission: 'access.manage' } as const
const params = v.object({ id: v.string() })

export const userCommands = (services: Services) => [
  route({
    ...common,
    method: 'post',
    path: '/v1/access/users',
    summary: 'Invite somebody to the console',
    description:
      'The user gets a link by mail that sets a password once, within seven days. Without a mail server the link is in this answer ' +
      'only, for you to hand on. Nobody gives a role more than one holds oneself.',
    status: 201,
    body: UserBody,
    response: WithLink,
    tellsSecret: true,
    handler: (call) => invite(services, call),
  }),
  route({
    ...common,
    method: 'put',
    path: '/v1/access/users/{id}',
    summary: 'Change a user’s name or role, or disable the user; it holds at once',
    params,
    body: UserChange,
    response: v.pipe(UserObject, v.title('AccessUser')),
    handler: (call) => change(services, call),
  }),
  route({
    ...common,
    method: 'post',
    path: '/v1/access/users/{id}/link',
    summary: 'Make a new link that sets the user’s password',
    description:
      'For who lost the invitation or the password. The link before is void; mailed or answered as an invitation is.',
    params,
    response: WithLink,
    tellsSecret: true,
    handler: async (call) =>
      aboveFault(services, call, call.params.id) ??
      told(await services.users.makeLink(call.params.id, contextOf(call, services)), 200),
  }),
  route({
    ...common,
    method: 'post',
    path: '/v1/access/users/{id}/sign-out',
    summary: 'End all sessions of a user',
    params,
    status: 204,
    handler: (call) =>
      aboveFault(services, call, call.params.id) ??
      carryOut(services, call, { type: 'SignOutUser', id: call.params.id }),
  }),
  route({
    ...common,
    method: 'delete',
    path: '/v1/access/users/{id}',
    summary: 'Remove a user',
    description:
      'Ends all sessions, and destroys the key of the user’s address, name and password in the log. The access log goes on naming ' +
      'who did what by the user’s id.',
    params,
    status: 204,
    handler: (call) => remove(services, call),
  }),
]
