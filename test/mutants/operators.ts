// Mutants of a source: the same text with one small fault, as people make them. They are found in the text itself, outside of
// comments, strings and expressions of patterns; what is only about types vanishes when the source is compiled, and is no mutant.

export interface Mutant {
  /** From 0 within the source. */
  readonly at: number
  readonly from: string
  readonly to: string
}

interface Operator {
  readonly find: RegExp
  readonly to: (found: string) => readonly string[]
}

const swap = (pairs: Readonly<Record<string, readonly string[]>>) => (found: string) => pairs[found] ?? []

/** Binary operators have blanks around them, which brackets of type parameters have not. */
const OPERATORS: readonly Operator[] = [
  {
    find: /(?<= )(?:<=|>=|<|>)(?= )/g,
    to: swap({ '<': ['<=', '>='], '<=': ['<', '>'], '>': ['>=', '<='], '>=': ['>', '<'] }),
  },
  { find: /(?<= )(?:===|!==)(?= )/g, to: swap({ '===': ['!=='], '!==': ['==='] }) },
  { find: /(?<= )(?:&&|\|\|)(?= )/g, to: swap({ '&&': ['||'], '||': ['&&'] }) },
  { find: /(?<= )(?<!\b(?:im|ex)port )[-+*/](?= )/g, to: swap({ '+': ['-'], '-': ['+'], '*': ['/'], '/': ['*'] }) },
  { find: /\b(?:true|false)\b/g, to: swap({ true: ['false'], false: ['true'] }) },
  {
    find: /(?<=\bMath\.)(?:min|max|floor|ceil|round)\b/g,
    to: swap({ min: ['max'], max: ['min'], floor: ['ceil'], ceil: ['floor'], round: ['floor'] }),
  },
  { find: /(?<=\.)(?:some|every)\b(?=\()/g, to: swap({ some: ['every'], every: ['some'] }) },
  { find: /(?<![\w.$])!(?=[\w(])/g, to: () => [''] },
  { find: /(?<![\w.$])\d[\d_]*(?![\w.])/g, to: (found) => [String(Number(found.replaceAll('_', '')) + 1)] },
]

/** The text with whatever is no code as blanks, so that places stay. Holes of templates are code. */
export const codeOf = (text: string): string => {
  let out = ''
  const holes: number[] = []
  let depth = 0
  const blank = (part: string) => part.replace(/[^\n]/g, ' ')
  /** After these a slash begins a pattern. */
  const beforePattern = /(?:^|[(,=:[!&|?{};>]|\breturn)\s*$/
  const template = (from: number): number => {
    for (let i = from; i < text.length; i++) {
      if (text[i] === '\\') i++
      else if (text[i] === '`') return i + 1
      else if (text[i] === '$' && text[i + 1] === '{') {
        holes.push(depth)
        return i + 2
      }
    }
    return text.length
  }
  for (let i = 0; i < text.length; ) {
    const rest = text.slice(i)
    const quiet =
      /^\/\/[^\n]*/.exec(rest) ??
      /^\/\*[\s\S]*?\*\//.exec(rest) ??
      /^'(?:\\.|[^'\\\n])*'/.exec(rest) ??
      /^"(?:\\.|[^"\\\n])*"/.exec(rest) ??
      (rest[0] === '/' && beforePattern.test(out.slice(-40))
        ? /^\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/.exec(rest)
        : null)
    if (quiet) {
      out += blank(quiet[0])
      i += quiet[0].length
      continue
    }
    const isHoleEnd = rest[0] === '}' && holes.at(-1) === depth
    if (rest[0] === '`' || isHoleEnd) {
      if (isHoleEnd) holes.pop()
      const end = template(i + 1)
      out += blank(text.slice(i, end))
      i = end
      continue
    }
    if (rest[0] === '{') depth++
    if (rest[0] === '}') depth--
    out += rest[0]
    i++
  }
  return out
}

export const mutantsOf = (text: string): readonly Mutant[] => {
  const code = codeOf(text)
  return OPERATORS.flatMap(({ find, to }) =>
    [...code.matchAll(find)].flatMap(({ index, 0: from }) =>
      to(from).map((changed) => ({ at: index, from, to: changed })),
    ),
  )
}

export const mutated = (text: string, { at, from, to }: Mutant): string =>
  text.slice(0, at) + to + text.slice(at + from.length)
