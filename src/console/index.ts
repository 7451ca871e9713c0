// The console of a node: its sessions, routes and pages, and the address at which it is entered.
import { type Config, settingsShown } from '../config.ts'
import type { AppDeps } from '../http/app.ts'
import { ofPrimary, type Route } from '../http/route.ts'
import { createSessions, createSignInLinks } from '../http/sessions.ts'
import type { SharedEnds } from '../http/tokens.ts'
import type { KeyRing } from '../keys.ts'
import type { ReadModel } from '../readmodel/index.ts'
import type { Access } from '../runtime/access.ts'
import type { OpenId } from '../signIn/openId.ts'
import type { Users } from '../signIn/users.ts'
import { consolePages } from './assets.ts'
import { consoleRoutes } from './routes.ts'

/** How to get to the console of a node that listens at an address. */
export interface ConsoleEntry {
  readonly address: string
  /** An address that signs in once, as an admin. */
  signInAddress(): string
}

export interface Console {
  readonly routes: readonly Route[]
  /** What the application takes beside them. */
  readonly app: Pick<AppDeps, 'sessions' | 'consolePages'>
  entry(url: string): ConsoleEntry
}

export interface ConsoleOptions {
  readonly config: Config
  readonly readModel: Pick<ReadModel, 'plain' | 'prepare'>
  readonly keys: KeyRing
  readonly access: Pick<Access, 'userOf' | 'noteUse'>
  readonly users: Users
  readonly openId: OpenId | undefined
  readonly project: () => { readonly id: string; readonly timeZone: string } | undefined
  /** Unix milliseconds. */
  readonly now: () => number
  readonly ends?: SharedEnds | undefined
}

/** Undefined where the settings say that there is none. */
export const createConsole = (options: ConsoleOptions): Console | undefined => {
  const { config, readModel, keys, access, users, openId, project, now, ends } = options
  if (!config.showsConsole) return undefined
  const sessions = createSessions({ readModel, keys, users: access, limits: config.sessions, now, ends })
  const links = createSignInLinks(now)
  const routes = consoleRoutes({
    sessions,
    links,
    keys,
    users,
    openId,
    project: () => project() ?? { id: config.projectId, timeZone: config.projectTimeZone },
    settings: settingsShown(config),
    proxies: config.proxies,
    publicUrl: config.publicUrl,
  })
  return {
    // It made the links that sign in once.
    routes: ofPrimary(routes),
    app: { sessions, consolePages: consolePages() },
    entry: (url) => ({
      address: `${url}/console`,
      signInAddress: () => `${url}/console/sign-in#${links.make({ name: 'one-time link', role: 'admin' })}`,
    }),
  }
}
