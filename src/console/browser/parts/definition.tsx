// Making and changing a definition: the fields that matter most, the whole request as JSON, and the API call that it is.

import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { carryOut, type Request, send, tagOf } from '../lib/api.ts'
import { readJson } from '../lib/json.ts'
import { useOnce } from '../lib/once.ts'
import type { Fields } from '../lib/shapes.ts'
import { Dialog } from './dialog.tsx'
import { ApiCall, Area, Check, Choice, Fault, Form, NumberField, type Options, Text } from './form.tsx'
import { say, sayFault } from './toast.tsx'

/** A field of the form, by its path in the request's body. */
export interface FormField {
  readonly path: string
  readonly label: string
  readonly kind?: 'number' | 'choice' | 'check' | 'area' | 'money'
  readonly options?: Options
  readonly hint?: string
  readonly isRequired?: boolean
  /** Shown only while this holds of the body. */
  readonly when?: (body: Fields) => boolean
}

const valueAt = (body: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((value, name) => (value as Fields | undefined)?.[name], body)

/** The body with another value at a path; undefined takes it away. */
const withValue = (body: unknown, [name, ...rest]: readonly string[], value: unknown): unknown => {
  const index = Array.isArray(body)
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const inner = rest.length === 0 ? value : withValue(fields[name!], rest, value)
  if (index) return (body as readonly unknown[]).map((one, i) => (String(i) === name ? inner : one))
  const { [name!]: _, ...others } = fields
  return inner === undefined ? others : { ...fields, [name!]: inner }
}

/** What a form of changes begins with: these fields of what is there, without those that are empty. */
export const partsOf = (of: object, names: readonly string[]): Fields =>
  Object.fromEntries(names.map((name) => [name, (of as Fields)[name]]).filter(([, value]) => value != null))

/** A request changes what it names, so what was emptied is named as null. */
export const withEmptied = (body: unknown, names: readonly string[]): Fields => ({
  ...Object.fromEntries(names.map((name) => [name, null])),
  ...(body as Fields),
})

interface FieldProps {
  readonly field: FormField
  readonly value: unknown
  readonly onValue: (value: unknown) => void
}

const FieldInput = ({ field: { label, kind, options = [], hint, isRequired = false }, value, onValue }: FieldProps) => {
  const text = value === undefined || value === null ? '' : String(value)
  switch (kind) {
    case 'choice':
      return (
        <Choice
          label={label}
          value={text}
          options={options}
          hint={hint}
          onValue={(one) => onValue(one === '' ? undefined : one)}
        />
      )
    case 'check':
      return <Check label={label} checked={value === true} onChecked={onValue} />
    case 'area':
      return (
        <Area
          label={label}
          value={text}
          hint={hint}
          rows={5}
          onValue={(one) => onValue(one === '' ? undefined : one)}
        />
      )
    case 'number':
      return <NumberField label={label} value={value} hint={hint} required={isRequired} onValue={onValue} />
    case 'money':
      return (
        <NumberField
          label={label}
          parts={100}
          step="0.01"
          value={value}
          hint={hint}
          required={isRequired}
          onValue={onValue}
        />
      )
    default:
      return (
        <Text
          label={label}
          value={text}
          hint={hint}
          required={isRequired}
          onValue={(one) => onValue(one === '' ? undefined : one)}
        />
      )
  }
}

/** What a form begins with. */
interface Beginning<T> {
  readonly start: unknown
  /** What is changed, as it was answered: the change is refused when somebody else changed it since the form was opened. */
  readonly of: T
}

interface FormProps<T> {
  readonly title: string
  readonly button: ComponentChildren
  readonly tone?: 'main' | 'quiet'
  readonly fields: readonly FormField[]
  readonly request: (body: unknown, of: T) => Request
  readonly done?: string
  readonly onDone?: (answer: unknown) => void
}

interface ButtonProps<T> extends FormProps<T> {
  readonly begin: () => Beginning<T> | Promise<Beginning<T>>
}

const FormButton = <T extends object | undefined>({
  title,
  button,
  tone,
  begin,
  fields,
  request: asked,
  done = 'Saved',
  onDone,
}: ButtonProps<T>) => {
  /** While the form is open: what it changes. */
  const [opened, setOpened] = useState<{ readonly of: T }>()
  const [body, setBody] = useState<unknown>()
  const [written, setWritten] = useState<string>()
  const { fault, isBusy, once, clear } = useOnce()
  /** Why what stands in the field is not what would be sent. */
  const unread = written === undefined ? undefined : readJson(written).fault
  const request = ({ of }: { readonly of: T }): Request => ({ ...asked(body, of), ifMatch: tagOf(of) })
  const open = async () => {
    try {
      const { start, of } = await begin()
      setBody(start)
      setOpened({ of })
    } catch (error) {
      sayFault(error)
    }
  }
  const close = () => {
    setOpened(undefined)
    setWritten(undefined)
    clear()
  }
  const write = (text: string) => {
    setWritten(text)
    const read = readJson(text)
    // Until it is JSON, the last that was stands.
    if (!('fault' in read)) setBody(read.value)
  }
  const save = (to: Request) =>
    once(async () => {
      const answer = await carryOut<unknown>(to)
      close()
      say(done)
      onDone?.(answer)
    })
  return (
    <>
      <button type="button" class={tone ?? ''} onClick={open}>
        {button}
      </button>
      {opened && (
        <Dialog title={title} onClose={close} isWide>
          <Form onSend={() => save(request(opened))}>
            <div class="form-grid">
              {fields
                .filter(({ when }) => when === undefined || when(body as Fields))
                .map((field) => (
                  <FieldInput
                    key={field.path}
                    field={field}
                    value={valueAt(body, field.path)}
                    onValue={(value) => {
                      setWritten(undefined)
                      setBody((before: unknown) => withValue(before, field.path.split('.'), value))
                    }}
                  />
                ))}
            </div>
            <details>
              <summary>All of it as JSON</summary>
              <Area
                label="The request’s body"
                isCode
                rows={14}
                value={written ?? JSON.stringify(body, undefined, 2)}
                onValue={write}
                fault={unread}
              />
            </details>
            <ApiCall request={request(opened)} />
            <Fault text={fault} />
            <footer>
              <button type="button" onClick={close}>
                Cancel
              </button>
              <button type="submit" class="main" disabled={isBusy || unread !== undefined}>
                Save
              </button>
            </footer>
          </Form>
        </Dialog>
      )}
    </>
  )
}

/** A button that opens the form. */
export const Definition = ({ start, of, ...rest }: FormProps<object | undefined> & Partial<Beginning<object>>) => (
  <FormButton {...rest} begin={() => ({ start, of })} />
)

interface RowProps<T> extends FormProps<T> {
  /** Where it is read when the form is opened: a list may be old, and has no tag for each of its rows. */
  readonly address: string
  readonly start: (one: T) => unknown
}

/** As Definition, for what is one of a list. */
export const RowDefinition = <T extends object>({ address, start, ...rest }: RowProps<T>) => (
  <FormButton
    {...rest}
    begin={async () => {
      const of = await send<T>({ method: 'GET', path: address })
      return { start: start(of), of }
    }}
  />
)
