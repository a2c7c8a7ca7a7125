/** What a service measures of its own, as Prometheus knows it. */
export type Measurement = {
  /** With its unit, and _total when it is a counter: caisson_network_receive_bytes_total. */
  readonly name: string
  readonly help: string
  readonly kind: 'gauge' | 'counter'
  readonly values: readonly MeasuredValue[]
}

export type MeasuredValue = {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number | bigint
}

/** In the text format of Prometheus, version 0.0.4; `common` labels stand at every value. */
export function expositionOf(measurements: readonly Measurement[], common: Readonly<Record<string, string>>): string {
  return measurements
    .flatMap(({ name, help, kind, values }) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${kind}`,
      ...values.map(({ labels, value }) => `${name}{${labelsOf({ ...labels, ...common })}} ${value}`),
    ])
    .map((line) => `${line}\n`)
    .join('')
}

const labelsOf = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`)
    .join(',')
