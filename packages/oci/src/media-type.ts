/** Media types of OCI images and of Docker's schema 2. */
export const MEDIA_TYPE = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  ociForeignLayer: 'application/vnd.oci.image.layer.nondistributable.v1.tar',
  ociForeignLayerGzip: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  ociForeignLayerZstd: 'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerLayerZstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
  dockerForeignLayerGzip: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
} as const

export type LayerCompression = 'none' | 'gzip' | 'zstd'

const LAYERS: ReadonlyMap<string, { readonly compression: LayerCompression; readonly isForeign: boolean }> = new Map([
  [MEDIA_TYPE.ociLayer, { compression: 'none', isForeign: false }],
  [MEDIA_TYPE.ociLayerGzip, { compression: 'gzip', isForeign: false }],
  [MEDIA_TYPE.ociLayerZstd, { compression: 'zstd', isForeign: false }],
  [MEDIA_TYPE.ociForeignLayer, { compression: 'none', isForeign: true }],
  [MEDIA_TYPE.ociForeignLayerGzip, { compression: 'gzip', isForeign: true }],
  [MEDIA_TYPE.ociForeignLayerZstd, { compression: 'zstd', isForeign: true }],
  [MEDIA_TYPE.dockerLayer, { compression: 'none', isForeign: false }],
  [MEDIA_TYPE.dockerLayerGzip, { compression: 'gzip', isForeign: false }],
  [MEDIA_TYPE.dockerLayerZstd, { compression: 'zstd', isForeign: false }],
  [MEDIA_TYPE.dockerForeignLayerGzip, { compression: 'gzip', isForeign: true }],
])

/** Signed schema 1 manifests: never accepted. */
const LEGACY = /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/

export const isIndexType = (type: string): boolean => type === MEDIA_TYPE.ociIndex || type === MEDIA_TYPE.dockerIndex
export const isManifestType = (type: string): boolean =>
  type === MEDIA_TYPE.ociManifest || type === MEDIA_TYPE.dockerManifest
export const isConfigType = (type: string): boolean => type === MEDIA_TYPE.ociConfig || type === MEDIA_TYPE.dockerConfig
export const isLegacyManifestType = (type: string): boolean => LEGACY.test(type)

/** A layer of an image's root file system, as far as the type tells; what a blob holds is told by its first bytes. */
export const isLayerType = (type: string): boolean => LAYERS.has(type)
/** Undefined for a type that is no file system layer. */
export const layerCompression = (type: string): LayerCompression | undefined => LAYERS.get(type)?.compression
/** Layers that registries do not hold. */
export const isForeignLayer = (type: string): boolean => LAYERS.get(type)?.isForeign ?? false
