/** The event bus: direct event logs on one host, NATS JetStream across hosts. */
export { type BusConfig, busConfig } from './config.ts'
export { directBus } from './direct.ts'
export { natsBus } from './nats/bus.ts'
export { connectNats } from './nats/connection.ts'
export { type RelayObserver, relayEvents, startRelay } from './nats/relay.ts'
export type { BusItem, EventBus, EventSource, WatchOptions } from './ports.ts'
