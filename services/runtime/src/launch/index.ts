/** From a runtime spec to the launch plan that a monitor obeys. */
export {
  adjustCapabilities,
  CAPABILITY_NAMES,
  capabilitySets,
  DEFAULT_CAPABILITIES,
  DOCKER_CAPABILITIES,
  parseCapability,
} from './capabilities.ts'
export { DEFAULT_MASKED_PATHS, DEFAULT_READONLY_PATHS, defaultMounts, thermalPaths } from './defaults.ts'
export {
  type BindRoot,
  type ExecSettings,
  type ExecTarget,
  execRecords,
  type LaunchSettings,
  launchRecords,
  type OverlayRoot,
} from './from-spec.ts'
export type { PlanRecord } from './plan.ts'
export { encodePlan } from './plan-encode.ts'
export type { ProcessSettings } from './process-records.ts'
export { DEFAULT_RLIMITS, withDefaultRlimits } from './rlimits.ts'
