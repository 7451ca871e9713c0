// The endpoints of routes: one for each path, checked against each other and in the order in which they are tried.
import type { Role } from '../keys.ts'
import { AUDIENCE_ROLES } from './auth.ts'
import { DEFAULT_BODY_LIMIT, MAX_NESTING } from './body.ts'
import { type Audience, audienceOf, type Route, recordsFacts } from './route.ts'

/** One path of one route, with all that can be known before the first request. */
export interface Endpoint {
  readonly route: Route
  readonly path: string
  readonly audience: Audience
  readonly method: string
  readonly roles: ReadonlySet<Role>
  readonly bodyLimit: number
  readonly bodyNesting: number
  readonly takesParams: boolean
  /** A request may lead to facts. */
  readonly records: boolean
}

export const PARAMETER = /\{([^{}/]+)\}/g

const parameterNames = (path: string): readonly string[] => [...path.matchAll(PARAMETER)].map((match) => match[1]!)

const endpointsOf = (route: Route): readonly Endpoint[] => {
  const fail = (path: string, why: string): never => {
    throw new Error(`Route ${route.method.toUpperCase()} ${path}: ${why}`)
  }
  const wanted = parameterNames(route.path)
  return [route.path, ...(route.also ?? [])].map((path) => {
    const audience = audienceOf(path)
    const names = parameterNames(path)
    const roles = route.roles.filter((role) => AUDIENCE_ROLES[audience].includes(role))
    if (audience !== 'public' && roles.length === 0) fail(path, `none of its roles may use a ${audience} path`)
    if (audience === 'public' && route.roles.length > 0) fail(path, 'a public path has no roles')
    if (audience === 'client' && route.ability === undefined) fail(path, 'a client path needs an ability')
    const missing = wanted.find((name) => !names.includes(name))
    if (missing !== undefined) fail(path, `lacks the parameter {${missing}} of ${route.path}`)
    return {
      route,
      path,
      audience,
      method: route.method.toUpperCase(),
      roles: new Set(roles),
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
