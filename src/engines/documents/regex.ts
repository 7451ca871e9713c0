// Regular expressions of queries: the PCRE that the server reads, translated into JavaScript's where both mean the same.
import { CommandError, notImplemented } from './errors.ts'

const CLASS_SPACE = ' \\t\\n\\v\\f\\r'
const SYNTAX = new Set('^$\\.*+?()[]{}|/')

/** Translates one escape; `inside` a class or not. */
const escaped = (c: string, inside: boolean): string => {
  if (/[dDwWbBtnrfv0]/.test(c)) return c === 'B' && inside ? 'B' : `\\${c}`
  if (c === 's') return inside ? CLASS_SPACE : `[${CLASS_SPACE}]`
  if (c === 'S' && !inside) return `[^${CLASS_SPACE}]`
  if (/[1-9xupP]/.test(c) && !inside) return `\\${c}`
  if (/[xupP]/.test(c)) return `\\${c}`
  if (/[A-Za-z0-9]/.test(c)) throw notImplemented(`\\${c} in a regular expression`)
  if (SYNTAX.has(c) || (c === '-' && inside)) return `\\${c}`
  return c
}

/** `extended`: white space and comments stand for nothing. */
const translate = (pattern: string, multiline: boolean, extended: boolean): string => {
  let out = ''
  let inside = false
  for (let i = 0; i < pattern.length; i += 1) {
    const c = pattern[i]!
    if (c === '\\') {
      i += 1
      if (i === pattern.length) throw new CommandError(51091, 'a regular expression ends with a backslash')
      out += escaped(pattern[i]!, inside)
    } else if (inside) {
      if (c === '[' && /^\[[:.=]/.test(pattern.slice(i))) throw notImplemented('a POSIX class in a regular expression')
      if (c === ']') inside = false
      out += c === '[' ? '\\[' : c
    } else if (extended && /[ \t\n\v\f\r]/.test(c)) continue
    else if (extended && c === '#') {
      const end = pattern.indexOf('\n', i)
      if (end < 0) break
      i = end
    } else if (c === '[') {
      inside = true
      out += c
      if (pattern[i + 1] === '^') {
        out += '^'
        i += 1
      }
      if (pattern[i + 1] === ']') {
        out += '\\]'
        i += 1
      }
    } else if (c === '$' && !multiline) out += '(?=\\n?(?![\\s\\S]))'
    else if (c === '(' && /^\(\?(?![:=!]|<[=!A-Za-z])/.test(pattern.slice(i))) {
      throw notImplemented('an inline option or special group in a regular expression')
    } else if (c === '{' && !/^\{\d+(,\d*)?\}/.test(pattern.slice(i))) out += '\\{'
    else if (c === '}' && !/\{\d+(,\d*)?$/.test(out)) out += '\\}'
    else if (c === ']') out += '\\]'
    else if (c === '+' && /[*+?}]$/.test(out) && !/\\[*+?}]$/.test(out)) {
      throw notImplemented('a possessive quantifier in a regular expression')
    } else out += c
  }
  return out
}

/** Compiles a pattern with the options `i`, `m`, `s`, `x`, `u`; one that cannot be compiled is refused as the server does. */
export const compileRegex = (pattern: string, options: string): RegExp => {
  for (const c of options) {
    if (!'imsux'.includes(c)) throw new CommandError(51108, `invalid flag in regex options: ${c}`)
  }
  const leading = /^\(\?([ims]+)\)/.exec(pattern)
  const flags = new Set(`${options}${leading?.[1] ?? ''}`)
  const body = leading ? pattern.slice(leading[0].length) : pattern
  const source = translate(body, flags.has('m'), flags.delete('x'))
  flags.add('u')
  try {
    return new RegExp(source, [...flags].join(''))
  } catch (error) {
    throw new CommandError(51091, `Regular expression is invalid: ${error instanceof Error ? error.message : error}`)
  }
}
