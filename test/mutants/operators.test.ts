// Mutants are made of code only: what stands in comments, strings and patterns stays.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { EQUIVALENT, isEquivalent } from './equivalent.ts'
import { codeOf, mutantsOf, mutated } from './operators.ts'

const made = (text: string): readonly string[] => mutantsOf(text).map((mutant) => mutated(text, mutant))

test('each operator makes its neighbours', () => {
  assert.equal(made('a <= b'), ['a < b', 'a > b'])
  assert.equal(made('a === b && !c'), ['a !== b && !c', 'a === b || !c', 'a === b && c'])
  assert.equal(made('Math.min(a, 1_000)'), ['Math.max(a, 1_000)', 'Math.min(a, 1001)'])
  assert.equal(made('list.some(isX)'), ['list.every(isX)'])
})

test('comments, strings, patterns, type parameters and names with digits are left', () => {
  for (const text of ['// a < b\nx(\'a < b\', "1", `true`)', '/* 1 */ Map<string, T>', 'x = /[/] 1 < 2/u', 'name300'])
    assert.equal(made(text), [], text)
})

test('holes of templates are code', () => {
  assert.equal(made(`\`\${a < b} 1 \${{ c: true }}\``), [
    `\`\${a <= b} 1 \${{ c: true }}\``,
    `\`\${a >= b} 1 \${{ c: true }}\``,
    `\`\${a < b} 1 \${{ c: false }}\``,
  ])
  assert.is(codeOf("a('x')\nb").length, "a('x')\nb".length)
})

test('what is no fault is left out, and every reason for that is still needed', () => {
  const counted = (text: string) => mutantsOf(text).filter((mutant) => !isEquivalent(text, mutant)).length
  assert.equal([counted('  version: 3,'), counted('version: 3, at: 1')], [0, 1])
  assert.equal([counted('a\nif (oldest > dropped) b'), counted('if (oldest > other) b')], [1, 2])
  const textsIn = (folder: string) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(folder, file), 'utf8'))
  const all = ['src/domain', 'projections']
    .flatMap((folder) => textsIn(join(import.meta.dirname, '../..', folder)))
    .join('\n')
  for (const { code } of EQUIVALENT) assert.match(all, code)
})

test.run()
