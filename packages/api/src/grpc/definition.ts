import type { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire'

/** What generated code offers for a message. */
export interface MessageType<T> {
  encode(message: T, writer?: BinaryWriter): BinaryWriter
  decode(input: BinaryReader | Uint8Array, length?: number): T
  fromPartial(object: never): T
}

/** A message type whose message is not known here. */
export interface AnyMessageType {
  encode(message: never, writer?: BinaryWriter): BinaryWriter
  decode(input: BinaryReader | Uint8Array, length?: number): unknown
  fromPartial(object: never): unknown
}

/** What generated code offers for a method. The four stream shapes are told apart by the two flags. */
export interface MethodDefinition {
  readonly name: string
  readonly requestType: AnyMessageType
  readonly requestStream: boolean
  readonly responseType: AnyMessageType
  readonly responseStream: boolean
}

/** What generated code offers for a service. */
export interface ServiceDefinition {
  readonly name: string
  readonly fullName: string
  readonly methods: Readonly<Record<string, MethodDefinition>>
}

type MessageOf<T> = T extends { decode(input: BinaryReader | Uint8Array, length?: number): infer M } ? M : never

/** A message with every field optional, at every depth, as ts-proto's fromPartial takes it. */
export type Partially<T> = T extends string | number | boolean | undefined | Uint8Array
  ? T
  : T extends readonly (infer E)[]
    ? readonly Partially<E>[]
    : T extends { $case: string; value: unknown }
      ? { $case: T['$case']; value: Partially<T['value']> }
      : T extends object
        ? { readonly [K in keyof T]?: Partially<T[K]> | undefined }
        : T

export type RequestOf<M extends { requestType: unknown }> = MessageOf<M['requestType']>
export type ResponseOf<M extends { responseType: unknown }> = MessageOf<M['responseType']>
