// The endpoints of routes: one for each path, checked against each other and in the order in which they are tried.
import { type DeliveredRole, holds, type Permission, ROLES } from '../domain/access/permissions.ts'
import { mayUse } from './auth.ts'
import { DEFAULT_BODY_LIMIT, MAX_NESTING } from './body.ts'
import { type Audience, audienceOf, type Route, recordsFacts } from './route.ts'

/** One path of one route, with all that can be known before the first request. */
export interface Endpoint {
  readonly route: Route
  readonly path: string
  readonly audience: Audience
  readonly method: string
  /** What a key must hold, all of it; none on a public path. */
  readonly permissions: readonly Permission[]
  readonly bodyLimit: number
  readonly bodyNesting: number
  readonly takesParams: boolean
  /** A request may lead to facts. */
  readonly records: boolean
}

export const PARAMETER = /\{([^{}/]+)\}/g

const parameterNames = (path: string): readonly string[] => [...path.matchAll(PARAMETER)].map((match) => match[1]!)

/** What a key must hold to call a route by one of its paths. */
export const permissionsOf = ({ permission }: Pick<Route, 'permission'>, path: string): readonly Permission[] => {
  if (permission === undefined) return []
  return audienceOf(path) === 'management' ? [permission, 'management.use'] : [permission]
}

/** The delivered roles that may call a route by one of its paths; none for a public path, which needs no key. */
export const rolesFor = (route: Pick<Route, 'permission'>, path: string): readonly DeliveredRole[] => {
  const audience = audienceOf(path)
  const permissions = permissionsOf(route, path)
  return audience === 'public' ? [] : ROLES.filter((role) => mayUse({ role }, audience, permissions))
}

const endpointsOf = (route: Route): readonly Endpoint[] => {
  const fail = (path: string, why: string): never => {
    throw new Error(`Route ${route.method.toUpperCase()} ${path}: ${why}`)
  }
  const wanted = parameterNames(route.path)
  return [route.path, ...(route.also ?? [])].map((path) => {
    const audience = audienceOf(path)
    const names = parameterNames(path)
    const permissions = permissionsOf(route, path)
    if (audience !== 'public' && permissions.length === 0) fail(path, 'needs a permission')
    if (audience === 'public' && permissions.length > 0) fail(path, 'a public path needs no permission')
    if (audience === 'client' && !permissions.every((one) => holds({ role: 'client' }, one)))
      fail(path, 'the role client does not hold its permission')
    if (audience === 'client' && route.ability === undefined) fail(path, 'a client path needs an ability')
    const missing = wanted.find((name) => !names.includes(name))
    if (missing !== undefined) fail(path, `lacks the parameter {${missing}} of ${route.path}`)
    return {
      route,
      path,
      audience,
      method: route.method.toUpperCase(),
      permissions,
      bodyLimit: route.bodyLimit ?? DEFAULT_BODY_LIMIT,
      bodyNesting: route.bodyNesting ?? MAX_NESTING,
      takesParams: names.length > 0,
      records: recordsFacts(route),
    }
  })
}

/** `001` for `/v1/{id}`: one digit a segment. */
const generality = (path: string): string =>
  path
    .split('/')
    .map((segment) => (segment.startsWith('{') ? 1 : 0))
    .join('')

/** Static segments before parameters, so that `/v1/events/rejected` never reads as `/v1/events/{id}`. A total order. */
export const bySpecificity = (a: Pick<Endpoint, 'path'>, b: Pick<Endpoint, 'path'>): number => {
  const [left, right] = [generality(a.path), generality(b.path)]
  return left < right ? -1 : left > right ? 1 : 0
}

/** All endpoints of these routes. Throws when two routes claim one path. */
export const checkedEndpoints = (routes: readonly Route[]): readonly Endpoint[] => {
  const endpoints = routes.flatMap(endpointsOf)
  const seen = new Set<string>()
  for (const { method, path } of endpoints) {
    const shape = `${method} ${path.replace(PARAMETER, '{}')}`
    if (seen.has(shape)) throw new Error(`Route ${method} ${path} is declared twice`)
    seen.add(shape)
  }
  return endpoints
}
