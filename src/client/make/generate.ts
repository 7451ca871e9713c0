// Writes what the API's own document says as types and names, for the client and for the console's pages (see types.js). Who asks
// what the API does not answer does not pass the check of types.
import { writeFileSync } from 'node:fs'
import { commandRoutes } from '../../../commands/index.ts'
import { queryRoutes } from '../../../queries/index.ts'
import { KINDS, OPERATORS, operatorsOn } from '../../domain/conditions/operators.ts'
import { apiDocument } from '../../http/openapi.ts'
import { PACKAGE_FILE } from '../../packageFile.ts'
import type { Services } from '../../services.ts'
import { type ApiDocument, comment, declaration, operationType } from './declarations.ts'
import { type Named, namesOf } from './naming.ts'

/** Routes look at their services when they are called, not when they are declared. */
const services = new Proxy({} as Services, {
  get: (_, name) => (['rulebook', 'readModel', 'projector', 'store'].includes(String(name)) ? {} : () => undefined),
})

interface Tree {
  [name: string]: Tree | Named
}

const isNamed = (node: Tree | Named): node is Named => typeof node.operation === 'string'

const treeOf = (all: readonly Named[]): Tree => {
  const root: Tree = {}
  for (const one of all) {
    let node = root
    for (const word of one.name.slice(0, -1)) {
      node[word] ??= {}
      node = node[word] as Tree
    }
    node[one.name.at(-1)!] = one
  }
  return root
}

const written = (node: Tree, depth: number): string => {
  const space = '  '.repeat(depth)
  const fields = Object.entries(node).map(([name, child]) =>
    isNamed(child)
      ? `${space}  ${comment(child.summary)}${name}: ${JSON.stringify(child.operation)},`
      : `${space}  ${name}: ${written(child, depth + 1)},`,
  )
  return `{\n${fields.join('\n')}\n${space}}`
}

const table = (name: string, says: string, all: readonly Named[]): string =>
  `/** ${says} */\nexport const ${name} = ${written(treeOf(all), 0)} as const\n`

/** Which operators may be asked of which kind of values, and how their operands are written. */
const operators = (): string =>
  `/** How the operand of each operator is written. */\nexport interface OperandOf {\n${Object.entries(OPERATORS)
    .map(([name, { make }]) => `  readonly ${name}: '${make.form}'`)
    .join(
      '\n',
    )}\n}\n\n/** Operators by the kind of values that they may be asked of. */\nexport interface OperatorOn {\n${KINDS.map(
    (kind) =>
      `  readonly ${kind}: ${operatorsOn(kind)
        .map((name) => JSON.stringify(name))
        .join(' | ')}`,
  ).join('\n')}\n}\n`

/** The text of `operations.gen.ts`. */
export const clientText = (document: ApiDocument): string => {
  const server = namesOf(document, '/v1/')
  const client = namesOf(document, '/client/v1/')
  const management = namesOf(document, '/management/v1/')
  const bodiless = [...server, ...client, ...management].filter(
    ({ operation, hasBody }) => !hasBody && /^(POST|PUT)/.test(operation),
  )
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, one]) => `  ${comment(one.summary)}'${method.toUpperCase()} ${path}': { ${operationType(one)} }`,
    ),
  )
  return [
    '// Written by src/client/make/generate.ts from the API document: not to be changed by hand.',
    "import type { Lines, StreamedEvent } from './lines.ts'\n",
    ...Object.entries(document.components.schemas).map(([name, schema]) => declaration(name, schema)),
    `\n/** Every operation: parameters of its path, query, body and answer. */\nexport interface Operations {\n${operations.join('\n')}\n}\n`,
    operators(),
    table('SERVER', 'Methods below `/v1`.', server),
    table('BROWSER', 'Methods below `/client/v1`.', client),
    table('MANAGEMENT', 'Methods below `/management/v1`.', management),
    '/** What changes something and takes no body. */',
    `export const WITHOUT_BODY: ReadonlySet<string> = new Set(${JSON.stringify(
      bodiless.map(({ operation }) => operation),
      null,
      2,
    )})\n`,
  ].join('\n')
}

/** Writes `operations.gen.ts` beside the client's sources. */
export const generate = (): void => {
  const routes = [...commandRoutes(services), ...queryRoutes(services)]
  const document = JSON.parse(JSON.stringify(apiDocument(routes))) as ApiDocument
  writeFileSync(new URL('src/client/operations.gen.ts', PACKAGE_FILE), clientText(document))
}
