/** Where the parts of Caisson are installed, found from where the command's own file is. */
export interface Installation {
  /** The file of this command, to start it again. */
  readonly entry: string
  /** One folder a service. */
  readonly servicesDir: string
  /** C source of the demo's own program. */
  readonly demoSource: string
}
