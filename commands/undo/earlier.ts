import { asJson, isJsonObject, jsonEqual } from "../../core/api/json_object.ts";
import { readJsonText } from "../../core/api/json_text.ts";
import type { JsonObject, KubeObject } from "../../core/api/meta.ts";
import { resourcePath } from "../../core/client/paths.ts";
import { readStatusError } from "../../core/client/read_status_error.ts";
import { readBody } from "../../core/client/transport.ts";
import type { CommandEnv } from "../env.ts";
import type { Target } from "../targets.ts";
import { UsageError } from "../verb.ts";

const maxErrorBytes = 4 * 1024 * 1024;
/** Writes of controllers between two changes that somebody made. */
const maxSteps = 200;
/** Versions of the whole store among which a deleted object is looked for. */
const maxVersions = 10_000;
/** Versions that are asked for at once. */
const atOnce = 16;

/** The object at a version of the store. @throws StatusError Expired where the server keeps that no longer */
export async function objectAt(
  { resource, key }: Target,
  version: bigint,
  env: CommandEnv,
): Promise<KubeObject | undefined> {
  if (version <= 0n) return undefined;
  const path = resourcePath(resource, {
    namespace: key.namespace,
    query: {
      fieldSelector: `metadata.name=${key.name}`,
      resourceVersion: String(version),
      resourceVersionMatch: "Exact",
    },
  });
  const client = await env.client();
  const response = await client.raw(
    { method: "GET", path, headers: { accept: "application/json" } },
    { signal: env.signal },
  );
  if (response.status !== 200) throw await readStatusError(response, maxErrorBytes);
  const list = readJsonText(new TextDecoder().decode(await readBody(response.body)));
  const items = isJsonObject(list) ? list["items"] : undefined;
  const [found] = Array.isArray(items) ? (items as unknown as readonly KubeObject[]) : [];
  const { group, version: apiVersion, kind } = resource;
  return found && { ...found, apiVersion: group ? `${group}/${apiVersion}` : apiVersion, kind };
}

/** An object before its last change; undefined when it did not exist. @throws UsageError, StatusError when that is not known */
export async function beforeChange(
  target: Target,
  object: KubeObject,
  env: CommandEnv,
): Promise<KubeObject | undefined> {
  const now = essence(object);
  let version = object.metadata.resourceVersion;
  for (let step = 0; step < maxSteps; step++) {
    const earlier = await objectAt(target, counted(version) - 1n, env);
    if (!earlier || !jsonEqual(essence(earlier), now)) return earlier;
    version = earlier.metadata.resourceVersion;
  }
  throw new UsageError(`${target.resource.plural}/${target.key.name} has had no change but of its status lately`);
}

/**
 * An object that is gone, as it was last; undefined when the server has known none by that name. Nothing says when it went,
 * so that each version of the store is asked for, several at once.
 *
 * @throws StatusError Expired where it was before what the server keeps, UsageError where it is too long ago
 */
export async function beforeDeletion(target: Target, env: CommandEnv): Promise<KubeObject | undefined> {
  const { resource, key } = target;
  const client = await env.client();
  const fieldSelector = `metadata.name=${key.name}`;
  const { metadata } = await client.list(resource, { namespace: key.namespace, fieldSelector, signal: env.signal });
  const present = counted(metadata.resourceVersion);
  for (let back = 1; BigInt(back) < present; back += atOnce) {
    if (back > maxVersions)
      throw new UsageError(
        `${resource.plural}/${key.name} was not in the last ${maxVersions} versions: name one with --to-version`,
      );
    const versions = Array.from({ length: atOnce }, (_, index) => present - BigInt(back + index));
    const answers = await Promise.allSettled(versions.map((version) => objectAt(target, version, env)));
    for (const answer of answers) {
      if (answer.status === "rejected") throw answer.reason;
      if (answer.value) return answer.value;
    }
  }
  return undefined;
}

/** A version as the number that every server known makes of it. @throws UsageError */
function counted(version = ""): bigint {
  if (/^\d{1,19}$/.test(version)) return BigInt(version);
  throw new UsageError("the server does not count versions: name one with --to-version");
}

/** Whether somebody changed it: neither its status nor what servers note counts. */
export function isSameButForStatus(one: KubeObject, other: KubeObject): boolean {
  return jsonEqual(essence(one), essence(other));
}

/** What people change in an object. */
function essence(object: KubeObject): JsonObject {
  const { status: _status, metadata: _metadata, apiVersion: _apiVersion, kind: _kind, ...rest } = asJson(object);
  const { labels = {}, annotations = {}, finalizers = [] } = object.metadata;
  const { "deployment.kubernetes.io/revision": _, ...own } = annotations;
  return { ...rest, metadata: { labels, annotations: own, finalizers } };
}
