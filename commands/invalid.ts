// The refusal of a definition that a schema found fault with after it was put together from an old one and a change.
import type * as v from 'valibot'
import { type Failure, refuse } from '../src/http/errors.ts'
import { describeIssues } from '../src/http/issues.ts'

export const invalid = (issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): Failure =>
  refuse('invalid_payload', describeIssues(issues))
