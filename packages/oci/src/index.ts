/** Image-spec and runtime-spec: types, names, and readers of what others wrote. Pure: no I/O. */
export * from './command.ts'
export { type Descriptor, parseDescriptor } from './descriptor.ts'
export * from './digest.ts'
export * from './environment.ts'
export { Fields } from './fields.ts'
export { OciFormatError } from './format-error.ts'
export type { Healthcheck } from './healthcheck.ts'
export * from './image-config.ts'
export { type JsonLimits, parseJson } from './json.ts'
export * from './manifest.ts'
export * from './media-type.ts'
export {
  formatPlatform,
  hostPlatform,
  normalPlatform,
  type Platform,
  parsePlatform,
  platformFit,
} from './platform.ts'
export * from './quantity.ts'
export * from './reference.ts'
export * from './runtime-spec/config.ts'
export * from './runtime-spec/linux.ts'
export * from './runtime-spec/resources.ts'
export * from './select-manifest.ts'
export * from './signal.ts'
