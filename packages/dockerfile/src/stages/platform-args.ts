/** What a build runs on, or for, in the spelling of the image spec. */
export interface BuildPlatform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
  readonly osVersion?: string
}

/** Variables that FROM lines know by themselves, and stages once they declare them with ARG. */
export function platformArgs(target: BuildPlatform, build: BuildPlatform, targetStage: string): Map<string, string> {
  const args = [...argsOf('TARGET', target), ...argsOf('BUILD', build)]
  return new Map([...args, ['TARGETSTAGE', targetStage]])
}

/** "linux/arm64/v8" */
export function formatBuildPlatform({ os, architecture, variant }: BuildPlatform): string {
  return [os, architecture, ...(variant === undefined || variant === '' ? [] : [variant])].join('/')
}

function argsOf(prefix: string, platform: BuildPlatform): [string, string][] {
  return [
    [`${prefix}PLATFORM`, formatBuildPlatform(platform)],
    [`${prefix}OS`, platform.os],
    [`${prefix}OSVERSION`, platform.osVersion ?? ''],
    [`${prefix}ARCH`, platform.architecture],
    [`${prefix}VARIANT`, platform.variant ?? ''],
  ]
}

const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY']
/** Build arguments that RUN sees without an ARG; they are no part of what a result is cached by. */
export const PROXY_ARGS: ReadonlySet<string> = new Set(PROXIES.flatMap((name) => [name, name.toLowerCase()]))
