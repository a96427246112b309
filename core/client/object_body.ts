import { jsonText } from "../api/json_text.ts";

/**
 * A body, or a piece of a stream, that was never made into bytes: what a server in the same process answers to those who
 * take its own objects, and what they send to it. Without bytes of its own, so it passes wherever bytes do.
 *
 * @typeParam T of a list the list, of a piece of a watch its events
 */
export class ObjectBody<T = unknown> extends Uint8Array {
  /** Shared with the server: never change it. */
  readonly value: T;

  constructor(value: T) {
    super(0);
    this.value = value;
  }

  /** What it would be for others. */
  toBytes(): Uint8Array {
    return new TextEncoder().encode(jsonText(this.value));
  }

  /** Parts of it are plain bytes. */
  static get [Symbol.species](): Uint8ArrayConstructor {
    return Uint8Array;
  }
}
