import { DockerfileError, shown } from '../dockerfile-error.ts'
import { cleanPath } from './clean-path.ts'
import { compileGlob } from './glob.ts'
import { GlobMatcher } from './glob-matcher.ts'

interface Rule {
  readonly takesBack: boolean
  matches(path: string): boolean
  couldMatchBelow(directory: string): boolean
}

const MOST_PATTERNS = 10_000

/**
 * Says which paths of a context are left out: by the patterns of a .dockerignore, or of --exclude. The last pattern that
 * matches a path, or a directory above it, decides; one with "!" takes the path back.
 */
export class IgnoreMatcher {
  readonly #rules: readonly Rule[]

  /** Throws IGNORE_PATTERN_INVALID, TOO_LARGE. */
  constructor(patterns: readonly string[]) {
    if (patterns.length > MOST_PATTERNS) {
      throw new DockerfileError('TOO_LARGE', `there are more than ${MOST_PATTERNS} patterns of what to leave out`)
    }
    this.#rules = patterns.flatMap((pattern) => (pattern.trim() === '' ? [] : ruleOf(pattern.trim())))
  }

  /** Whether some pattern takes back. */
  get hasExceptions(): boolean {
    return this.#rules.some(({ takesBack }) => takesBack)
  }

  /** `path` is relative to the context, with slashes. */
  ignores(path: string): boolean {
    const clean = cleanPath(path)
    if (clean === '.') return false
    const candidates = withParents(clean)
    let ignored = false
    for (const rule of this.#rules) {
      // Only a rule that could change the answer is asked.
      if (rule.takesBack === ignored && candidates.some((candidate) => rule.matches(candidate))) {
        ignored = !rule.takesBack
      }
    }
    return ignored
  }

  /** Whether something below the directory may be kept: if not, a walk need not enter it. */
  mayKeepBelow(directory: string): boolean {
    const clean = cleanPath(directory)
    if (clean === '.' || !this.ignores(clean)) return true
    return this.#rules.some((rule) => rule.takesBack && rule.couldMatchBelow(clean))
  }
}

/** The path, then the directories above it from the top. */
function withParents(path: string): string[] {
  const candidates = [path]
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
    candidates.push(path.slice(0, slash))
  }
  return candidates
}

function ruleOf(written: string): Rule {
  const clean = cleanPath(written)
  const takesBack = clean.startsWith('!')
  const pattern = takesBack ? clean.slice(1) : clean
  if (pattern === '') throw invalid(written, 'it takes back nothing; put a path after "!"')
  const tokens = compileGlob(pattern)
  if (tokens === undefined) throw invalid(written, 'a "[" is not closed as it should be, or a "\\" escapes nothing')
  const glob = new GlobMatcher(tokens)
  const couldMatchBelow = (directory: string): boolean => glob.couldMatchBelow(directory)
  // Docker takes "**name" for every path that ends so, "othername" as well; with a wildcard more it does not.
  const ending = pattern.slice(2)
  if (pattern.startsWith('**') && ending !== '' && !ending.startsWith('/') && !/[*?[\]\\]/.test(ending)) {
    return { takesBack, matches: (path) => path.endsWith(ending), couldMatchBelow }
  }
  if (!/[*?[\\]/.test(pattern)) return { takesBack, matches: (path) => path === pattern, couldMatchBelow }
  return { takesBack, matches: (path) => glob.matches(path), couldMatchBelow }
}

function invalid(pattern: string, why: string): DockerfileError {
  return new DockerfileError('IGNORE_PATTERN_INVALID', `the pattern ${shown(pattern)} cannot be read: ${why}`)
}
