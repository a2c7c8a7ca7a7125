import type { Store } from '@caisson/service-kit'
import type { DnsConfig, Namespace, Sandbox, SandboxMode } from '../sandbox/sandbox.ts'
import { integer, type Row, stringMap, text } from './rows.ts'

export class SandboxTable {
  readonly #all
  readonly #get
  readonly #insert
  readonly #setFiles
  readonly #delete
  readonly #users
  readonly #namespace: (id: string) => Namespace | undefined

  /** `namespace`: looks a namespace up by its id. */
  constructor(store: Store, namespace: (id: string) => Namespace | undefined) {
    this.#namespace = namespace
    this.#all = store.prepare('SELECT * FROM sandbox ORDER BY id')
    this.#get = store.prepare('SELECT * FROM sandbox WHERE id = ?')
    this.#insert = store.prepare(
      `INSERT INTO sandbox
         (id, name, mode, labels, namespace_id, resolv_conf, hosts, created_at, request, hostname, dns)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#setFiles = store.prepare('UPDATE sandbox SET resolv_conf = ?, hosts = ? WHERE namespace_id = ?')
    this.#delete = store.prepare('DELETE FROM sandbox WHERE id = ?')
    this.#users = store.prepare('SELECT count(*) AS users FROM sandbox WHERE namespace_id = ?')
  }

  all(): Sandbox[] {
    return this.#all.all().map((row) => this.#sandboxOf(row))
  }

  get(id: string): Sandbox | undefined {
    const row = this.#get.get(id)
    return row && this.#sandboxOf(row)
  }

  insert({ id, name, mode, labels, namespace, resolvConf, hosts, createdAt, request, hostname, dns }: Sandbox): void {
    const made = [namespace?.id ?? null, resolvConf, hosts, String(createdAt), request]
    this.#insert.run(id, name, mode, JSON.stringify(labels), ...made, hostname, JSON.stringify(dns))
  }

  setFiles(namespaceId: string, { resolvConf, hosts }: Pick<Sandbox, 'resolvConf' | 'hosts'>): void {
    this.#setFiles.run(resolvConf, hosts, namespaceId)
  }

  delete(id: string): void {
    this.#delete.run(id)
  }

  usersOf(namespaceId: string): number {
    const row = this.#users.get(namespaceId)
    return row === undefined ? 0 : integer(row, 'users')
  }

  #sandboxOf(row: Row): Sandbox {
    return {
      id: text(row, 'id'),
      name: text(row, 'name'),
      mode: modeOf(row),
      labels: stringMap(row, 'labels'),
      hostname: text(row, 'hostname'),
      dns: dnsOf(row),
      namespace: row['namespace_id'] === null ? undefined : this.#namespace(text(row, 'namespace_id')),
      resolvConf: text(row, 'resolv_conf'),
      hosts: text(row, 'hosts'),
      createdAt: BigInt(text(row, 'created_at')),
      request: text(row, 'request'),
    }
  }
}

/** As this class wrote it. */
function dnsOf(row: Row): DnsConfig {
  const { servers, search, options, extraHosts }: DnsConfig = JSON.parse(text(row, 'dns'))
  return { servers, search, options, extraHosts }
}

function modeOf(row: Row): SandboxMode {
  const mode = text(row, 'mode')
  if (mode === 'none' || mode === 'host' || mode === 'bridge' || mode === 'shared') return mode
  throw new Error(`the database holds a sandbox of the unknown mode ${mode}`)
}
