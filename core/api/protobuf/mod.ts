/**
 * Objects as Kubernetes' own clients send them: kubectl's generators since 1.32, and everything written in Go.
 *
 * - Only requests are read; every client that sends protobuf takes JSON for an answer.
 * - What a message's fields are called stands in `facts_table.ts`; the result is what the client would have sent as JSON.
 * - Unknown fields are passed over, as Kubernetes does; whatever cannot be read is a StatusError.
 */
export { decodeObject } from "./decode_object.ts";
