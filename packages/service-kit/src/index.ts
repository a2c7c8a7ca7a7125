/** What every service's main shares. */
export { baseConfig, loadConfig } from './config.ts'
export { type EventDraft, EventLog } from './event-log/event-log.ts'
export { eventLogHandlers } from './event-log/rpc.ts'
export { eventMigrations } from './event-log/store.ts'
export { createLogger, type Logger } from './logger.ts'
export { run, type ServiceContext } from './run.ts'
export { type ServeOptions, serve } from './serve.ts'
export { type Durability, type Migration, Store } from './store/store.ts'
