import type { JsonObject } from "../meta.ts";
import { StatusError } from "../status.ts";
import { decodeErrorText } from "../validate_and_prune.ts";
import { decodeMessage } from "./decode_message.ts";
import { messageFacts } from "./facts.ts";
import { messageName } from "./message_name.ts";
import { WireReader, wireType } from "./wire_reader.ts";

/** `k8s` and a zero: what every object begins with. */
const prefix = [0x6b, 0x38, 0x73, 0x00];

/**
 * Reads an object as Kubernetes' clients send it in `application/vnd.kubernetes.protobuf`, into its JSON form.
 *
 * @throws StatusError BadRequest for broken encodings, and for kinds that nothing is known about
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
 */
export function decodeObject(bytes: Uint8Array): JsonObject {
  const { apiVersion, kind, raw } = reading(
    () => readEnvelope(bytes),
    (why) => `couldn't get version/kind; ${why}`,
  );
  const type = messageName(apiVersion, kind);
  if (!messageFacts(type))
    throw StatusError.badRequest(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`,
    );
  return reading(
    () => decodeMessage(type, raw, { apiVersion, kind }),
    (why) => decodeErrorText({ kind, version: apiVersion.split("/").at(-1) ?? "" }, why),
  );
}

/** What is around an object's own message, and says which kind it is of. */
interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}

/** @see https://github.com/kubernetes/apimachinery/blob/master/pkg/runtime/generated.proto Unknown */
function readEnvelope(bytes: Uint8Array): Envelope {
  if (!prefix.every((byte, index) => bytes[index] === byte))
    throw new SyntaxError(
      `provided data does not appear to be a protobuf message, expected prefix [${prefix.join(" ")}]`,
    );
  const reader = new WireReader(bytes.subarray(prefix.length));
  let typeMeta: JsonObject = {};
  let raw: Uint8Array = new Uint8Array();
  while (!reader.done) {
    const { field, wire } = reader.tag();
    if (field <= 3 && wire !== wireType.bytes) throw new SyntaxError(`proto: wrong wireType = ${wire} for Unknown`);
    if (field === 1) typeMeta = decodeMessage("TypeMeta", reader.bytes());
    else if (field === 2) raw = reader.bytes();
    else if (field > 3) reader.skip(wire);
    else if (reader.string() !== "") throw new SyntaxError("the message's content is encoded");
  }
  const { apiVersion, kind } = typeMeta;
  if (typeof kind !== "string") throw new SyntaxError("Object 'Kind' is missing");
  if (typeof apiVersion !== "string") throw new SyntaxError("Object 'apiVersion' is missing");
  return { apiVersion, kind, raw };
}

/** Runs a reader; what it finds wrong becomes the sender's fault. */
function reading<T>(read: () => T, describe: (why: string) => string): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof SyntaxError) throw StatusError.badRequest(describe(error.message));
    throw error;
  }
}
