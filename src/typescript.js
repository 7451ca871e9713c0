// Makes Node read TypeScript: imported first by whatever starts a process or a thread of the product.
// Types are taken away and nothing is added: loaders for development wrap every inner function to keep its name, which costs
// a server a good part of its speed.
import { register } from 'node:module'

register('./typescript-hooks.js', import.meta.url)
process.setSourceMapsEnabled(true)
