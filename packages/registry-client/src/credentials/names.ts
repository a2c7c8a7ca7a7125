/** Names under which people keep what is for Docker Hub. */
const DOCKER_HUB = ['docker.io', 'index.docker.io', 'registry-1.docker.io']

/** "https://index.docker.io/v1/" and "index.docker.io" are the same; so are all names of Docker Hub. No slash at the end. */
export function normalName(name: string): string {
  const bare = name.replace(/^https?:\/\//i, '').replace(/\/+$/, '')
  const slash = bare.indexOf('/')
  const host = (slash < 0 ? bare : bare.slice(0, slash)).toLowerCase()
  const path = slash < 0 ? '' : bare.slice(slash)
  const isApi = path === '/v1' || path === '/v2'
  return `${DOCKER_HUB.includes(host) ? 'docker.io' : host}${isApi ? '' : path}`
}

/** The names that may hold an entry for a repository, the longest first: host/a/b, host/a, host. */
export function namesOf(registry: string, repository: string): string[] {
  const parts = repository.split('/').filter(Boolean)
  const host = normalName(registry)
  return parts.map((_, n) => [host, ...parts.slice(0, parts.length - n)].join('/')).concat(host)
}
