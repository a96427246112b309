/**
 * Every API kind, in the order of discovery.
 *
 * - One kind per file: types, defaults, validation, columns. Pure.
 * - A kind that stands in `kinds` is served, stored, validated, printed and found by the command line; nothing else registers it.
 */
import type { Kind } from "../api/kind.ts";
import { configMap } from "./configmap.ts";
import { customResourceDefinition } from "./custom_resource_definition.ts";
import { deployment } from "./deployment.ts";
import { endpointSlice } from "./endpoint_slice.ts";
import { endpoints } from "./endpoints.ts";
import { event } from "./event.ts";
import { lease } from "./lease.ts";
import { namespace } from "./namespace.ts";
import { node } from "./node.ts";
import { pod } from "./pod.ts";
import { replicaSet } from "./replica_set.ts";
import { secret } from "./secret.ts";
import { service } from "./service.ts";
import { serviceAccount } from "./service_account.ts";

/** All kinds, core group first. */
export const kinds: readonly Kind[] = [
  configMap,
  endpoints,
  event,
  namespace,
  node,
  pod,
  secret,
  serviceAccount,
  service,
  deployment,
  replicaSet,
  customResourceDefinition,
  lease,
  endpointSlice,
];

export type * from "./configmap.ts";
export type * from "./custom_resource_definition.ts";
export type * from "./deployment.ts";
export type * from "./endpoint_slice.ts";
export type * from "./endpoints.ts";
export type * from "./event.ts";
export type * from "./lease.ts";
export type * from "./namespace.ts";
export type * from "./node.ts";
export type * from "./pod.ts";
export type * from "./replica_set.ts";
export type * from "./secret.ts";
export type * from "./service.ts";
export type * from "./service_account.ts";
export {
  configMap,
  customResourceDefinition,
  deployment,
  endpointSlice,
  endpoints,
  event,
  lease,
  namespace,
  node,
  pod,
  replicaSet,
  secret,
  service,
  serviceAccount,
};
