// What those ask who run the system, and those who check it.
export { Audit } from './audit.tsx'
export { System } from './system.tsx'
