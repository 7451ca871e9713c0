// Who is signed in: what the pages offer follows from the role, what is allowed is decided by the API.
import { signal } from '@preact/signals'
import { type ApiError, send, sessionEnded, useCsrf } from './api.ts'

export interface Session {
  readonly name: string
  readonly role: 'admin' | 'integrator' | 'reader' | 'auditor'
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

export const signOut = async (): Promise<void> => {
  await send({ method: 'DELETE', path: '/console/session' })
  session.value = null
}

const role = () => session.value?.role
/** May change what the shop has: customers, definitions, codes. */
export const mayWrite = (): boolean => role() === 'admin' || role() === 'integrator'
export const isAdmin = (): boolean => role() === 'admin'
export const mayAudit = (): boolean => role() === 'admin' || role() === 'auditor'
