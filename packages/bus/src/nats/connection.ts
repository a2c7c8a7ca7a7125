import { readFileSync } from 'node:fs'
import { type JetStreamManager, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream'
import { type ConnectionOptions, connect, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import type { BusConfig } from '../config.ts'
import { ALL_EVENTS } from '../subjects.ts'

/** Two minutes: longer than a relay needs to find out that a publish whose answer was lost had arrived. */
const DUPLICATE_WINDOW_NS = 120_000_000_000

/** Connects to NATS. Throws when no server answers; a connection that breaks later is made again by itself. */
export async function connectNats(config: BusConfig): Promise<NatsConnection> {
  return connect(connectionOptions(config))
}

function connectionOptions(config: BusConfig): ConnectionOptions {
  const tls = {
    ...(config.caFile === '' ? {} : { caFile: config.caFile }),
    ...(config.certFile === '' ? {} : { certFile: config.certFile, keyFile: config.keyFile }),
  }
  return {
    servers: [...config.servers],
    name: 'caisson',
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    timeout: 5_000,
    pingInterval: 5_000,
    ...(Object.keys(tls).length > 0 ? { tls } : {}),
    ...(config.credentialsFile === ''
      ? {}
      : { authenticator: credsAuthenticator(readFileSync(config.credentialsFile)) }),
  }
}

/** Sees to it that the stream is there, with the limits of the configuration. */
export async function ensureStream(connection: NatsConnection, config: BusConfig): Promise<JetStreamManager> {
  const manager = await jetstreamManager(connection)
  const limits = {
    max_age: config.maxAgeHours * 3_600_000_000_000,
    max_bytes: config.maxBytes,
    num_replicas: config.replicas,
  }
  const stream = {
    subjects: [ALL_EVENTS],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    duplicate_window: DUPLICATE_WINDOW_NS,
    ...limits,
  }
  const found = await manager.streams.info(config.stream).catch(() => undefined)
  if (found) await manager.streams.update(config.stream, limits)
  else await manager.streams.add({ name: config.stream, ...stream })
  return manager
}
