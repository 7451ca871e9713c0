// Who is signed in: what the pages offer follows from the role, what is allowed is decided by the API.
import { signal } from '@preact/signals'
import { type ApiError, send, sessionEnded, useCsrf } from './api.ts'

export interface Session {
  readonly name: string
  /** Null where an API key or a link of the start signed in. */
  readonly user_id: string | null
  readonly role: string
  readonly permissions: readonly string[]
  readonly csrf_token: string
  readonly expires_at: string
  readonly project: { readonly id: string; readonly time_zone: string }
  readonly settings: Readonly<Record<string, unknown>>
}

/** Undefined: not known yet; null: nobody. */
export const session = signal<Session | null | undefined>(undefined)
export const startError = signal<ApiError | undefined>(undefined)

const begin = (one: Session): void => {
  useCsrf(one.csrf_token)
  sessionEnded.value = false
  session.value = one
}

/** Asks who is signed in. */
export const findSession = async (): Promise<void> => {
  try {
    begin(await send<Session>({ method: 'GET', path: '/console/session' }))
    startError.value = undefined
  } catch (error) {
    const { status } = error as ApiError
    if (status === 401) session.value = null
    else startError.value = error as ApiError
  }
}

export const signIn = async (body: Readonly<Record<string, string>>): Promise<void> =>
  begin(await send<Session>({ method: 'POST', path: '/console/session', body }))

/** Sets a password by a link, which signs in. */
export const setPassword = async (link: string, password: string): Promise<void> =>
  begin(await send<Session>({ method: 'POST', path: '/console/password', body: { link, password } }))

export const changePassword = async (current: string, password: string): Promise<void> =>
  begin(await send<Session>({ method: 'POST', path: '/console/password/change', body: { current, password } }))

export const signOut = async (): Promise<void> => {
  await send({ method: 'DELETE', path: '/console/session' })
  session.value = null
}

export const signOutEverywhere = async (): Promise<void> => {
  await send({ method: 'POST', path: '/console/sessions/end', body: {} })
  session.value = null
}

/** Whether who is signed in holds a permission, by its name in the API's document. */
export const may = (permission: string): boolean => session.value?.permissions.includes(permission) ?? false
/** May change what the shop has: definitions, codes, and what goes with them. */
export const mayWrite = (): boolean => may('definitions.write')
/** May erase a person for good. */
export const mayErase = (): boolean => may('customers.erase')
export const isAdmin = (): boolean => may('projections.manage')
export const mayAudit = (): boolean => may('audit.read')
export const mayManageAccess = (): boolean => may('access.manage')
