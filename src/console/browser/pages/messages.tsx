// Messages: the distributions that ask for them, and the outbox with what became of each.
export { Distribution, Distributions } from './distributions.tsx'
export { Message, Outbox } from './outbox.tsx'
