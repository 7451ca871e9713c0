// What the product has of the engines: starting them. Beside it, as paths of their own that load no more than they need: copies of
// their data (`/copy`), and files that nobody else of the machine reads (`/private`).
export { EngineRefused } from './host.ts'
export { type EngineUrls, startEngines } from './start.ts'
