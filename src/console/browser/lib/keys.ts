// The keyboard: `?` shows the keys, `g` and a letter go to a page, `/` goes to the search of the page.
import { signal } from '@preact/signals'
import { go } from './router.tsx'

export const keysShown = signal(false)

export const GOES: readonly (readonly [key: string, to: string, name: string])[] = [
  ['h', '/', 'Home'],
  ['c', '/customers', 'Customers'],
  ['e', '/event-schemas', 'Event schemas'],
  ['p', '/metadata-schemas', 'Metadata schemas'],
  ['r', '/refused', 'Refused events'],
  ['s', '/segments', 'Segments'],
  ['i', '/imports', 'Imports'],
  ['l', '/loyalty', 'Loyalty programs'],
  ['k', '/campaigns', 'Campaigns and codes'],
  ['t', '/stacking-rules', 'Stacking rules'],
  ['d', '/distributions', 'Distributions'],
  ['m', '/messages', 'Outbox'],
  ['a', '/audit', 'Audit'],
  ['y', '/system', 'System'],
]

/** How long after `g` the letter may come, ms. */
const WAIT_MS = 1_500

const isWriting = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|SELECT|TEXTAREA)$/.test(target.tagName))

export const listenToKeys = (): void => {
  let going = 0
  document.addEventListener('keydown', (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey || isWriting(event.target)) return
    if (document.querySelector('dialog[open]')) return
    const { key } = event
    if (key === '?') keysShown.value = true
    else if (key === '/') {
      const search = document.querySelector<HTMLInputElement>('main input[type="search"]')
      if (search === null) return
      search.focus()
      event.preventDefault()
    } else if (key === 'g') going = event.timeStamp
    else if (event.timeStamp - going < WAIT_MS) {
      const place = GOES.find(([letter]) => letter === key)
      going = 0
      if (place) go(place[1])
    }
  })
}
