import { join, resolve } from 'node:path'
import { relayEvents } from '@caisson/bus'
import { byteSockets, EventLog, run, Store, serve } from '@caisson/service-kit'
import { configSchema, treeLimits } from './config.ts'
import { openStateDir } from './disk/state-dir.ts'
import { diffTool } from './layer/diff-tool.ts'
import { createDiffer } from './layer/differ.ts'
import { layerTool } from './layer/layer-tool.ts'
import { quotaTool } from './layer/quota-tool.ts'
import { treeTool } from './layer/tree-tool.ts'
import { createUnpacker } from './layer/unpacker.ts'
import { openRegistries } from './registry/client.ts'
import { createImageStore } from './service.ts'
import { migrations } from './store/migrations.ts'

const SERVICE = 'image-store'
// src/ and dist/ both lie beside native/.
const HELPER = join(import.meta.dirname, '../native/build/caisson-layer')
const DESCRIPTORS = join(import.meta.dirname, '../../../packages/api/src/gen/descriptors.binpb')

await run(SERVICE, configSchema, async ({ config, log, layout, dataDir, stack }) => {
  const dir = openStateDir(dataDir)
  const db = stack.use(new Store(dir.database, migrations))
  const { hostName, eventRetention: retention, stopGraceMs } = config
  const events = new EventLog(db, { service: SERVICE, hostName, retention })
  stack.use(relayEvents(config.bus, events, log))
  const tool = layerTool(createUnpacker(HELPER), config.maxId)
  const registries = stack.use(openRegistries(config))
  const place = config.trust === '' ? 'trust.json' : config.trust
  const trust = { file: resolve(layout.configDir, place), isRequired: config.trust !== '' }
  const trees = treeTool(HELPER, treeLimits(config))
  const tools = { tool, diffTool: diffTool(createDiffer(HELPER)), trees, quotaTool: quotaTool(HELPER) }
  const sockets = byteSockets(layout.runDir, SERVICE)
  const store = stack.use(createImageStore({ dir, db, events, ...tools, registries, sockets, config, log, trust }))
  store.reconcile()
  const { register } = store
  stack.use(await serve({ service: SERVICE, layout, log, events, stopGraceMs, descriptors: DESCRIPTORS, register }))
})
