// Questions in front of the page: the browser's own dialog, which keeps the focus and ends with Escape.

import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { carryOut, change, type PathOf, type Request, type Values } from '../lib/api.ts'
import { useOnce } from '../lib/once.ts'
import { say } from './toast.tsx'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ComponentChildren
  readonly isWide?: boolean
}

export const Dialog = ({ title, onClose, children, isWide = false }: DialogProps) => {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const before = document.activeElement
    dialog.current?.showModal()
    return () => (before instanceof HTMLElement ? before.focus() : undefined)
  }, [])
  return (
    <dialog ref={dialog} aria-labelledby={id} class={isWide ? 'wide' : ''} onClose={onClose}>
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" class="quiet icon" aria-label="Close" onClick={onClose}>
          ×
        </button>
      </header>
      {children}
    </dialog>
  )
}

interface ActionProps {
  readonly request: Request
  readonly children: ComponentChildren
  readonly done: string
  /** Asked before it is done: for what cannot be taken back. */
  readonly question?: string
  readonly tone?: 'danger' | 'quiet' | 'main'
  readonly onDone?: (answer: unknown) => void
  readonly disabled?: boolean
}

/** A button that changes something, after a question where it cannot be taken back. */
export const Action = ({ request, children, done, question, tone, onDone, disabled = false }: ActionProps) => {
  const [isAsking, setAsking] = useState(false)
  const { isBusy, once } = useOnce({ onFault: (words) => say(words, 'bad') })
  const carry = () =>
    once(async () => {
      const answer = await carryOut<unknown>(request)
      setAsking(false)
      say(done)
      onDone?.(answer)
    })
  return (
    <>
      <button
        type="button"
        class={tone ?? ''}
        disabled={disabled || isBusy}
        onClick={() => (question ? setAsking(true) : carry())}
      >
        {children}
      </button>
      {isAsking && (
        <Dialog title="Are you sure?" onClose={() => setAsking(false)}>
          <p>{question}</p>
          <footer>
            <button type="button" onClick={() => setAsking(false)}>
              Cancel
            </button>
            <button
              type="button"
              class={tone === 'quiet' ? 'danger' : (tone ?? 'danger')}
              disabled={isBusy}
              onClick={carry}
            >
              {children}
            </button>
          </footer>
        </Dialog>
      )}
    </>
  )
}

/** What can be switched: paths that have an `/enable` and a `/disable` below them. */
type Switchable<On extends PathOf<'POST'> = PathOf<'POST'>> = On extends `${infer P}/enable`
  ? `${P}/disable` extends PathOf<'POST'>
    ? P
    : never
  : never

interface SwitchProps {
  readonly of: Switchable
  readonly params: Values
  readonly isOn: boolean
  readonly tone?: 'quiet'
}

/** A button that switches a definition off, or on again. */
export const Switch = ({ of, params, isOn, ...how }: SwitchProps) => (
  <Action
    request={change('POST', `${of}/${isOn ? 'disable' : 'enable'}` as const, { params })}
    done={isOn ? 'Switched off' : 'Switched on'}
    {...how}
  >
    {isOn ? 'Switch off' : 'Switch on'}
  </Action>
)
