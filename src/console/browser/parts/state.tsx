// What stands where there is nothing to show yet, nothing at all, or something went wrong.
import type { ComponentChildren } from 'preact'
import { ApiError, wordsOf } from '../lib/api.ts'

export const Loading = ({ rows = 5 }: { readonly rows?: number }) => (
  <div class="loading" role="status" aria-label="Loading">
    {Array.from({ length: rows }, (_, i) => (
      <span key={i} class="bone" data-width={i % 3} />
    ))}
  </div>
)

interface EmptyProps {
  readonly title: string
  readonly children?: ComponentChildren
  readonly action?: ComponentChildren
}

export const Empty = ({ title, children, action }: EmptyProps) => (
  <div class="empty">
    <svg viewBox="0 0 48 48" width="40" height="40" aria-hidden="true">
      <path d="M14 8c0 12 10 10 10 22v10M34 8c0 12-10 10-10 22" />
    </svg>
    <p class="empty-title">{title}</p>
    {children && <p class="soft">{children}</p>}
    {action && <div class="row center">{action}</div>}
  </div>
)

export const Failed = ({ error, again }: { readonly error: unknown; readonly again?: (() => void) | undefined }) => {
  const { status, requestId } = error instanceof ApiError ? error : { status: undefined, requestId: undefined }
  const title =
    status === 403
      ? 'Your role may not see this'
      : status === 404
        ? 'There is nothing here'
        : status === 0
          ? 'The server cannot be reached'
          : 'This could not be shown'
  return (
    <div class="failed" role="alert">
      <p class="empty-title">{title}</p>
      <p>{wordsOf(error)}</p>
      {requestId && (
        <p class="soft small">
          The server’s log tells more under <code>{requestId}</code>.
        </p>
      )}
      {again && status !== 403 && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  )
}

interface ShownProps<T> {
  readonly of: { readonly data: T | undefined; readonly error: unknown; readonly again?: () => void }
  readonly rows?: number
  readonly children: (data: T) => ComponentChildren
}

/** What was asked for, or why it is not there. */
export const Shown = <T,>({ of, rows, children }: ShownProps<T>) => {
  if (of.data !== undefined) return <>{children(of.data)}</>
  if (of.error !== undefined) return <Failed error={of.error} again={of.again} />
  return <Loading {...(rows === undefined ? {} : { rows })} />
}
