/** What services may inherit: language, time zone, proxies and certificates. */
const PASSED_ON = [
  'LANG',
  'LC_ALL',
  'TZ',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
] as const

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * The environment of services: a few variables by name and a fixed PATH. In particular no NODE_OPTIONS and no LD_PRELOAD:
 * who starts the engine must not change by accident what runs inside privileged processes.
 */
export function serviceEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const passed = PASSED_ON.flatMap((name) => {
    const value = env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { PATH, ...Object.fromEntries(passed) }
}
