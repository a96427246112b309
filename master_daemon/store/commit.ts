import type { KeyValue, StoreEvent } from "./store.ts";

/** Longest key, in UTF-16 code units. */
const maxKeyLength = 4_096;
/** Longest value, in bytes. */
const maxValueBytes = 64 * 2 ** 20;

/** A commit that was asked for, beside what it would replace. */
export interface CommitRequest {
  readonly key: string;
  readonly value: Uint8Array | null;
  readonly expected: number;
  /** What the key holds now. */
  readonly current: KeyValue | undefined;
  /** The revision that the commit would get. */
  readonly revision: number;
}

/**
 * The event that a commit makes; undefined when its expectation is stale. Pure: the compare of compare-and-set.
 *
 * @throws RangeError for a key or value of impossible size
 */
export function nextCommit({ key, value, expected, current, revision }: CommitRequest): StoreEvent | undefined {
  checkCommit(key, value);
  if ((current?.revision ?? 0) !== expected) return undefined;
  if (value) {
    const kv = { key, value, createRevision: current?.createRevision ?? revision, revision };
    return { type: "put", revision, kv, previous: current };
  }
  return current ? { type: "delete", revision, key, previous: current } : undefined;
}

/** @throws RangeError for a key or value of impossible size */
export function checkCommit(key: string, value: Uint8Array | null): void {
  if (key.length === 0 || key.length > maxKeyLength) {
    throw new RangeError(`Cannot commit: the key must have 1 to ${maxKeyLength} characters: ${key.length}`);
  }
  if (value && value.length > maxValueBytes) {
    throw new RangeError(`Cannot commit: the value must have at most ${maxValueBytes} bytes: ${value.length}`);
  }
}
