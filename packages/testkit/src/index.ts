/** What tests share: an engine on a throw-away root, root file systems, registries, namespaces, and a look at what was left behind. */

export {
  CaissonCommand,
  type CaissonCommandOptions,
  type CommandOutcome,
  type TerminalStep,
} from './caisson-command.ts'
export { type Certificate, type CertificateAuthority, certificateAuthority } from './certificates.ts'
export { debianRootfs } from './debian.ts'
export { DockerEngine, needsDocker } from './docker-engine.ts'
export {
  type DockerRegistry,
  type DockerRegistryOptions,
  needsDockerRegistry,
  type RegistryAccess,
  startDockerRegistry,
} from './docker-registry.ts'
export { type EngineOptions, TestEngine } from './engine.ts'
export { inNamespaces } from './in-namespaces.ts'
export { takes32BitCalls } from './int80.ts'
export { type HostState, hostState, leftBehind } from './leaks.ts'
export { LoopDisk, type LoopDiskOptions, type LoopFileSystem, needsLoopDisk } from './loop-disk.ts'
export { needsRoot } from './root.ts'
export { busyboxRootfs, importImage, needsBusybox, staticProgram } from './rootfs.ts'
export { type Ran, runContainer } from './run.ts'
export { accessDenied, conditionalConflict, type S3Fault, type S3Interceptor, slowDown } from './s3/faults.ts'
export type { S3Call, S3Operation } from './s3/request.ts'
export { type S3Server, type S3ServerOptions, startS3Server } from './s3/server.ts'
export { type TarEntry, tar } from './tar.ts'
export { type TokenRequest, type TokenServer, type TokenServerOptions, tokenServer } from './token-server.ts'
export { loadImages, pullImages } from './transfers.ts'
