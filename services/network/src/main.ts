import { join } from 'node:path'
import { relayEvents } from '@caisson/bus'
import { EventLog, run, Store, serve } from '@caisson/service-kit'
import { configSchema } from './config.ts'
import { networkEvents } from './events.ts'
import { Host } from './host/host.ts'
import { ResolvConfWatch } from './host/resolv-conf-watch.ts'
import { Resolver } from './name-server/resolver.ts'
import { engineTag } from './network/networks.ts'
import { createNetworkService } from './service.ts'
import { migrations } from './store/migrations.ts'
import { forwardingMemory, NetworkStore } from './store/network-store.ts'

await run('network', configSchema, async ({ config, log, layout, dataDir, stack }) => {
  const db = stack.use(new Store(join(dataDir, 'network.db'), migrations))
  const { hostName, eventRetention: retention, stopGraceMs } = config
  const eventLog = new EventLog(db, { service: 'network', hostName, retention })
  const tag = engineTag(layout.runDir)
  const pinFolder = join(layout.runDir, 'netns')
  const host = stack.use(new Host({ tag, pinFolder, forwarding: forwardingMemory(db), log }))
  const resolver = stack.use(new Resolver({ runDir: layout.runDir, log }))
  stack.use(relayEvents(config.bus, eventLog, log))
  const service = createNetworkService({
    store: new NetworkStore(db),
    host,
    nameServer: resolver,
    events: networkEvents(eventLog),
    log,
    tag,
    config,
  })
  const changed = (content: string): void => service.useHostNameServers(content)
  stack.use(new ResolvConfWatch({ path: '/etc/resolv.conf', changed, log }))
  service.reconcile()
  resolver.settle()
  stack.defer(() => service.close())
  stack.use(
    host.watchFirewall(() => {
      log.warn('somebody removed the firewall rules: they are put back')
      service.restoreFirewall()
    }),
  )
  const descriptors = join(import.meta.dirname, '../../../packages/api/src/gen/descriptors.binpb')
  stack.use(
    await serve({
      service: 'network',
      layout,
      log,
      events: eventLog,
      stopGraceMs,
      descriptors,
      register: (server) => service.register(server),
      measure: () => service.measure(),
    }),
  )
})
