/** What ADD fetches from elsewhere; undefined for a path. */
export function remoteKind(text: string): 'url' | 'git' | undefined {
  const scheme = /^([a-z][a-z0-9+.-]{0,15}):\/\//i.exec(text)?.[1]?.toLowerCase()
  switch (scheme) {
    case 'git':
    case 'ssh':
      return 'git'
    case 'http':
    case 'https':
      return isGitPath(text) ? 'git' : 'url'
    default:
      return isScpLike(text) ? 'git' : undefined
  }
}

/** `https://host/repository.git`, with `#ref` and `?query` or without. */
function isGitPath(url: string): boolean {
  const end = url.search(/[?#]/)
  return (end < 0 ? url : url.slice(0, end)).endsWith('.git')
}

/** `git@host:path` */
function isScpLike(text: string): boolean {
  return /^[A-Za-z0-9_.-]{1,64}@[A-Za-z0-9.-]{1,255}:[^\s]/.test(text)
}
