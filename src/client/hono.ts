// The API as a type for `hono/client`: its routes are declared as data, so the type is made of the API document.
import type { Hono } from 'hono'
import type { OperationName } from './client.ts'
import type { Operations } from './operations.gen.ts'

type MethodOf<O> = O extends `${infer M} ${string}` ? M : never
type PathOf<O> = O extends `${string} ${infer P}` ? P : never
/** `/v1/customers/:id` for `/v1/customers/{id}`. */
type HonoPath<P extends string> = P extends `${infer A}{${infer N}}${infer Rest}` ? `${A}:${N}${HonoPath<Rest>}` : P
type NamesIn<P extends string> = P extends `${string}{${infer N}}${infer Rest}` ? N | NamesIn<Rest> : never

/** `hono/client` sends texts only, and nothing that is nested. */
type Texts<Q> = {
  [K in keyof Q as NonNullable<Q[K]> extends object ? never : K]: NonNullable<Q[K]> extends string
    ? Q[K]
    : string | Extract<Q[K], undefined>
}

type InputOf<O extends OperationName> = ([NamesIn<O>] extends [never]
  ? unknown
  : { param: { [N in NamesIn<O>]: string } }) &
  (keyof Operations[O]['query'] extends never ? unknown : { query: Texts<Operations[O]['query']> }) &
  (Operations[O]['body'] extends undefined ? unknown : { json: Operations[O]['body'] })

type EndpointOf<O extends OperationName> = {
  input: InputOf<O>
  output: Operations[O]['answer']
  outputFormat: 'json'
  status: 200
}

type SchemaOf = {
  [P in PathOf<OperationName> as HonoPath<P>]: {
    [M in MethodOf<Extract<OperationName, `${string} ${P}`>> as `$${Lowercase<M>}`]: EndpointOf<
      Extract<`${M} ${P}`, OperationName>
    >
  }
}

/** For `hc<TributaryApp>(url, { headers })`. */
export type TributaryApp = Hono<Record<never, never>, SchemaOf, '/'>
