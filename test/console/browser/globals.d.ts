// What functions that run in the page see there; the rest of the tests runs in Node.
declare const document: {
  querySelector(selector: string): unknown
  readonly documentElement: { readonly scrollWidth: number; readonly clientWidth: number }
}
declare const history: { pushState(state: null, unused: string, to: string): void }
declare const dispatchEvent: (event: Event) => boolean
declare const requestAnimationFrame: (then: (value?: unknown) => void) => number
declare const location: { readonly origin: string }
