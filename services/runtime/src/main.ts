import { join } from 'node:path'
import { Channel, socketAddress } from '@caisson/api'
import { EventLog, run, Store, serve } from '@caisson/service-kit'
import { hostControlGroups, removeIfEmpty } from './adapters/control-groups.ts'
import { engineName } from './adapters/engine-name.ts'
import { execLauncher } from './adapters/exec-launcher.ts'
import { hostFacts } from './adapters/host-facts.ts'
import { hostInfo } from './adapters/host-info.ts'
import { hostTrees } from './adapters/host-trees.ts'
import { imageStoreRoots } from './adapters/image-store.ts'
import { imageStoreFiles } from './adapters/image-store-files.ts'
import { makeSkeleton, monitorLauncher } from './adapters/launcher.ts'
import { networkSandboxes } from './adapters/network.ts'
import { hostProcesses } from './adapters/processes.ts'
import { openSpawner } from './adapters/spawner.ts'
import { prepareCgroupHost, readCgroupLayout } from './cgroup/index.ts'
import { configSchema } from './config.ts'
import { createRuntimeService } from './service.ts'
import { migrations } from './store/migrations.ts'

const NATIVE = join(import.meta.dirname, '../native/build')
const DESCRIPTORS = join(import.meta.dirname, '../../../packages/api/src/gen/descriptors.binpb')

await run('runtime', configSchema, async ({ stack, config, log, layout, dataDir }) => {
  const store = stack.use(new Store(join(dataDir, 'runtime.db'), migrations))
  const { hostName, eventRetention, stopGraceMs, idRangeStart, idRangeCount, startTimeoutMs } = config
  const eventLog = new EventLog(store, { service: 'runtime', hostName, retention: eventRetention })
  const cgroups = await prepareCgroupHost(await readCgroupLayout(), engineName(layout.stateDir))
  stack.defer(() => removeIfEmpty(cgroups))
  const facts = hostFacts()
  const processes = hostProcesses()
  const { spawn, favorCgroupMoves } = stack.use(openSpawner(NATIVE, log))
  if (config.favorCgroupMoves) favorCgroupMoves(cgroups.layout)
  const imageStore = stack.use(new Channel(socketAddress(layout.runDir, 'image-store')))
  const network = stack.use(new Channel(socketAddress(layout.runDir, 'network')))
  const service = createRuntimeService({
    store,
    eventLog,
    roots: imageStoreRoots(imageStore, config.prepareTimeoutMs),
    files: imageStoreFiles(imageStore),
    trees: hostTrees(),
    sandboxes: networkSandboxes(network),
    monitors: monitorLauncher({ cgroups, facts, spawn, skeleton: makeSkeleton(join(dataDir, 'skeleton')) }),
    execMonitors: execLauncher(cgroups, spawn),
    controlGroups: hostControlGroups(cgroups, facts),
    processes,
    hostInfo: hostInfo(cgroups, hostName, dataDir, processes.bootId),
    ...{ dataDir, idRangeStart, idRangeCount, startTimeoutMs, log },
  })
  stack.use(service)
  await service.reconcile()
  const stopping = new AbortController()
  stack.defer(() => stopping.abort())
  stack.use(
    await serve({
      ...{ service: 'runtime', layout, log, events: eventLog, stopGraceMs, descriptors: DESCRIPTORS },
      register: (server) => service.register(server),
    }),
  )
  void service.clearLeftovers(stopping.signal)
  void service.agreeOnNetworks(stopping.signal)
})
