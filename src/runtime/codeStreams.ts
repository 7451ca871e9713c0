// Loads and changes codes in their own streams: fold, decide, append with the exact revision.

import * as v from 'valibot'
import { Code, codeStream } from '../domain/codes.ts'
import { uuidFrom } from '../domain/ids.ts'
import { isRefused, type Refusal, type Refused } from '../domain/refusal.ts'
import {
  type CodeCommand,
  type CodeState,
  decideCode,
  evolveCode,
  isCodeFact,
  noCode,
} from '../domain/vouchers/code.ts'
import type { EventStore } from '../eventstore/index.ts'
import type { CommandContext } from './customers.ts'

type Store = Pick<EventStore, 'append' | 'readStream'>

/** How often a change is decided again after a conflict. */
const MAX_ATTEMPTS = 5

export interface LoadedCode {
  readonly state: CodeState
  /** The stream's last revision; -1n when there is none. */
  readonly revision: bigint
  /** The log position of that revision. */
  readonly position: bigint | undefined
}

/** What a code's stream says now. A text that cannot be a code is one that nobody has. */
export const loadCode = async (store: Store, code: string): Promise<LoadedCode> => {
  let loaded: LoadedCode = { state: noCode(code), revision: -1n, position: undefined }
  if (!v.is(Code, code)) return loaded
  for await (const fact of store.readStream(codeStream(code)))
    loaded = {
      state: isCodeFact(fact) ? evolveCode(loaded.state, fact) : loaded.state,
      revision: fact.revision,
      position: fact.position,
    }
  return loaded
}

export type CodeChanged =
  | { readonly kind: 'done'; readonly state: CodeState; readonly position: bigint | undefined }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** Other writers were faster, again and again. */
  | { readonly kind: 'busy' }

/** Decides and records one command on a code, or the one that the code's state as it then is leads to. */
export const changeCode = async (
  store: Store,
  code: string,
  asked: CodeCommand | ((state: CodeState) => CodeCommand | Refused),
  { requestId, actor, now, deadline, key }: CommandContext,
): Promise<CodeChanged> => {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const { state, revision, position } = await loadCode(store, code)
    const command = typeof asked === 'function' ? asked(state) : asked
    const decided = isRefused(command) ? command : decideCode(state, command, now)
    if (decided === undefined) return { kind: 'done', state, position }
    if (isRefused(decided)) return { kind: 'refused', refusal: decided.refused }
    const result = await store.append(
      codeStream(code),
      [
        {
          id: uuidFrom('code', code, decided.type, String(revision), requestId),
          type: decided.type,
          data: decided.data,
          metadata: {
            $correlationId: requestId,
            actor,
            now,
            ...(key === undefined ? {} : { commandKey: key }),
          },
        },
      ],
      revision,
      deadline === undefined ? {} : { deadline },
    )
    if (result.kind === 'appended')
      return { kind: 'done', state: evolveCode(state, decided), position: result.position }
  }
  return { kind: 'busy' }
}
