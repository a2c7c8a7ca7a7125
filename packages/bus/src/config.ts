import { z } from 'zod'

/** How a service reaches the bus. Absent: the services' own event logs are the bus, and nothing else runs. */
export const busConfig = z
  .strictObject({
    /** NATS servers: host:port. */
    servers: z.array(z.string()).min(1),
    /** File with the credentials (.creds). Empty: none. */
    credentialsFile: z.string().default(''),
    /** File with the certificate authorities that servers are checked against. Empty: no TLS. */
    caFile: z.string().default(''),
    /** File with the client's certificate. Empty: none. */
    certFile: z.string().default(''),
    /** File with the key of the client's certificate. */
    keyFile: z.string().default(''),
    /** Name of the JetStream stream. */
    stream: z
      .string()
      .regex(/^[A-Za-z0-9_-]+$/)
      .default('CAISSON_EVENTS'),
    /** Copies that the cluster keeps. */
    replicas: z.int().min(1).max(5).default(1),
    /** Hours that the stream keeps events. */
    maxAgeHours: z.int().min(1).default(168),
    /** Most bytes that the stream keeps. */
    maxBytes: z
      .int()
      .min(1 << 20)
      .default(1 << 30),
  })
  .optional()

export type BusConfig = NonNullable<z.infer<typeof busConfig>>
