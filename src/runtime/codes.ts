// Reserves codes: the first fact of a code's stream says whose it is, and no second one can be there.
import { type CodeOwner, type CodeReserved, codeIn, codeStream } from '../domain/codes.ts'
import { uuidFrom } from '../domain/ids.ts'
import type { NewFact } from '../domain/recorded.ts'
import type { VoucherSpec } from '../domain/rulebook/voucherSpec.ts'
import type { EventStore } from '../eventstore/index.ts'
import type { CommandContext } from './customers.ts'

type Context = Pick<CommandContext, 'requestId' | 'actor' | 'now' | 'deadline' | 'key'>

export type Made = { readonly kind: 'made'; readonly position: bigint } | { readonly kind: 'taken' }

export interface NewCode {
  readonly code: string
  readonly owner: CodeOwner
  /** What the code says of itself; the rest is its campaign's. */
  readonly spec?: VoucherSpec | undefined
  /** Whether it is good for anything from the start; default true. */
  readonly active?: boolean
}

export interface Codes {
  /** Makes a code, or says that it is another's. Making it again for the same owner is success and changes nothing. */
  make(code: NewCode, context: Context): Promise<Made>
  /** The same for a code that says nothing of itself. */
  reserve(code: string, owner: CodeOwner, context: Context, spec?: VoucherSpec): Promise<'reserved' | 'taken'>
  /** Whose the code is that a text names, which may be none. */
  ownerOf(text: string): Promise<CodeOwner | undefined>
}

const hasContent = (spec: VoucherSpec | undefined): spec is VoucherSpec =>
  spec !== undefined && Object.values(spec).some((value) => value !== undefined)

export const createCodes = (store: Pick<EventStore, 'append' | 'readStream'>): Codes => {
  const first = async (code: string) => {
    for await (const fact of store.readStream(codeStream(code), { maxCount: 1 }))
      if (fact.type === 'CodeReserved') return { owner: (fact.data as CodeReserved).owner, position: fact.position }
    return undefined
  }

  const make: Codes['make'] = async (
    { code, owner, spec, active = true },
    { requestId, actor, now, deadline, key },
  ) => {
    const metadata = { $correlationId: requestId, actor, now, commandKey: key }
    const facts: NewFact[] = [
      {
        id: uuidFrom('code', code, owner.type, owner.id),
        type: 'CodeReserved',
        data: { code, owner, ...(hasContent(spec) ? { spec } : {}), occurredAt: now },
        metadata,
      },
    ]
    if (!active)
      facts.push({
        id: uuidFrom('code-off', code, owner.type, owner.id),
        type: 'CodeDisabled',
        data: { code, voucher: owner.id, occurredAt: now },
        metadata,
      })
    const result = await store.append(codeStream(code), facts, 'no_stream', deadline === undefined ? {} : { deadline })
    if (result.kind === 'appended') return { kind: 'made', position: result.position }
    const holder = await first(code)
    return holder?.owner.type === owner.type && holder.owner.id === owner.id
      ? { kind: 'made', position: holder.position }
      : { kind: 'taken' }
  }

  return {
    make,
    async ownerOf(text) {
      const code = codeIn(text)
      return code === undefined ? undefined : (await first(code))?.owner
    },
    reserve: async (code, owner, context, spec) =>
      (await make({ code, owner, spec }, context)).kind === 'made' ? 'reserved' : 'taken',
  }
}
