// Fields of forms, with their labels, hints and faults, and the API call that a form makes.
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useState } from 'preact/hooks'
import type { Request } from '../lib/api.ts'
import { Code } from './small.tsx'

interface FieldProps {
  readonly label: string
  readonly hint?: ComponentChildren
  readonly fault?: string | undefined
  readonly children: (ids: {
    readonly id: string
    readonly 'aria-describedby': string | undefined
  }) => ComponentChildren
}

export const Field = ({ label, hint, fault, children }: FieldProps) => {
  const id = useId()
  const said = hint !== undefined || fault !== undefined
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, 'aria-describedby': said ? `${id}-said` : undefined })}
      {said && (
        <p id={`${id}-said`} class={fault === undefined ? 'hint' : 'hint fault'}>
          {fault ?? hint}
        </p>
      )}
    </div>
  )
}

interface Plain {
  readonly type?: 'text' | 'password' | 'number' | 'email'
  readonly required?: boolean
  readonly placeholder?: string
  readonly maxLength?: number
  readonly min?: string
  readonly max?: string
  readonly step?: string
  readonly autocomplete?: 'username' | 'current-password' | 'new-password' | 'off'
}

interface TextProps extends Plain {
  readonly label: string
  readonly value: string
  readonly onValue: (value: string) => void
  readonly hint?: ComponentChildren
  readonly fault?: string | undefined
}

export const Text = ({ label, value, onValue, hint, fault, type = 'text', ...rest }: TextProps) => (
  <Field label={label} hint={hint} fault={fault}>
    {(ids) => (
      <input
        autocomplete="off"
        {...rest}
        {...ids}
        type={type as 'text'}
        value={value}
        onInput={(e) => onValue(e.currentTarget.value)}
      />
    )}
  </Field>
)

interface NumberProps extends Omit<Plain, 'type' | 'autocomplete' | 'maxLength'> {
  readonly value: unknown
  /** Undefined: nothing, or nothing that is a number, stands in the field. */
  readonly onValue: (value: number | undefined) => void
  /** How many of what the value counts are one of what is written: 100 for money. */
  readonly parts?: number
}

interface NumberInputProps extends NumberProps {
  readonly id?: string
  readonly class?: string
  readonly 'aria-label'?: string
  readonly 'aria-describedby'?: string | undefined
}

/** A number. What was written stands as it is while it says the value: `1.0` on the way to `1.05`. */
export const NumberInput = ({ value, onValue, parts = 1, ...rest }: NumberInputProps) => {
  const [written, setWritten] = useState('')
  const read = (text: string): number | undefined => {
    if (text === '') return undefined
    return parts === 1 ? Number(text) : Math.round(Number(text) * parts)
  }
  const said = typeof value === 'number' ? String(value / parts) : ''
  return (
    <input
      autocomplete="off"
      step="any"
      {...rest}
      type="number"
      value={read(written) === value ? written : said}
      onInput={(e) => {
        const text = e.currentTarget.value
        setWritten(text)
        onValue(read(text))
      }}
    />
  )
}

interface NumberFieldProps extends NumberProps {
  readonly label: string
  readonly hint?: ComponentChildren
}

export const NumberField = ({ label, hint, ...rest }: NumberFieldProps) => (
  <Field label={label} hint={hint}>
    {(ids) => <NumberInput {...rest} {...ids} />}
  </Field>
)

interface AreaProps {
  readonly label: string
  readonly value: string
  readonly onValue: (value: string) => void
  readonly hint?: ComponentChildren
  readonly fault?: string | undefined
  readonly rows?: number
  readonly isCode?: boolean
}

export const Area = ({ label, value, onValue, hint, fault, rows = 6, isCode = false }: AreaProps) => (
  <Field label={label} hint={hint} fault={fault}>
    {(ids) => (
      <textarea
        {...ids}
        rows={rows}
        class={isCode ? 'mono' : ''}
        spellcheck={!isCode}
        value={value}
        onInput={(e) => onValue(e.currentTarget.value)}
      />
    )}
  </Field>
)

export type Options = readonly (readonly [value: string, label: string])[]

interface ChoiceProps {
  readonly label: string
  readonly value: string
  readonly onValue: (value: string) => void
  readonly options: Options
  readonly hint?: ComponentChildren
}

export const Choice = ({ label, value, onValue, options, hint }: ChoiceProps) => (
  <Field label={label} hint={hint}>
    {(ids) => <Select {...ids} value={value} onValue={onValue} options={options} />}
  </Field>
)

interface SelectProps extends Omit<ChoiceProps, 'label' | 'hint'> {
  readonly id?: string
  readonly 'aria-label'?: string
}

/**
 * A choice of one. Browsers show the first option where the value is none of them, so what is shown is made the value: options may
 * come after the form was opened. A value that is no option any more stays, as one.
 */
export const Select = ({ value, onValue, options, ...rest }: SelectProps) => {
  const isKnown = options.some(([one]) => one === value)
  const first = options[0]?.[0]
  const taken = !isKnown && value === '' ? first : undefined
  useEffect(() => {
    if (taken !== undefined) onValue(taken)
  }, [taken])
  const shown = isKnown || value === '' ? options : [[value, value] as const, ...options]
  return (
    <select {...rest} value={value} onChange={(e) => onValue(e.currentTarget.value)}>
      {shown.map(([one, label]) => (
        <option key={one} value={one} selected={one === value}>
          {label}
        </option>
      ))}
    </select>
  )
}

interface CheckProps {
  readonly label: string
  readonly checked: boolean
  readonly onChecked: (checked: boolean) => void
}

export const Check = ({ label, checked, onChecked }: CheckProps) => (
  <label class="check">
    <input type="checkbox" checked={checked} onChange={(e) => onChecked(e.currentTarget.checked)} />
    <span>{label}</span>
  </label>
)

interface FormProps {
  readonly onSend: () => unknown
  readonly children: ComponentChildren
  readonly class?: string
}

/** A form that this page carries out; the browser sends nothing. */
export const Form = ({ onSend, children, ...rest }: FormProps) => (
  <form
    {...rest}
    onSubmit={(event) => {
      event.preventDefault()
      onSend()
    }}
  >
    {children}
  </form>
)

/** What went wrong; nothing while nothing did. */
export const Fault = ({ text }: { readonly text: string | undefined }) =>
  text === undefined ? null : (
    <p class="note" data-tone="bad" role="alert">
      {text}
    </p>
  )

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** A request as a command line that anybody with a key can run. */
const curlOf = (
  { method, path, body, file, ifMatch }: Request,
  key = '-H "X-App-Id: $APP_ID" -H "X-App-Token: $APP_TOKEN"',
): string => {
  const url = `${window.location.origin}${path}`
  const match = ifMatch === undefined ? '' : ` \\\n  -H ${quoted(`If-Match: ${ifMatch}`)}`
  const first = `curl -X ${method} ${/[?&]/.test(url) ? quoted(url) : url} \\\n  ${key}${match}`
  if (file !== undefined) return `${first} \\\n  -F ${quoted(`file=@${file.name}`)}`
  return body === undefined
    ? first
    : `${first} \\\n  -H 'Content-Type: application/json' \\\n  -d ${quoted(JSON.stringify(body, undefined, 2))}`
}

/** The API call that a form makes, as it stands now. */
export const ApiCall = ({ request }: { readonly request: Request }) => (
  <details class="call">
    <summary>The API call this makes</summary>
    <Code text={curlOf(request)} label="API call" />
  </details>
)
