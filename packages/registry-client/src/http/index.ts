/** One request and its answer, without what makes it a registry's: for who sends to servers that are none. */
export { parseRetryAfter } from '../headers/retry-after.ts'
export { Agents } from './agents.ts'
export { exchange } from './exchange.ts'
export { isLoopbackName } from './reach.ts'
