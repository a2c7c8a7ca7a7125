/** Of a Dockerfile, in bytes of UTF-8. */
export const MAX_DOCKERFILE_BYTES = 1_048_576
/** Of a .dockerignore, in bytes of UTF-8. */
export const MAX_IGNORE_BYTES = 1_048_576
/** Of a Dockerfile, ARG before the first FROM included. */
export const MAX_INSTRUCTIONS = 10_000
/** Of a Dockerfile. */
export const MAX_STAGES = 1_000
/** ENV and ARG that one stage may have at a time, and ARG before the first FROM. */
export const MAX_VARIABLES = 1_000
/** Of one value after expansion, in UTF-16 code units: what Linux takes as one string of an environment. */
export const MAX_VALUE = 131_072
/** Variables that are not set, and are told of, in one stage. */
export const MAX_MISSING = 100
/** What all expansions of a stage may produce together, in UTF-16 code units. */
export const MAX_EXPANSION = 16_777_216
/** `${a:-${b:-...}}` in each other. */
export const MAX_NESTING = 32
/** Steps of matching the patterns of `${v#...}`, `${v%...}` and `${v/.../...}` in one expansion. */
export const MAX_PATTERN_STEPS = 16_777_216
/** Ports that one EXPOSE may name, ranges counted in full. */
export const MAX_PORTS = 65_536
