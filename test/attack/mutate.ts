// Requests that are almost right: a valid body with one place of it replaced by something that programs stumble over.

export const pick = <T>(random: () => number, list: readonly T[]): T => list[Math.floor(random() * list.length)]!

const deep = (levels: number): unknown => {
  let value: unknown = 1
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? { a: value } : [value]
  return value
}

/** Values of every type and at every edge that a layer below might read as something of its own. */
export const NASTY: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  1.5,
  1e308,
  -1e308,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
  2 ** 53,
  2 ** 63,
  '',
  ' ',
  '0',
  '-1',
  'NaN',
  'null',
  'undefined',
  '\u0000',
  'a\u0000b',
  '\u007f',
  '\ud800',
  '\u202e',
  'é',
  'e\u0301',
  '😀'.repeat(50),
  'x'.repeat(301),
  'x'.repeat(1_001),
  'x'.repeat(70_000),
  '__proto__',
  'constructor',
  '$where',
  '$$ROOT',
  'a.b',
  '../../etc/passwd',
  '%00',
  '%',
  '{{ x }}',
  '{% for i in (1..1000000000) %}x{% endfor %}',
  '<script>alert(1)</script>',
  'a@b.c\r\nBcc: d@e.f',
  '2026-02-30',
  '2026-13-01T00:00:00Z',
  '9999-12-31T23:59:59Z',
  '0000-01-01',
  'P1000Y',
  'PT-1S',
  'http://169.254.169.254/',
  'http://[::ffff:127.0.0.1]/',
  'file:///etc/passwd',
  [],
  [[]],
  [null],
  {},
  { $gt: '' },
  { $oid: '000000000000000000000000' },
  { $numberLong: '1' },
  { _bsontype: 'ObjectId' },
  { _bsontype: 'Long', low: 1, high: 1 },
  { toString: 1 },
  { toJSON: 'x' },
  { toBSON: 'x' },
  { length: 1e9 },
  { constructor: { prototype: {} } },
  JSON.parse('{"__proto__": {"admin": true}}'),
  { '': 1 },
  { 'a.b': 1 },
  { $set: { a: 1 } },
  JSON.parse('{"then": 1}'),
  Array.from({ length: 1_001 }, (_, i) => i),
  Object.fromEntries(Array.from({ length: 2_001 }, (_, i) => [`k${i}`, i])),
  deep(19),
  deep(60),
]

const KEYS = [
  '__proto__',
  'constructor',
  '_bsontype',
  '$set',
  'a.b',
  '',
  'id',
  'object',
  'metadata',
  'x'.repeat(400),
  'a\u0000b',
  'é',
]

type Path = readonly (string | number)[]

/** Every place in a value, itself included. */
const placesIn = (value: unknown, at: Path = []): readonly Path[] =>
  typeof value !== 'object' || value === null
    ? [at]
    : [
        at,
        ...Object.entries(value).flatMap(([name, inner]) =>
          placesIn(inner, [...at, Array.isArray(value) ? Number(name) : name]),
        ),
      ]

/** The value with what stands at a place changed; undefined takes it away. */
const changed = (value: unknown, path: Path, change: (old: unknown) => unknown): unknown => {
  const [first, ...rest] = path
  if (first === undefined) return change(value)
  if (Array.isArray(value)) return value.map((inner, i) => (i === first ? changed(inner, rest, change) : inner))
  const entries = Object.entries(value as object).flatMap(([name, inner]): [string, unknown][] => {
    if (name !== first) return [[name, inner]]
    const after = changed(inner, rest, change)
    return after === undefined ? [] : [[name, after]]
  })
  // Not an object literal: `__proto__` is a key like any other.
  const made: Record<string, unknown> = Object.create(null)
  for (const [name, inner] of entries) made[name] = inner
  return made
}

const withKey = (old: unknown, key: string, value: unknown): unknown => {
  if (typeof old !== 'object' || old === null || Array.isArray(old)) return { [key]: value }
  const made: Record<string, unknown> = Object.create(null)
  for (const [name, inner] of Object.entries(old)) made[name] = inner
  Object.defineProperty(made, key, { value, enumerable: true, configurable: true, writable: true })
  return made
}

/** A body with one place changed. */
export const mutate = (body: unknown, random: () => number): unknown => {
  const place = pick(random, placesIn(body))
  const kind = random()
  if (kind < 0.6) return changed(body, place, () => pick(random, NASTY))
  if (kind < 0.75) return changed(body, place, (old) => withKey(old, pick(random, KEYS), pick(random, NASTY)))
  if (kind < 0.85) return changed(body, place, () => undefined) ?? {}
  if (kind < 0.95) return changed(body, place, (old) => [old, old])
  return changed(body, place, (old) => ({ wrapped: old }))
}

/** A text for a path or a query: a name of something that is there, or something nasty. */
export const word = (random: () => number, known: readonly string[]): string => {
  if (known.length > 0 && random() < 0.7) return pick(random, known)
  const value = pick(random, NASTY)
  return typeof value === 'string' ? value : JSON.stringify(value).slice(0, 2_000)
}
