// Why: the chain of causes from a request to a fact, and the truth of a condition leaf by leaf.
import { at } from '../lib/api.ts'
import { useAsk } from '../lib/ask.ts'
import { Link as To } from '../lib/router.tsx'
import type { Fields } from '../lib/shapes.ts'
import { brief, number, timeText, typeWords } from '../lib/text.ts'
import { Json, Time } from './small.tsx'
import { Shown } from './state.tsx'

interface Link {
  readonly id: string
  readonly type: string
  readonly data: Fields
  readonly decided_at: string
  readonly request: string
  readonly actor: { readonly name: string; readonly role: string } | null
  readonly rulebook: string | null
  readonly definition?: {
    readonly kind: string
    readonly id: string
    readonly revision: string
    readonly definition: Fields
  }
  readonly declined?: readonly { readonly kind: string; readonly definition: string; readonly reason: string }[]
}

export interface Truth {
  readonly is?: string
  readonly holds?: boolean
  readonly value?: unknown
  readonly all?: readonly Truth[]
  readonly any?: readonly Truth[]
  readonly not?: Truth
  readonly of?: readonly Truth[] | Truth
  readonly rule?: string
}

const isTruth = (value: unknown): value is Truth => typeof value === 'object' && value !== null && 'holds' in value

const parts = (truth: Truth): readonly (readonly [string, readonly Truth[]])[] => {
  if (truth.all) return [['All of', truth.all]]
  if (truth.any) return [['Any of', truth.any]]
  if (truth.not) return [['Not', [truth.not]]]
  if (truth.of === undefined) return []
  return [
    [truth.rule === undefined ? '' : `Rule ${truth.rule}`, Array.isArray(truth.of) ? truth.of : [truth.of as Truth]],
  ]
}

/** A truth table as a tree, with the values that were compared. */
export const TruthTree = ({ of }: { readonly of: Truth }) => {
  const [inner] = parts(of)
  return (
    <ul class="truth">
      <li>
        <span class="truth-mark" data-holds={of.holds} aria-hidden="true">
          {of.holds ? '✓' : '✗'}
        </span>
        <span class="unseen">{of.holds ? 'Holds: ' : 'Does not hold: '}</span>
        {of.is ?? (inner?.[0] || 'The condition')}
        {of.value !== undefined && <span class="soft"> · it was {brief(of.value, 120)}</span>}
        {inner?.[1].map((one, index) => (
          <TruthTree key={index} of={one} />
        ))}
      </li>
    </ul>
  )
}

const words = (type: string): string => type.replace(/([a-z])([A-Z])/g, '$1 $2')

const named = (value: unknown): string | undefined =>
  typeof value === 'string'
    ? value
    : typeof value === 'object' && value !== null && 'name' in value
      ? String(value.name)
      : undefined

const balanceOf = (value: unknown): string | undefined =>
  typeof value === 'object' && value !== null && 'before' in value && 'after' in value
    ? `balance ${String(value.before)} to ${String(value.after)}`
    : undefined

const saidOf = ({ type, data }: Link): string => {
  const { event, segment, points, balance, code, distribution, reason } = data
  const said = [
    named(event),
    named(segment),
    typeof points === 'number' ? `${number(points)} points` : undefined,
    balanceOf(balance),
    named(code),
    named(distribution),
    named(reason),
  ].filter((one) => one !== undefined)
  return `${words(type)}${said.length > 0 ? `: ${said.join(', ')}` : ''}`
}

/** Reasons as they are recorded: a truth, several of them, or one beside what it belongs to, such as a rule. */
const Because = ({ because }: { readonly because: unknown }) => {
  if (isTruth(because)) return <TruthTree of={because} />
  if (Array.isArray(because)) return because.map((one, index) => <Because key={index} because={one} />)
  if (typeof because !== 'object' || because === null) return null
  const { because: inner, rule, ...rest } = because as Fields
  const said = Object.entries(isTruth(inner) ? rest : because)
  return (
    <>
      {isTruth(inner) && typeof rule === 'string' && (
        <p class="small">
          By <To to={`/validation-rules/${encodeURIComponent(rule)}`}>a validation rule</To>:
        </p>
      )}
      {said.length > 0 && (
        <p class="small">Because {said.map(([name, value]) => `${name} ${brief(value, 80)}`).join(', ')}</p>
      )}
      {isTruth(inner) && <TruthTree of={inner} />}
    </>
  )
}

/** The chain of causes of a fact, the request first. */
export const Why = ({ id }: { readonly id: string }) => {
  const asked = useAsk<{ readonly chain: readonly Link[] }>(at('/v1/audit/explain', { query: { id } }))
  return (
    <Shown of={asked} rows={3}>
      {({ chain }) => {
        const [first] = chain
        return (
          <ol class="chain" aria-label="Causes, the first one first">
            {first && (
              <li>
                <b>Request</b>
                <span class="soft small">
                  <code>{first.request}</code>
                  {first.actor && ` by ${first.actor.name} (${first.actor.role})`}
                </span>
              </li>
            )}
            {chain.map((link) => (
              <li key={link.id}>
                <b>{saidOf(link)}</b>
                <span class="soft small">
                  <Time at={link.decided_at} />
                  {link.rulebook && ` · by the rules of revision ${link.rulebook}`}
                </span>
                <Because because={link.data.because} />
                {link.declined?.map(({ kind, definition, reason }) => (
                  <p class="small soft" key={definition}>
                    Said no: {typeWords(kind.replace(/([A-Z])/g, ' $1').toLowerCase())} <code>{definition}</code>, since{' '}
                    {reason}
                  </p>
                ))}
                <details>
                  <summary>The fact as recorded</summary>
                  <Json value={link.data} label={`The fact ${link.type}`} />
                </details>
              </li>
            ))}
          </ol>
        )
      }}
    </Shown>
  )
}

interface Explanation {
  readonly kind: string
  readonly holds: boolean
  readonly until: string | null
  readonly because: unknown
  readonly to_change?: readonly string[]
}

/** Why a definition holds for a customer or not, and what would have to change. */
export const WhyNot = ({
  customer,
  definition,
  event,
}: {
  readonly customer: string
  readonly definition: string
  readonly event?: string
}) => {
  const asked = useAsk<Explanation>(at('/v1/audit/explain', { query: { customer, definition, event } }))
  return (
    <Shown of={asked} rows={3}>
      {({ holds, until, because, to_change }) => (
        <div class="stack tight" role="status">
          <p>
            <b>{holds ? 'Yes, it holds' : 'No, it does not hold'}</b>
            {until && <span class="soft"> until {timeText(new Date(until))}, if nothing new happens</span>}
          </p>
          <Because because={because} />
          {!holds && (to_change?.length ?? 0) > 0 && (
            <div>
              <p>What would have to change:</p>
              <ul>
                {to_change?.map((one) => (
                  <li key={one}>{one}</li>
                ))}
              </ul>
            </div>
          )}
        </div>
      )}
    </Shown>
  )
}
