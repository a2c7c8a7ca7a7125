import { status } from '@grpc/grpc-js'
import {
  ServerReflectionDefinition,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from '../gen/grpc/reflection/v1/reflection.ts'
import { type Descriptors, readDescriptors } from './descriptors.ts'
import type { Handlers, RpcServer } from './server.ts'

type Answer = ServerReflectionResponse['messageResponse']

/**
 * Serves grpc.reflection.v1, and v1alpha for older clients, so that any generic gRPC client can call the given services
 * (full names: caisson.runtime.v1.Containers). The descriptors are read when somebody first asks: they are large, and
 * hardly anybody does.
 */
export function registerReflection(server: RpcServer, services: readonly string[], descriptors: string): void {
  let read: Descriptors | undefined
  const answer = (request: ServerReflectionRequest): Answer => {
    read ??= readDescriptors(descriptors)
    return answerTo(request.messageRequest, read, services)
  }
  const handlers: Handlers<typeof ServerReflectionDefinition> = {
    async *serverReflectionInfo(requests) {
      for await (const request of requests)
        yield { validHost: request.host, originalRequest: request, messageResponse: answer(request) }
    },
  }
  server.register(ServerReflectionDefinition, handlers)
  server.register({ ...ServerReflectionDefinition, fullName: 'grpc.reflection.v1alpha.ServerReflection' }, handlers)
}

function answerTo(
  ask: ServerReflectionRequest['messageRequest'],
  descriptors: Descriptors,
  services: readonly string[],
): Answer {
  switch (ask?.$case) {
    case 'listServices':
      return { $case: 'listServicesResponse', value: { service: services.map((name) => ({ name })) } }
    case 'fileByFilename':
      return files(descriptors.byName(ask.value), ask.value)
    case 'fileContainingSymbol':
      return files(descriptors.bySymbol(ask.value), ask.value)
    default:
      return refused(status.NOT_FOUND, 'the contract has no extensions')
  }
}

function files(found: Buffer[], asked: string): Answer {
  if (found.length === 0) return refused(status.NOT_FOUND, `the contract has no ${asked}`)
  return { $case: 'fileDescriptorResponse', value: { fileDescriptorProto: found } }
}

function refused(errorCode: number, errorMessage: string): Answer {
  return { $case: 'errorResponse', value: { errorCode, errorMessage } }
}
