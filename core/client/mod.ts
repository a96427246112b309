/**
 * The client of any Kubernetes API.
 *
 * - Everything goes through a {@linkcode Transport}: over the network, or by a call in the same process.
 * - A failed answer becomes a StatusError in one place; a network that fails is a ConnectionError of one line.
 * - Aborted, a promise rejects with the signal's reason and an iterable ends.
 * - An informer's cache never goes back: no older object over a newer one, and its resourceVersion only grows, with
 *   every event and bookmark (unless the server's own history began anew).
 * - A listener hears of each change once, in order, after the cache has it.
 * - A work queue gives a key to one worker at a time, and again if it was added meanwhile.
 * - Credentials are sent over https only, and never logged.
 */
export { lastAppliedAnnotation } from "../api/apply/apply_configuration.ts";
export { type ApplyOptions, type ApplyResult, apply } from "./apply.ts";
export type * from "./client.ts";
export { ConnectionError } from "./connection_error.ts";
export { type ClientOptions, createClient } from "./create_client.ts";
export {
  type DiscoveredResource,
  type DiscoveredSubresource,
  type DiscoverOptions,
  discover,
  findResource,
  findResourceOf,
  resourcesOfCategory,
  UnknownResourceError,
} from "./discovery.ts";
export {
  createEventRecorder,
  type EventRecorder,
  type EventRecorderOptions,
  type EventText,
} from "./event_recorder.ts";
export { type AttachOptions, attach, CommandError, type ExecOptions, exec, type TerminalSize } from "./exec.ts";
export { type HttpTransportOptions, httpTransport, type Impersonation } from "./http_transport.ts";
export { type HandleOptions, type InProcessTransportOptions, inProcessTransport } from "./in_process_transport.ts";
export type * from "./informer.ts";
export { createInformers, type InformersOptions } from "./informers.ts";
export * from "./kubeconfig.ts";
export { type LeaderElectionOptions, type Leadership, runLeaderElection, whileLeading } from "./leader_election.ts";
export { type LogOptions, logLines, logs } from "./logs.ts";
export { type PathOptions, resourcePath } from "./paths.ts";
export { openPortForward, type PortForward } from "./port_forward.ts";
export type * from "./script.ts";
export {
  type ApiRequest,
  type ApiResponse,
  type MessageStream,
  readBody,
  type Transport,
  type UserInfo,
} from "./transport.ts";
export { type WaitDeletedOptions, type WaitOptions, waitFor } from "./wait_for.ts";
export type { Explanation, Reason, Stage, WhyContext } from "./why/explanation.ts";
export { why } from "./why/why.ts";
export { WorkQueue, type WorkQueueOptions } from "./workqueue.ts";
