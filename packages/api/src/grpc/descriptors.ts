import { readFileSync } from 'node:fs'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  type DescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt'

/** The descriptors of the contract, to be asked for by file and by symbol. */
export interface Descriptors {
  /** The file of this name and every file that it imports, encoded; none when there is no such file. */
  byName(name: string): Buffer[]
  /** The same for the file that declares a message, enum, service or method. */
  bySymbol(symbol: string): Buffer[]
}

/** Reads a FileDescriptorSet. */
export function readDescriptors(path: string): Descriptors {
  const { file: files } = fromBinary(FileDescriptorSetSchema, readFileSync(path))
  const byName = new Map(files.map((file) => [file.name, file]))
  const bySymbol = new Map(files.flatMap((file) => symbolsOf(file).map((symbol) => [symbol, file.name])))
  const closure = (name: string, found: Set<FileDescriptorProto>): Set<FileDescriptorProto> => {
    const file = byName.get(name)
    if (!file || found.has(file)) return found
    found.add(file)
    for (const dependency of file.dependency) closure(dependency, found)
    return found
  }
  const encoded = (name: string): Buffer[] =>
    [...closure(name, new Set())].map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file)))
  return { byName: encoded, bySymbol: (symbol) => encoded(bySymbol.get(symbol) ?? '') }
}

function symbolsOf(file: FileDescriptorProto): string[] {
  const services = file.service.flatMap((service) => [
    service.name,
    ...service.method.map((method) => `${service.name}.${method.name}`),
  ])
  const enums = file.enumType.map((type) => type.name)
  const names = [...services, ...enums, ...file.messageType.flatMap((type) => messageSymbols(type, ''))]
  return names.map((name) => (file.package === '' ? name : `${file.package}.${name}`))
}

function messageSymbols(type: DescriptorProto, outer: string): string[] {
  const name = `${outer}${type.name}`
  const enums = type.enumType.map((inner) => `${name}.${inner.name}`)
  return [name, ...enums, ...type.nestedType.flatMap((inner) => messageSymbols(inner, `${name}.`))]
}
