import json from '../../profiles/seccomp/default.json' with { type: 'json' }
import { DEFAULT_PROFILE_RULES } from './engine-rules.ts'
import { parseSeccompProfile, type SeccompProfile } from './profile.ts'

const docker = parseSeccompProfile(json)

/** The profile of a container that names none: Docker's, and what engine-rules.ts adds to it. */
export const DEFAULT_SECCOMP_PROFILE: SeccompProfile = {
  ...docker,
  rules: [...docker.rules, ...DEFAULT_PROFILE_RULES],
  key: `default-${docker.key}`,
}
