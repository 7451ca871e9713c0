// The one way in which routes change the rulebook: propose, record, answer.
import type { Refused } from '../src/domain/refusal.ts'
import type { DefinitionChange } from '../src/domain/rulebook/facts.ts'
import type { Definitions } from '../src/domain/rulebook/kind.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import { refuse } from '../src/http/errors.ts'
import type { Answer, Call, Outcome } from '../src/http/route.ts'
import type { Services } from '../src/runtime/services.ts'
import { contextOf } from './context.ts'

/** Records what `propose` asks for, all or none, and answers from the rulebook that came of it. */
export const changeDefinitions = async (
  services: Services,
  call: Pick<Call<unknown, unknown, unknown>, 'requestId' | 'key' | 'now' | 'idempotencyKey'>,
  propose: (definitions: Definitions) => readonly DefinitionChange[] | Refused,
  answer: (rulebook: Rulebook) => Answer | Promise<Answer>,
): Promise<Outcome> => {
  const changed = await services.rulebook.change(propose, contextOf(call, services))
  switch (changed.kind) {
    case 'refused':
      return changed.refused
    case 'busy':
      return refuse('conflict', 'The definitions are being changed by many requests at once; try again', {
        retryAfter: 1,
      })
    case 'changed':
      return {
        ...(changed.position === undefined ? {} : { consistencyToken: changed.position }),
        ...(await answer(changed.rulebook)),
      }
    default:
      return changed satisfies never
  }
}
