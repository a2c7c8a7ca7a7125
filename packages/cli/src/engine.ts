import { accessSync, constants, existsSync } from 'node:fs'
import type { Channel, ServiceClient, ServiceName } from '@caisson/api'
import { socketAddress } from '@caisson/api/address'
import type { ContainersDefinition } from '@caisson/api/container'
import type { StoreDefinition } from '@caisson/api/content'
import { CaissonError, unavailable } from '@caisson/api/error'
import type { EventLogDefinition } from '@caisson/api/event'
import type { ExecsDefinition } from '@caisson/api/exec'
import type { HostDefinition } from '@caisson/api/host'
import type { ImagesDefinition } from '@caisson/api/image'
import type { Layout } from '@caisson/api/layout'
import type { NetworksDefinition, SandboxesDefinition } from '@caisson/api/network'
import type { RegistriesDefinition } from '@caisson/api/registries'
import type { TrustDefinition } from '@caisson/api/trust'
import type { VolumesDefinition } from '@caisson/api/volume'
import { pause } from './pause.ts'
import { runningSupervisor } from './supervisor/pid-file.ts'

export type Containers = ServiceClient<typeof ContainersDefinition>
export type Execs = ServiceClient<typeof ExecsDefinition>
export type Images = ServiceClient<typeof ImagesDefinition>
export type Trust = ServiceClient<typeof TrustDefinition>
export type ImageStorage = ServiceClient<typeof StoreDefinition>
export type Networks = ServiceClient<typeof NetworksDefinition>
export type Sandboxes = ServiceClient<typeof SandboxesDefinition>
export type Registries = ServiceClient<typeof RegistriesDefinition>
export type Volumes = ServiceClient<typeof VolumesDefinition>
export type Host = ServiceClient<typeof HostDefinition>
export type Events = ServiceClient<typeof EventLogDefinition>

/** Milliseconds that a service gets to answer: longer while a supervisor is there that starts it again. */
const PATIENCE_MS = { supervised: 10_000, alone: 1_500 }

/** The services of one engine. Each is dialled when it is first used; their code is loaded then too. */
export class Engine implements Disposable {
  readonly #layout: Layout
  readonly #hint: string
  readonly #channels = new Map<ServiceName, Promise<Channel>>()
  readonly #open: Channel[] = []

  /** `command` is how the user reaches this engine, for hints: "caisson --root /x". */
  constructor(layout: Layout, command: string) {
    this.#layout = layout
    this.#hint = command
  }

  async containers(): Promise<Containers> {
    const { ContainersDefinition } = await import('@caisson/api/container')
    return (await this.channel('runtime')).client(ContainersDefinition)
  }

  async execs(): Promise<Execs> {
    const { ExecsDefinition } = await import('@caisson/api/exec')
    return (await this.channel('runtime')).client(ExecsDefinition)
  }

  async volumes(): Promise<Volumes> {
    const { VolumesDefinition } = await import('@caisson/api/volume')
    return (await this.channel('runtime')).client(VolumesDefinition)
  }

  async host(): Promise<Host> {
    const { HostDefinition } = await import('@caisson/api/host')
    return (await this.channel('runtime')).client(HostDefinition)
  }

  async images(): Promise<Images> {
    const { ImagesDefinition } = await import('@caisson/api/image')
    return (await this.channel('image-store')).client(ImagesDefinition)
  }

  async trust(): Promise<Trust> {
    const { TrustDefinition } = await import('@caisson/api/trust')
    return (await this.channel('image-store')).client(TrustDefinition)
  }

  async networks(): Promise<Networks> {
    const { NetworksDefinition } = await import('@caisson/api/network')
    return (await this.channel('network')).client(NetworksDefinition)
  }

  async sandboxes(): Promise<Sandboxes> {
    const { SandboxesDefinition } = await import('@caisson/api/network')
    return (await this.channel('network')).client(SandboxesDefinition)
  }

  async registries(): Promise<Registries> {
    const { RegistriesDefinition } = await import('@caisson/api/registries')
    return (await this.channel('image-store')).client(RegistriesDefinition)
  }

  /** The image store as a whole. */
  async imageStorage(): Promise<ImageStorage> {
    const { StoreDefinition } = await import('@caisson/api/content')
    return (await this.channel('image-store')).client(StoreDefinition)
  }

  async events(service: ServiceName): Promise<Events> {
    const { EventLogDefinition } = await import('@caisson/api/event')
    return (await this.channel(service)).client(EventLogDefinition)
  }

  /** A connection to a service that answers. Throws ENGINE_NOT_RUNNING when there is none. */
  async channel(service: ServiceName): Promise<Channel> {
    const known = this.#channels.get(service)
    if (known) return known
    const dialled = this.#dial(service)
    this.#channels.set(service, dialled)
    dialled.catch(() => this.#channels.delete(service))
    return dialled
  }

  [Symbol.dispose](): void {
    for (const channel of this.#open) channel[Symbol.dispose]()
  }

  async #dial(service: ServiceName): Promise<Channel> {
    const address = socketAddress(this.#layout.runDir, service)
    const patience = runningSupervisor(this.#layout) ? PATIENCE_MS.supervised : PATIENCE_MS.alone
    const deadline = Date.now() + patience
    const path = address.slice('unix://'.length)
    while (!existsSync(path)) {
      if (patience === PATIENCE_MS.alone || Date.now() > deadline) throw this.#notRunning(service)
      await pause(20)
    }
    requireAccess(path)
    const { Channel } = await import('@caisson/api')
    const channel = new Channel(address)
    this.#open.push(channel)
    try {
      await channel.ready(Math.max(100, deadline - Date.now()))
    } catch (cause) {
      throw this.#notRunning(service, cause)
    }
    return channel
  }

  #notRunning(service: ServiceName, cause?: unknown): Error {
    if (service === 'registry')
      return unavailable(
        'REGISTRY_NOT_RUNNING',
        `the registry is not running: '${this.#hint} registry init' configures one, and '${this.#hint} up -d' starts it`,
        { details: { service, socket: socketAddress(this.#layout.runDir, service) }, cause },
      )
    return unavailable('ENGINE_NOT_RUNNING', `the engine is not running: start it with '${this.#hint} up -d'`, {
      details: { service, socket: socketAddress(this.#layout.runDir, service) },
      cause,
    })
  }
}

/** A socket that may not be used looks like one that nobody answers on: tell the two apart. */
function requireAccess(path: string): void {
  try {
    accessSync(path, constants.W_OK)
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EACCES')) return
    throw new CaissonError('permission-denied', `${path} may not be used by this user: run the command as root`, {
      reason: 'NO_ACCESS',
      details: { socket: path },
      cause,
    })
  }
}
