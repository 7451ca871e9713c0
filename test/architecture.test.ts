// The shape of the code base, read from its imports: a pure core, one importer for each driver, routes that reach databases
// only through the edges.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const root = resolve(new URL('..', import.meta.url).pathname)

interface Module {
  readonly path: string
  readonly text: string
  /** Packages by name, modules of ours by path from the root. */
  readonly imports: readonly string[]
  /** Those of them that are there when the program runs: types are not. */
  readonly values: readonly string[]
}

const modules: readonly Module[] = ['src', 'commands', 'queries', 'projections']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  )
  .filter((path) => path.endsWith('.ts') && !path.includes('/dist/'))
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    const named = [
      ...text.matchAll(/(?:^|\n)(?:import|export)[^'"\n]*(?:\n[^'"]*?)?from\s+'([^']+)'|import\('([^']+)'\)/g),
    ]
    const nameIn = (m: RegExpExecArray) => {
      const name = m[1] ?? m[2] ?? ''
      return name.startsWith('.') ? relative(root, resolve(root, dirname(path), name)) : name
    }
    const values = named.filter(
      ([statement, from]) => from !== undefined && !/^\s*(?:import|export) type\b/.test(statement),
    )
    return { path, text, imports: named.map(nameIn), values: values.map(nameIn) }
  })

const inFolder = (...folders: readonly string[]) =>
  modules.filter(({ path }) => folders.some((f) => path.startsWith(`${f}/`)))
const isPackage = (name: string, packages: readonly string[]) =>
  packages.some((p) => name === p || name.startsWith(`${p}/`))

test('modules are found at all', () => {
  assert.ok(modules.length > 50)
  assert.ok(modules.some(({ imports }) => imports.includes('src/domain/ids.ts')))
})

/** How facts show is pure too: read models keep it. */
const PURE = ['src/domain', 'projections', 'src/api/presenters/facts']

test('the domain, the projections and what they keep of an answer import nothing that acts', () => {
  /** Of Node only hashing, which is a pure function of its input. */
  const allowed = ['valibot', 'luxon', 'liquidjs', 'node:crypto']
  for (const { path, imports } of inFolder(...PURE))
    for (const name of imports) {
      const isOurs =
        name.startsWith('src/domain/') ||
        (!path.startsWith('src/domain/') && PURE.some((folder) => name.startsWith(`${folder}/`)))
      assert.ok(isOurs || isPackage(name, allowed), `${path} imports ${name}`)
    }
})

test('they ask no clock and roll no dice', () => {
  const acts =
    /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\brandomBytes\b|\brandomUUID\b|\bsetTimeout\b|\bprocess\.|\bfetch\(/
  for (const { path, text } of inFolder(...PURE)) {
    const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '')
    assert.not.ok(acts.test(code), `${path}: ${acts.exec(code)?.[0]}`)
  }
})

test('each driver has one importer, beside the engines that speak its protocol', () => {
  for (const { path, imports } of modules) {
    if (path.startsWith('src/engines/')) continue
    for (const name of imports) {
      if (isPackage(name, ['@eventstore/db-client']))
        assert.ok(path.startsWith('src/eventstore/'), `${path} imports ${name}`)
      if (isPackage(name, ['mongodb', 'bson'])) assert.ok(path.startsWith('src/readmodel/'), `${path} imports ${name}`)
    }
  }
})

test('commands and queries know no driver, no engine and no subscription', () => {
  for (const { path, imports } of inFolder('commands', 'queries'))
    for (const name of imports)
      assert.not.ok(
        isPackage(name, ['@eventstore/db-client', 'mongodb', 'rxjs', '@tributary/engines']),
        `${path} imports ${name}`,
      )
})

test('routes have what goes on in the background by `inBackground` alone, so that workers hand them over', () => {
  const reaching = inFolder('commands', 'queries', 'src/api')
    .filter(
      ({ path, text }) =>
        path !== 'src/api/background.ts' && /\.background\b|\bbackground\s*[,}][^=]*=\s*services/.test(text),
    )
    .map(({ path }) => path)
  assert.equal(reaching, [])
})

test('what reads and what writes know nothing of each other', () => {
  const reaching = (from: string, to: string) =>
    inFolder(from).flatMap(({ path, imports }) =>
      imports.filter((name) => name.startsWith(`${to}/`)).map((name) => `${path} imports ${name}`),
    )
  assert.equal([...reaching('commands', 'queries'), ...reaching('queries', 'commands')], [])
})

test('the engines are a package: the product has them by its name, and they have what it depends on', () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'src/engines/package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  for (const { path, imports } of modules)
    for (const name of imports) {
      if (!path.startsWith('src/engines/')) assert.not.ok(name.startsWith('src/engines/'), `${path} imports ${name}`)
      else if (!name.startsWith('src/'))
        assert.ok(name.startsWith('node:') || isPackage(name, Object.keys(dependencies)), `${path} imports ${name}`)
    }
})

test('the engines know nothing of the product', () => {
  for (const { path, imports } of inFolder('src/engines'))
    for (const name of imports) {
      const ours = name.startsWith('src/') || name.startsWith('commands/') || name.startsWith('queries/')
      assert.ok(!ours || name.startsWith('src/engines/'), `${path} imports ${name}`)
    }
})

/** Which folders right below `parent` (with its slash; empty for the top) import from each other, `from to`, and a file that does. */
const edgesWithin = (parent: string): ReadonlyMap<string, string> => {
  const inside = (path: string): string | undefined =>
    path.startsWith(parent) ? /^([^/]+)\//.exec(path.slice(parent.length))?.[1] : undefined
  return new Map(
    modules.flatMap(({ path, imports }) =>
      imports.flatMap((name) => {
        const [from, to] = [inside(path), inside(name)]
        return from === undefined || to === undefined || from === to ? [] : [[`${from} ${to}`, path] as const]
      }),
    ),
  )
}

test('no two folders need each other', () => {
  const parents = new Set(
    modules.flatMap(({ path }) => {
      const parts = dirname(path).split('/')
      return parts.map((_, n) =>
        parts
          .slice(0, n)
          .map((part) => `${part}/`)
          .join(''),
      )
    }),
  )
  const pairs = [...parents].flatMap((parent) => {
    const edges = edgesWithin(parent)
    return [...edges].flatMap(([edge, by]) => {
      const [from, to] = edge.split(' ')
      const back = edges.get(`${to} ${from}`)
      // The top level stands around `src`.
      const isTop = parent === '' && (from === 'src' || to === 'src')
      return back === undefined || isTop || from! > to! ? [] : [`${parent}: ${from} and ${to}, by ${by} and ${back}`]
    })
  })
  assert.ok(parents.size > 5)
  assert.equal(pairs, [])
})

/** The modules of each circle of `edges`, by Tarjan's algorithm: who is in one cannot be run without the others. */
const circlesIn = (edges: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] => {
  const number = new Map<string, number>()
  const path: string[] = []
  const circles: string[][] = []
  const visit = (from: string): number => {
    const own = number.size
    number.set(from, own)
    let low = own
    path.push(from)
    for (const to of edges.get(from) ?? []) {
      if (!number.has(to)) low = Math.min(low, visit(to))
      else if (path.includes(to)) low = Math.min(low, number.get(to)!)
    }
    if (low === own) {
      const circle = path.splice(path.indexOf(from))
      if (circle.length > 1) circles.push(circle)
    }
    return low
  }
  for (const from of edges.keys()) if (!number.has(from)) visit(from)
  return circles
}

test('circles of modules are found', () => {
  const edges = { a: ['b'], b: ['c'], c: ['b', 'd'], d: ['e'], e: [] }
  assert.equal(circlesIn(new Map(Object.entries(edges))), [['b', 'c']])
})

test('no modules need each other to run', () => {
  const edges = new Map(modules.map(({ path, values }) => [path, values]))
  assert.ok([...edges.values()].flat().includes('src/domain/ids.ts'))
  assert.equal(circlesIn(edges), [])
})

/**
 * Spreads of a field under a condition where `undefined` alone would do: JSON and the document store leave it out. So many are
 * left in each folder; a folder without any keeps none. Not for bodies of `in` checks, nor for `$` operators of a filter.
 */
const MOST_SPREADS: Readonly<Record<string, number>> = {
  commands: 8,
  projections: 2,
  queries: 13,
  'src/api': 8,
  'src/audit': 3,
  'src/cli': 8,
  'src/client': 6,
  'src/console': 3,
  'src/delivery': 4,
  'src/domain': 40,
  'src/engines': 4,
  'src/eventstore': 2,
  'src/http': 13,
  'src/import': 5,
  'src/migrate': 7,
  'src/projector': 2,
  'src/rollout': 2,
  'src/runtime': 12,
}

test('no more fields are spread under a condition than there were', () => {
  const folderOf = (path: string): string => /^(?:src\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? 'src'
  const found = new Map<string, number>()
  for (const { path, text } of modules) {
    const spreads = text.match(/undefined\s*\?\s*\{\}\s*:/g)?.length ?? 0
    found.set(folderOf(path), (found.get(folderOf(path)) ?? 0) + spreads)
  }
  const more = [...found].filter(([folder, spreads]) => spreads > (MOST_SPREADS[folder] ?? 0))
  assert.equal(more, [])
})

test('every file says in its first line what lives there', () => {
  for (const { path, text } of modules) assert.match(text.slice(0, 3), /^(\/\/|\/\*|#!)/, path)
})

test('a container starts Node as `npm start` does', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } }
  const command = /^CMD (\[.*\])$/m.exec(readFileSync(join(root, 'Dockerfile'), 'utf8'))?.[1] ?? '[]'
  assert.is((JSON.parse(command) as string[]).join(' '), scripts.start)
})

test.run()
