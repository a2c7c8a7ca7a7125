/** The contract in TypeScript: errors, clients, servers, and how to dial a service. Generated types are in their own entry points. */

export { SERVICES, type ServiceName, socketAddress } from './address.ts'
export * from './error/error.ts'
export { HealthCheckResponse_ServingStatus as ServingStatus, HealthDefinition } from './gen/grpc/health/v1/health.ts'
export { type CallOptions, Channel, type ServiceClient } from './grpc/client.ts'
export type { Partially, ServiceDefinition } from './grpc/definition.ts'
export { Health } from './grpc/health.ts'
export { type CallContext, type CallObserver, type Handlers, RpcServer } from './grpc/server.ts'
export { type Layout, layoutOf } from './layout.ts'
export { receivedChunks } from './received-chunks.ts'
export { fromTimestamp, now, type Timestamp, toTimestamp } from './timestamp.ts'
export { Upload, type UploadMessage } from './upload.ts'
