// Where we are: the address in the browser says what is shown, and links change it without loading the page anew.
import { computed, signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'

export const BASE = '/console'

const here = (): string => window.location.pathname + window.location.search
const address = signal(here())

export const path = computed(() => address.value.split('?')[0]!.slice(BASE.length).replace(/\/$/, '') || '/')
export const query = computed(() => new URLSearchParams(address.value.split('?')[1] ?? ''))

window.addEventListener('popstate', () => {
  address.value = here()
})

const fullOf = (to: string): string => (to === '/' ? BASE : BASE + to)

/** Shows another address of the console; `replace` leaves no step to go back to. */
export const go = (to: string, { replace = false } = {}): void => {
  const full = fullOf(to)
  if (full === address.value) return
  window.history[replace ? 'replaceState' : 'pushState'](null, '', full)
  address.value = here()
  if (!replace) window.scrollTo(0, 0)
}

/** The address shown with another value of one parameter; an empty one takes it away. */
export const withQuery = (changed: Readonly<Record<string, string | undefined>>): string => {
  const search = new URLSearchParams(query.value)
  for (const [name, value] of Object.entries(changed))
    if (value === undefined || value === '') search.delete(name)
    else search.set(name, value)
  const text = search.toString()
  return (path.value === '/' ? '' : path.value) + (text === '' ? '' : `?${text}`)
}

interface LinkProps {
  readonly to: string
  readonly class?: string
  readonly 'aria-current'?: 'page' | undefined
  readonly children: ComponentChildren
}

/** A link within the console; with a modifier key or the middle button it is the browser's. */
export const Link = ({ to, children, ...rest }: LinkProps) => (
  <a
    {...rest}
    href={fullOf(to)}
    onClick={(event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return
      event.preventDefault()
      go(to)
    }}
  >
    {children}
  </a>
)

export type Params = Readonly<Record<string, string>>

/** The parameters of a path that has this form, `/customers/:id`; undefined for another. */
export const matched = (form: string, shown: string): Params | undefined => {
  const [wanted, given] = [form.split('/'), shown.split('/')]
  if (wanted.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (const [i, part] of wanted.entries()) {
    if (part.startsWith(':')) params[part.slice(1)] = decodeURIComponent(given[i]!)
    else if (part !== given[i]) return undefined
  }
  return params
}
