// Expressions that compare, decide and bind variables.
import { isArray, isDoc, type Maybe, type Value } from '../values.ts'
import {
  binary,
  compareMaybe,
  type Expression,
  fail,
  isNothing,
  type OperatorCompiler,
  type Operators,
  operands,
  truthy,
  unary,
} from './types.ts'

const comparison = (name: string, holds: (order: number) => boolean): OperatorCompiler =>
  binary(name, (a, b) => holds(compareMaybe(a, b)))

const cond: OperatorCompiler = (operand, compile) => {
  if (isDoc(operand)) {
    for (const name of operand.keys())
      if (!['if', 'then', 'else'].includes(name)) throw fail(17083, `Unrecognized parameter to $cond: ${name}`)
    for (const [name, code] of [
      ['if', 17080],
      ['then', 17081],
      ['else', 17082],
    ] as const)
      if (!operand.has(name)) throw fail(code, `Missing '${name}' parameter to $cond`)
  }
  const parts = isDoc(operand) ? [operand.get('if')!, operand.get('then')!, operand.get('else')!] : operand
  const [test, then, otherwise] = operands('$cond', parts, compile, 3)
  return (scope) => (truthy(test!(scope)) ? then!(scope) : otherwise!(scope))
}

const ifNull: OperatorCompiler = (operand, compile) => {
  if (!isArray(operand) || operand.length < 2) throw fail(1257300, '$ifNull needs at least two arguments')
  const list = operand.map(compile)
  return (scope) => {
    let value: Maybe
    for (const expression of list) {
      value = expression(scope)
      if (!isNothing(value)) return value
    }
    return value
  }
}

const choose: OperatorCompiler = (operand, compile) => {
  if (!isDoc(operand)) throw fail(40060, '$switch requires an object as an argument')
  const given = operand.get('branches')
  if (!isArray(given) || given.length === 0) throw fail(40068, '$switch requires at least one branch')
  const branches = given.map((branch) => {
    if (!isDoc(branch)) throw fail(40062, '$switch expected each branch to be an object')
    const [when, then] = [branch.get('case'), branch.get('then')]
    if (when === undefined) throw fail(40064, "$switch requires each branch have a 'case' expression")
    if (then === undefined) throw fail(40065, "$switch requires each branch have a 'then' expression")
    return [compile(when), compile(then)] as const
  })
  const fallback = operand.get('default')
  const otherwise: Expression | undefined = fallback === undefined ? undefined : compile(fallback)
  return (scope) => {
    for (const [when, then] of branches) if (truthy(when(scope))) return then(scope)
    if (!otherwise)
      throw fail(40066, '$switch could not find a matching branch for an input, and no default was specified')
    return otherwise(scope)
  }
}

const bind: OperatorCompiler = (operand, compile) => {
  const vars = isDoc(operand) ? operand.get('vars') : undefined
  const inner = isDoc(operand) ? operand.get('in') : undefined
  if (!isDoc(vars)) throw fail(16876, "Missing 'vars' parameter to $let")
  if (inner === undefined) throw fail(16877, "Missing 'in' parameter to $let")
  const bound = [...vars].map(([name, value]) => [name, compile(value)] as const)
  const body = compile(inner)
  return (scope) =>
    body({ ...scope, variables: new Map([...scope.variables, ...bound.map(([name, e]) => [name, e(scope)] as const)]) })
}

const listOf = (operand: Value, compile: (value: Value) => Expression): readonly Expression[] =>
  (isArray(operand) ? operand : [operand]).map(compile)

export const LOGIC: Operators = {
  $eq: comparison('$eq', (o) => o === 0),
  $ne: comparison('$ne', (o) => o !== 0),
  $gt: comparison('$gt', (o) => o > 0),
  $gte: comparison('$gte', (o) => o >= 0),
  $lt: comparison('$lt', (o) => o < 0),
  $lte: comparison('$lte', (o) => o <= 0),
  $cmp: binary('$cmp', (a, b) => Math.sign(compareMaybe(a, b))),
  $and: (operand, compile) => {
    const list = listOf(operand, compile)
    return (scope) => list.every((e) => truthy(e(scope)))
  },
  $or: (operand, compile) => {
    const list = listOf(operand, compile)
    return (scope) => list.some((e) => truthy(e(scope)))
  },
  $not: unary('$not', (value) => !truthy(value)),
  $cond: cond,
  $ifNull: ifNull,
  $switch: choose,
  $let: bind,
  $literal: (operand) => () => operand,
}
