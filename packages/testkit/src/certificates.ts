import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'

/** PEM files. */
export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
}

export interface CertificateAuthority extends Certificate {
  /** A certificate for host names and addresses, good for servers and for clients. `days` may be negative: expired. */
  issue(name: string, hosts: readonly string[], days?: number): Certificate
}

/** Makes a certificate authority of its own in an existing folder, by the command openssl. */
export function certificateAuthority(dir: string, name = 'test-ca'): CertificateAuthority {
  const ca = files(dir, name)
  newKey(ca.keyFile)
  const usage = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign']
  openssl(
    'req',
    '-x509',
    '-new',
    '-key',
    ca.keyFile,
    '-subj',
    `/CN=${name}`,
    '-days',
    '30',
    ...usage,
    '-out',
    ca.certFile,
  )
  return { ...ca, issue: (leaf, hosts, days = 30) => issue(dir, ca, leaf, hosts, days) }
}

function issue(dir: string, ca: Certificate, name: string, hosts: readonly string[], days: number): Certificate {
  const leaf = files(dir, name)
  const [request, extensions] = [join(dir, `${name}.csr`), join(dir, `${name}.ext`)]
  newKey(leaf.keyFile)
  const names = hosts.map((host) => `${isIP(host) ? 'IP' : 'DNS'}:${host}`).join(',')
  writeFileSync(extensions, `subjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth\n`)
  openssl('req', '-new', '-key', leaf.keyFile, '-subj', `/CN=${name}`, '-out', request)
  const from = ['-CA', ca.certFile, '-CAkey', ca.keyFile, '-CAcreateserial', '-extfile', extensions]
  openssl('x509', '-req', '-in', request, ...from, '-days', String(days), '-out', leaf.certFile)
  // Servers send the issuer too.
  writeFileSync(leaf.certFile, readFileSync(leaf.certFile, 'utf8') + readFileSync(ca.certFile, 'utf8'))
  return leaf
}

const files = (dir: string, name: string): Certificate => ({
  certFile: join(dir, `${name}.crt`),
  keyFile: join(dir, `${name}.key`),
})

function newKey(file: string): void {
  openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', file)
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
