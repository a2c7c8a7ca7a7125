import type { ContainerSpec } from './spec.ts'

/** Everything in a spec that is looser than the default, in words that can be searched for. */
export function loosenedBy(spec: ContainerSpec): string[] {
  const { security, namespaces } = spec
  const words: string[] = []
  if (security.privileged) words.push('privileged')
  for (const [kind, mode] of Object.entries(namespaces)) if (mode === 'host') words.push(`${kind}ns=host`)
  if (spec.network.mode === 'host') words.push('netns=host')
  if (spec.network.mode === 'shared') words.push(`netns=container:${spec.network.container}`)
  words.push(...security.capAdd.map((name) => `cap_add=${name}`))
  if (!security.noNewPrivileges) words.push('no_new_privileges=false')
  if (security.seccompProfile !== '')
    words.push(security.seccompProfile === 'unconfined' ? 'seccomp=unconfined' : 'seccomp=custom')
  if (security.maskedPaths) words.push('masked_paths=custom')
  if (security.readonlyPaths) words.push('readonly_paths=custom')
  words.push(...spec.devices.map(({ hostPath, permissions }) => `device=${hostPath}:${permissions}`))
  words.push(...looseMounts(spec))
  words.push(...looseLimits(spec))
  return words
}

function looseMounts({ mounts }: ContainerSpec): string[] {
  return mounts.flatMap((mount) => {
    if (mount.kind !== 'bind') return []
    const shared = /slave/.test(mount.propagation) ? [`propagation=${mount.target}:${mount.propagation}`] : []
    return [`bind=${mount.source}:${mount.readOnly ? 'ro' : 'rw'}`, ...shared]
  })
}

function looseLimits({ resources, sysctls }: ContainerSpec): string[] {
  const words: string[] = []
  if (resources.pidsLimit !== undefined && resources.pidsLimit <= 0) words.push('pids_limit=none')
  if (resources.oomScoreAdj !== undefined && resources.oomScoreAdj < 100)
    words.push(`oom_score_adj=${resources.oomScoreAdj}`)
  if (resources.oomKillDisable) words.push('oom_kill_disable')
  words.push(...Object.keys(sysctls).map((name) => `sysctl=${name}`))
  return words
}
