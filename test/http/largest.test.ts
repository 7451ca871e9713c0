// Every route of the table under the largest body that it takes: checking it takes a bounded multiple of reading it.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { commandRoutes } from '../../commands/index.ts'
import { queryRoutes } from '../../queries/index.ts'
import { DEFAULT_BODY_LIMIT } from '../../src/http/body.ts'
import { checkerOf } from '../../src/http/route.ts'
import { shapeOf } from '../../src/http/shape.ts'
import type { Services } from '../../src/services.ts'
import { isSoak } from '../soak.ts'

/** Routes look at their services when they are called, not when they are declared. */
const services = new Proxy({} as Services, {
  get: (_, name) => (['rulebook', 'readModel', 'projector', 'store'].includes(String(name)) ? {} : () => undefined),
})

/** By default a part of it: what takes more than in proportion shows at this size, too. */
const BYTES = isSoak ? DEFAULT_BODY_LIMIT : 32 * 1024
/** How many times as long as reading it checking a body may take: room for a machine that does other things. */
const MOST = 60

const many = <T>(bytesEach: number, make: (i: number) => T): T[] =>
  Array.from({ length: Math.floor(BYTES / bytesEach) }, (_, i) => make(i))
const record = (bytesEach: number, value: unknown) =>
  Object.fromEntries(many(bytesEach, (i) => [`k${String(i).padStart(6, '0')}`, value]))

/** What a field, or a body, may be filled with: most of it is none that any field takes. */
const FILLINGS: Readonly<Record<string, unknown>> = {
  numbers: many(2, () => 0),
  texts: many(6, () => 'abc'),
  'empty objects': many(3, () => ({})),
  'objects of unknown names': many(24, (i) => ({ [`name${i}`]: 1, id: 'x' })),
  'a record': record(12, 1),
  'a record of objects': record(16, {}),
  'a long text': 'x'.repeat(BYTES - 100),
  'a long text of numbers': '1'.repeat(BYTES - 100),
}

const cpu = (work: () => unknown): number => {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** A body that takes too long each time is one too many. */
const TRIES = 8

test('checking the largest body takes a bounded multiple of reading it', () => {
  const reading = new Map(
    Object.entries(FILLINGS).map(([name, filling]) => {
      const text = JSON.stringify({ filling })
      return [name, Math.max(400, Math.min(...[1, 2, 3].map(() => cpu(() => JSON.parse(text)))))]
    }),
  )
  const schemas = new Map(
    [...commandRoutes(services), ...queryRoutes(services)].flatMap((route) =>
      route.body ? [[route.body, `${route.method} ${route.path}`] as const] : [],
    ),
  )
  assert.ok(schemas.size > 40)
  const slow: string[] = []
  let checked = 0
  for (const [schema, route] of schemas) {
    const check = checkerOf(schema)
    const shape = shapeOf(schema)
    const known = shape.kind === 'fields' ? [...shape.known.keys()] : []
    for (const [name, filling] of Object.entries(FILLINGS)) {
      // All fields are given the same, which is one body after the other in one go: what is measured is divided by them.
      const bodies = [
        ...known.map((field) => ({ [field]: filling })),
        ...(typeof filling === 'object' ? [filling] : []),
      ]
      for (const body of bodies) {
        checked++
        const most = MOST * reading.get(name)!
        // Again before it counts: the first time is that of a cold program, and now and then garbage is collected.
        if (Array.from({ length: TRIES }).every(() => cpu(() => check(body)) > most))
          slow.push(`${route} ${Object.keys(body as object)[0]?.slice(0, 40)}: ${name}`)
      }
    }
  }
  assert.ok(checked > 1_000)
  assert.equal(slow, [])
})

test.run()
