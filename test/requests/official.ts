// What the public contract says of each operation's answer, and where an answer differs from it.
import { readFileSync } from 'node:fs'

interface Place {
  /** One for each form that the place may have. */
  readonly forms: readonly Form[]
  readonly inner: ReadonlyMap<string, number>
}

interface Form {
  readonly type: string
  readonly values: readonly string[] | undefined
  readonly format: 'date' | 'date-time' | undefined
  readonly isAlways: boolean
  readonly mayBeNull: boolean
}

const formOf = (text: string): Form => {
  const [, type = '', values, rest = ''] = /^([a-z]+)(?:\(([^)]*)\))?(.*)$/.exec(text.trim()) ?? []
  const [, format] = /:(date(?:-time)?)/.exec(rest) ?? []
  return {
    type,
    values: values?.split(','),
    format: format as Form['format'],
    isAlways: rest.includes('!'),
    mayBeNull: rest.includes('|null'),
  }
}

const readContract = () => {
  const places: Place[] = []
  const operations: { readonly method: string; readonly path: string; readonly place: number }[] = []
  for (const line of readFileSync(new URL('../data/contract-answers.txt', import.meta.url), 'utf8').split('\n')) {
    const [, , forms = '', inner] = /^#(\d+) ([^{]*)(?:\{(.*)\})?$/.exec(line) ?? []
    if (forms !== '')
      places.push({
        forms: forms.split(' / ').map(formOf),
        inner: new Map(
          inner?.split(' ').map((one) => {
            const at = one.lastIndexOf(':')
            return [one.slice(0, at), Number(one.slice(at + 1))] as const
          }),
        ),
      })
    const [, method, path = '', place] = /^([A-Z]+) (\/\S*) #(\d+)$/.exec(line) ?? []
    if (method) operations.push({ method, path, place: Number(place) })
  }
  return { places, operations }
}

const { places, operations } = readContract()

/** The operations that the contract describes the answers of. */
export const DESCRIBED: readonly { readonly method: string; readonly path: string }[] = operations

const literals = (path: string): number => path.split('/').filter((segment) => !segment.startsWith('{')).length

/** The contract's operation of an address, as `GET /v1/orders/{orderId}`; undefined where the contract has none. */
export const officialOf = (method: string, address: string): string | undefined => {
  const sent = address.replace(/\?.*$/, '').split('/')
  const [found] = operations
    .filter((one) => {
      const segments = one.path.split('/')
      return (
        one.method === method &&
        segments.length === sent.length &&
        segments.every((segment, i) => segment === sent[i] || segment.startsWith('{'))
      )
    })
    .sort((a, b) => literals(b.path) - literals(a.path))
  return found && `${found.method} ${found.path}`
}

const typeOf = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'array'
      : Number.isInteger(value)
        ? 'integer'
        : typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number'
          ? typeof value
          : 'object'

const FORMATS = {
  date: /^\d{4}-\d\d-\d\d$/,
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/,
} as const

const fits = ({ type, values, format, mayBeNull }: Form, value: unknown): boolean => {
  const is = typeOf(value)
  if (is === 'null') return mayBeNull || type === 'null'
  if (type !== is && !(type === 'number' && is === 'integer') && type !== 'any' && type !== '') return false
  if (format !== undefined && is === 'string' && !FORMATS[format].test(String(value))) return false
  return values === undefined || is === 'array' || is === 'object' || values.includes(String(value))
}

/** Whether a place of one of several forms of an object is there in all of them. */
const isNeeded = (place: Place, forms: number): boolean =>
  place.forms.length >= forms && place.forms.every(({ isAlways }) => isAlways)

const differences = (at: number, value: unknown, path: string, found: string[]): void => {
  const place = places[at]!
  if (!place.forms.some((form) => fits(form, value))) {
    const wanted = place.forms.map(
      ({ type, values, mayBeNull }) => `${type}${values ? `(${values})` : ''}${mayBeNull ? '|null' : ''}`,
    )
    found.push(`${path} is ${typeOf(value)} ${typeOf(value) === 'string' ? value : ''}, not ${wanted.join(' / ')}`)
    return
  }
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    const item = place.inner.get('[]')
    if (item !== undefined) for (const one of value) differences(item, one, `${path}[]`, found)
    return
  }
  const any = place.inner.get('*')
  const forms = Math.max(1, ...[...place.inner.values()].map((one) => places[one]!.forms.length))
  for (const [name, inner] of place.inner) {
    if (name === '[]' || name === '*') continue
    const one: unknown = (value as Readonly<Record<string, unknown>>)[name]
    if (one !== undefined) differences(inner, one, `${path}.${name}`, found)
    else if (isNeeded(places[inner]!, forms)) found.push(`${path}.${name} is missing`)
  }
  if (any !== undefined)
    for (const [name, one] of Object.entries(value))
      if (!place.inner.has(name)) differences(any, one, `${path}.*`, found)
}

/** Where an answer of one of the contract's operations differs from what the contract says: each place once, in words. */
export const differencesFrom = (operation: string, answer: unknown): readonly string[] => {
  const found: string[] = []
  const [method, path] = operation.split(' ')
  const described = operations.find((one) => one.method === method && one.path === path)
  if (described) differences(described.place, answer, '', found)
  return [...new Set(found)]
}
