// Expressions on strings, by characters (code points) and by UTF-8 bytes.
import { compareStrings } from '../compare.ts'
import { asLong, toDouble } from '../numbers.ts'
import { compileRegex } from '../regex.ts'
import { BSONRegExp, isDoc, isNumber, type Maybe, type Value } from '../values.ts'
import { dateText } from './dates.ts'
import {
  binary,
  type Compile,
  type Expression,
  fail,
  isNothing,
  type OperatorCompiler,
  type Operators,
  operands,
  unary,
  variadic,
} from './types.ts'

/** How string operators read numbers and dates. */
const coerced = (value: Maybe, name: string): string => {
  if (isNothing(value)) return ''
  if (typeof value === 'string') return value
  if (value instanceof Date) return dateText(value)
  if (isNumber(value)) return typeof value === 'bigint' ? String(value) : String(toDouble(value))
  throw fail(16007, `can't convert the argument of ${name} to a string`)
}

/** Longest text that an expression makes; no document holds as much. */
const LONGEST = 32 * 1024 * 1024

const bounded = (name: string, length: number): void => {
  if (length > LONGEST) throw fail(146, `${name} would use too much memory`)
}

const concat = (values: readonly Maybe[]): Maybe => {
  let out = ''
  for (const value of values) {
    if (isNothing(value)) return null
    if (typeof value !== 'string') throw fail(16702, '$concat only supports strings')
    out += value
    bounded('$concat', out.length)
  }
  return out
}

const lengthOf = (name: string, code: number, measure: (text: string) => number): OperatorCompiler =>
  unary(name, (value) => {
    if (typeof value !== 'string') throw fail(code, `${name} requires a string argument`)
    return measure(value)
  })

const natural = (value: Maybe, code: number, what: string): number => {
  const number = isNumber(value) ? asLong(value) : undefined
  if (number === undefined || number < 0n) throw fail(code, `${what} must be a nonnegative integer`)
  return Number(number)
}

const substringByCharacters: OperatorCompiler = (operand, compile) => {
  const [input, from, count] = operands('$substrCP', operand, compile, 3)
  return (scope) => {
    const text = coerced(input!(scope), '$substrCP')
    const start = natural(from!(scope), 34455, '$substrCP: starting index')
    return [...text].slice(start, start + natural(count!(scope), 34456, '$substrCP: length')).join('')
  }
}

const substringByBytes =
  (name: string): OperatorCompiler =>
  (operand, compile) => {
    const [input, from, count] = operands(name, operand, compile, 3)
    return (scope) => {
      const bytes = Buffer.from(coerced(input!(scope), name))
      const [first, second] = [from!(scope), count!(scope)]
      if (!isNumber(first)) throw fail(16034, `${name}: starting index must be a numeric type`)
      if (!isNumber(second)) throw fail(16035, `${name}: length must be a numeric type`)
      const start = Math.trunc(toDouble(first))
      const length = Math.trunc(toDouble(second))
      if (start < 0) throw fail(50752, `${name}: starting index must be non-negative`)
      const end = length < 0 ? bytes.length : start + length
      const cuts = (at: number) => at < bytes.length && (bytes[at]! & 0xc0) === 0x80
      if (cuts(start) || cuts(end)) throw fail(28656, `${name}: Invalid range, inside a UTF-8 character`)
      return bytes.toString('utf8', start, end)
    }
  }

const indexOf =
  (name: string, units: (text: string) => readonly string[]): OperatorCompiler =>
  (operand, compile) => {
    const [input, wanted, from, to] = operands(name, operand, compile, 2, 4)
    return (scope) => {
      const text = input!(scope)
      if (isNothing(text)) return null
      const token = wanted!(scope)
      if (typeof text !== 'string') throw fail(40091, `${name} requires a string as the first argument`)
      if (typeof token !== 'string') throw fail(40092, `${name} requires a string as the second argument`)
      const all = units(text)
      const part = units(token)
      const start = from ? natural(from(scope), 40097, `${name} start`) : 0
      const end = Math.min(to ? natural(to(scope), 40097, `${name} end`) : all.length, all.length)
      for (let i = start; i + part.length <= end; i += 1) if (part.every((unit, j) => all[i + j] === unit)) return i
      return -1
    }
  }

const WHITESPACE = '\0\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a'

const trim =
  (
    name: string,
    { left = false, right = false }: { readonly left?: boolean; readonly right?: boolean },
  ): OperatorCompiler =>
  (operand, compile) => {
    const input = isDoc(operand) ? operand.get('input') : undefined
    if (input === undefined || !isDoc(operand)) throw fail(50695, `${name} requires an 'input' field`)
    const text = compile(input)
    const chars = operand.has('chars') ? compile(operand.get('chars')!) : undefined
    return (scope) => {
      const value = text(scope)
      const given = chars ? chars(scope) : WHITESPACE
      if (isNothing(value) || isNothing(given)) return null
      if (typeof value !== 'string') throw fail(50699, `${name} requires its input to be a string`)
      if (typeof given !== 'string') throw fail(50700, `${name} requires 'chars' to be a string`)
      const drop = new Set([...given])
      const all = [...value]
      let start = 0
      let end = all.length
      while (left && start < end && drop.has(all[start]!)) start += 1
      while (right && end > start && drop.has(all[end - 1]!)) end -= 1
      return all.slice(start, end).join('')
    }
  }

const regexParts = (
  name: string,
  operand: Value,
  compile: Compile,
): readonly [Expression, (scope: Parameters<Expression>[0]) => RegExp | undefined] => {
  if (!isDoc(operand)) throw fail(51103, `${name} expects an object of named arguments`)
  const [input, regex] = [operand.get('input'), operand.get('regex')]
  if (input === undefined) throw fail(51022, `${name} requires 'input' parameter`)
  if (regex === undefined) throw fail(51023, `${name} requires 'regex' parameter`)
  const pattern = compile(regex)
  const options = operand.has('options') ? compile(operand.get('options')!) : undefined
  return [
    compile(input),
    (scope) => {
      const value = pattern(scope)
      const flags = options?.(scope)
      if (isNothing(value)) return undefined
      if (value instanceof BSONRegExp)
        return compileRegex(value.pattern, isNothing(flags) ? value.options : String(flags))
      if (typeof value !== 'string') throw fail(51105, `${name} needs 'regex' to be of type string or regex`)
      return compileRegex(value, isNothing(flags) ? '' : String(flags))
    },
  ]
}

const textOf = (name: string, value: Maybe): string | undefined => {
  if (isNothing(value)) return undefined
  if (typeof value !== 'string') throw fail(51104, `${name} needs 'input' to be of type string`)
  return value
}

const found = (text: string, match: RegExpExecArray): Value =>
  new Map<string, Value>([
    ['match', match[0]],
    ['idx', [...text.slice(0, match.index)].length],
    ['captures', match.slice(1).map((capture) => capture ?? null)],
  ])

const regexMatch: OperatorCompiler = (operand, compile) => {
  const [input, regex] = regexParts('$regexMatch', operand, compile)
  return (scope) => {
    const text = textOf('$regexMatch', input(scope))
    const pattern = regex(scope)
    return text !== undefined && pattern?.test(text) === true
  }
}

const regexFind: OperatorCompiler = (operand, compile) => {
  const [input, regex] = regexParts('$regexFind', operand, compile)
  return (scope) => {
    const text = textOf('$regexFind', input(scope))
    const match = text === undefined ? null : (regex(scope)?.exec(text) ?? null)
    return match === null ? null : found(text!, match)
  }
}

const regexFindAll: OperatorCompiler = (operand, compile) => {
  const [input, regex] = regexParts('$regexFindAll', operand, compile)
  return (scope) => {
    const text = textOf('$regexFindAll', input(scope))
    const pattern = regex(scope)
    if (text === undefined || !pattern) return []
    return [...text.matchAll(new RegExp(pattern.source, `${pattern.flags}g`))].map((m) => found(text, m))
  }
}

const replace =
  (name: string, { all }: { readonly all: boolean }): OperatorCompiler =>
  (operand, compile) => {
    if (!isDoc(operand)) throw fail(51751, `${name} requires an object as an argument`)
    const part = (key: string, code: number): Expression => {
      const value = operand.get(key)
      if (value === undefined) throw fail(code, `${name} requires '${key}' to be specified`)
      return compile(value)
    }
    const [input, find, replacement] = [part('input', 51749), part('find', 51748), part('replacement', 51747)]
    return (scope) => {
      const values = [input(scope), find(scope), replacement(scope)]
      for (const [i, value] of values.entries())
        if (!isNothing(value) && typeof value !== 'string')
          throw fail([51746, 51745, 51744][i]!, `${name} requires its arguments to be strings`)
      if (values.some(isNothing)) return null
      const [text, wanted, instead] = values as string[]
      if (all && instead!.length > 0) {
        const most = wanted === '' ? text!.length + 1 : Math.floor(text!.length / wanted!.length)
        bounded(name, text!.length + most * instead!.length)
      }
      if (all) return wanted === '' ? text!.replaceAll('', () => instead!) : text!.split(wanted!).join(instead!)
      return text!.replace(wanted!, () => instead!)
    }
  }

export const STRINGS: Operators = {
  $concat: variadic(concat),
  $toLower: unary('$toLower', (value) => lower(coerced(value, '$toLower'))),
  $toUpper: unary('$toUpper', (value) => upper(coerced(value, '$toUpper'))),
  $strLenCP: lengthOf('$strLenCP', 34471, (text) => [...text].length),
  $strLenBytes: lengthOf('$strLenBytes', 34473, (text) => Buffer.byteLength(text)),
  $substrCP: substringByCharacters,
  $substrBytes: substringByBytes('$substrBytes'),
  $substr: substringByBytes('$substr'),
  $indexOfCP: indexOf('$indexOfCP', (text) => [...text]),
  $indexOfBytes: indexOf('$indexOfBytes', (text) => [...Buffer.from(text)].map(String)),
  $trim: trim('$trim', { left: true, right: true }),
  $ltrim: trim('$ltrim', { left: true }),
  $rtrim: trim('$rtrim', { right: true }),
  $split: binary('$split', (text, separator) => {
    if (isNothing(text) || isNothing(separator)) return null
    if (typeof text !== 'string') throw fail(40085, '$split requires a string as the first argument')
    if (typeof separator !== 'string') throw fail(40086, '$split requires a string as the second argument')
    if (separator === '') throw fail(40087, '$split requires a non-empty separator')
    return text.split(separator)
  }),
  $strcasecmp: binary('$strcasecmp', (a, b) =>
    compareStrings(upper(coerced(a, '$strcasecmp')), upper(coerced(b, '$strcasecmp'))),
  ),
  $regexMatch: regexMatch,
  $regexFind: regexFind,
  $regexFindAll: regexFindAll,
  $replaceOne: replace('$replaceOne', { all: false }),
  $replaceAll: replace('$replaceAll', { all: true }),
}

/** The server changes the case of ASCII letters only. */
const upper = (text: string): string => text.replace(/[a-z]+/g, (s) => s.toUpperCase())
const lower = (text: string): string => text.replace(/[A-Z]+/g, (s) => s.toLowerCase())
