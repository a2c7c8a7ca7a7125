import { existsSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { CallObserver, Layout, ServiceName } from '@caisson/api'
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import { expositionOf, type Measurement } from './measurement.ts'

type Ended = Parameters<CallObserver['ended']>[0]

export interface ServiceMetrics extends AsyncDisposable {
  observeCall(call: Ended): void
}

/**
 * Serves Prometheus metrics over HTTP on DIR/run/<service>.metrics.sock (mode 0660); `measure` is asked for those of the
 * service itself, each time.
 */
export async function serveMetrics(
  layout: Layout,
  service: ServiceName,
  measure: () => Promise<readonly Measurement[]> = async () => [],
): Promise<ServiceMetrics> {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 })
  const calls = new Counter({
    name: 'caisson_rpc_calls_total',
    help: 'Calls that ended, by method and by how they ended.',
    labelNames: ['method', 'code'],
    registers: [registry],
  })
  const seconds = new Histogram({
    name: 'caisson_rpc_duration_seconds',
    help: 'How long calls took.',
    labelNames: ['method'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers: [registry],
  })
  const path = join(layout.runDir, `${service}.metrics.sock`)
  if (existsSync(path)) rmSync(path)
  const server = createServer((_request, response) => {
    Promise.all([registry.metrics(), measure()]).then(
      ([text, own]) =>
        response.writeHead(200, { 'content-type': registry.contentType }).end(text + expositionOf(own, { service })),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path, readableAll: false, writableAll: false }, resolve)
  })
  return {
    observeCall: ({ method, durationMs, error }) => {
      calls.inc({ method, code: error?.code ?? 'ok' })
      seconds.observe({ method }, durationMs / 1_000)
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
