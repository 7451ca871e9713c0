// What expressions are made of: a compiled expression, the scope it is evaluated in, and how operators are declared.
import { compareValues } from '../compare.ts'
import { CommandError } from '../errors.ts'
import { isArray, isNumber, type Maybe, type Value } from '../values.ts'

export interface Scope {
  /** The document being looked at. */
  readonly root: Maybe
  readonly variables: ReadonlyMap<string, Maybe>
}

/** A compiled expression; `undefined` is a missing value. */
export type Expression = (scope: Scope) => Maybe

export type Compile = (expression: Value) => Expression

/** Compiles an operator's operand. */
export type OperatorCompiler = (operand: Value, compile: Compile) => Expression

export type Operators = Readonly<Record<string, OperatorCompiler>>

export const fail = (code: number, message: string): CommandError => new CommandError(code, message)

export const isNothing = (value: Maybe): value is null | undefined => value === undefined || value === null

/** How aggregation sees a value as true or false. */
export const truthy = (value: Maybe): boolean =>
  !isNothing(value) && value !== false && !(isNumber(value) && compareValues(value, 0) === 0)

/** Order of two values where a missing one comes before all but MinKey. */
export const compareMaybe = (a: Maybe, b: Maybe): number => {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1
  return compareValues(a, b)
}

/** The operands of an operator that takes a fixed number of them; one alone need not be in an array. */
export const operands = (name: string, operand: Value, compile: Compile, least: number, most = least): Expression[] => {
  const list = isArray(operand) ? operand : [operand]
  if (list.length < least || list.length > most)
    throw fail(
      16020,
      `Expression ${name} takes ${least === most ? `exactly ${least}` : `${least} to ${most}`} arguments. ${list.length} were passed in.`,
    )
  return list.map(compile)
}

/** An operator of one operand. */
export const unary =
  (name: string, apply: (value: Maybe) => Maybe): OperatorCompiler =>
  (operand, compile) => {
    const [inner] = operands(name, operand, compile, 1)
    return (scope) => apply(inner!(scope))
  }

/** An operator of two operands. */
export const binary =
  (name: string, apply: (a: Maybe, b: Maybe) => Maybe): OperatorCompiler =>
  (operand, compile) => {
    const [left, right] = operands(name, operand, compile, 2)
    return (scope) => apply(left!(scope), right!(scope))
  }

/** An operator of any number of operands. */
export const variadic =
  (apply: (values: readonly Maybe[]) => Maybe): OperatorCompiler =>
  (operand, compile) => {
    const inner = (isArray(operand) ? operand : [operand]).map(compile)
    return (scope) => apply(inner.map((expression) => expression(scope)))
  }
