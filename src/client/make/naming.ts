// What the client's methods are called: the words of a path one after the other, then what is done.
import type { ApiDocument, DocumentedOperation, Schema } from './declarations.ts'

export interface Named {
  /** `GET /v1/customers/{id}`. */
  readonly operation: string
  /** `['customers', 'get']`. */
  readonly name: readonly string[]
  readonly hasBody: boolean
  readonly summary: string
}

const PARAMETER = /^\{(.+)\}$/
const wordsOf = (path: string): readonly string[] =>
  path.split('/').filter((part) => part !== '' && !PARAMETER.test(part))
const camel = (word: string): string => word.replaceAll(/[-_](.)/g, (_, next: string) => next.toUpperCase())
const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)
const parametersOf = (path: string): readonly string[] => [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name!)

const answerOf = (document: ApiDocument, { responses }: DocumentedOperation): Schema => {
  const content = Object.values(responses)[0]?.content
  const schema = Object.values(content ?? {})[0]?.schema ?? {}
  return schema.$ref === undefined ? schema : (document.components.schemas[schema.$ref.split('/').at(-1)!] ?? {})
}

const isList = (document: ApiDocument, operation: DocumentedOperation): boolean =>
  answerOf(document, operation).properties?.object?.const === 'list'

/** The verb for what an operation does, and whether the last word of its path is that verb already. */
const verbOf = (
  document: ApiDocument,
  prefix: string,
  method: string,
  path: string,
): { readonly verb: string; readonly isLastWord: boolean } => {
  const operation = document.paths[path]![method]!
  const last = path.split('/').at(-1)!
  const endsInParameter = PARAMETER.test(last)
  // A collection of its own, such as `validations`; `publish` and `redeem` are what is done.
  const isAlone = wordsOf(path).length === wordsOf(prefix).length + 1 && last.endsWith('s')
  const others = Object.entries(document.paths).filter(([one]) => one.startsWith(`${path}/`))
  const hasMore = others.length > 0 || Object.keys(document.paths[path]!).length > 1
  if (method === 'put') return { verb: 'update', isLastWord: false }
  if (method === 'delete') return { verb: 'delete', isLastWord: false }
  if (method === 'get') {
    if (isList(document, operation)) return { verb: 'list', isLastWord: false }
    if (endsInParameter) return { verb: 'get', isLastWord: false }
    return isAlone || hasMore ? { verb: 'get', isLastWord: false } : { verb: camel(last), isLastWord: true }
  }
  if (endsInParameter) return { verb: `createWith${capital(camel(PARAMETER.exec(last)![1]!))}`, isLastWord: false }
  return isAlone || hasMore ? { verb: 'create', isLastWord: false } : { verb: camel(last), isLastWord: true }
}

/** `InCampaign` for `{campaignId}`: what tells a longer path from a shorter one that does the same; `One` for its own id. */
const within = (longer: string, shorter: string): string => {
  const extra = parametersOf(longer).filter((name) => !parametersOf(shorter).includes(name))
  return extra.join() === 'id' ? 'One' : `In${extra.map((name) => capital(camel(name.replace(/Id$/, '')))).join('')}`
}

/**
 * A name for every operation below `prefix`. Where two paths would be called the same, the one with fewer parameters is, and the
 * other says where it looks. Throws when a name is still taken, or is that of a group of others.
 */
export const namesOf = (document: ApiDocument, prefix: string): readonly Named[] => {
  const found = new Map<string, Named & { readonly path: string }>()
  const paths = Object.keys(document.paths)
    .filter((path) => path.startsWith(prefix))
    .toSorted((a, b) => parametersOf(a).length - parametersOf(b).length || (a < b ? -1 : 1))
  for (const path of paths)
    for (const [method, operation] of Object.entries(document.paths[path]!)) {
      const { verb, isLastWord } = verbOf(document, prefix, method, path)
      const words = wordsOf(path.slice(prefix.length)).map(camel)
      const group = isLastWord ? words.slice(0, -1) : words
      const taken = found.get([...group, verb].join('.'))
      const name = [...group, taken === undefined ? verb : `${verb}${within(path, taken.path)}`]
      const key = name.join('.')
      if (found.has(key))
        throw new Error(`${method} ${path} would be called ${key}, as is ${found.get(key)!.operation}`)
      found.set(key, {
        operation: `${method.toUpperCase()} ${path}`,
        name,
        hasBody: operation.requestBody !== undefined,
        summary: operation.summary,
        path,
      })
    }
  for (const [key, { operation }] of found)
    if ([...found.keys()].some((other) => other.startsWith(`${key}.`)))
      throw new Error(`${operation}: ${key} is a group`)
  return [...found.values()]
}
