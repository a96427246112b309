import type { JsonObject } from "../../core/api/meta.ts";
import type { Container, EnvVar, EphemeralContainer, Pod, PodSpec } from "../../core/kinds/pod.ts";
import { compact } from "../../core/util/compact.ts";
import { allContainers } from "../pods.ts";
import { UsageError } from "../verb.ts";
import { customized } from "./custom_profile.ts";
import { type KeepFlags, profiledContainer, profiledCopy, profiledNodePod } from "./profiles.ts";

/** What the command line says of the container that debugs. */
export interface DebugFlags extends KeepFlags {
  readonly "arguments-only": boolean;
  readonly container?: string | undefined;
  readonly "copy-to"?: string | undefined;
  readonly image?: string | undefined;
  readonly "image-pull-policy"?: string | undefined;
  readonly profile: string;
  readonly "same-node": boolean;
  readonly "share-processes": boolean;
  readonly stdin: boolean;
  readonly target?: string | undefined;
  readonly tty: boolean;
}

/** That, read. */
export interface DebugRequest {
  readonly flags: DebugFlags;
  /** Whether `--share-processes` stands on the command line. */
  readonly shareGiven: boolean;
  readonly env: readonly EnvVar[];
  /** New images by the names of containers; `*` is all others. */
  readonly images: ReadonlyMap<string, string>;
  /** Part of a container, merged over what the profile makes. */
  readonly custom?: JsonObject | undefined;
  /** What stands behind `--`. */
  readonly args: readonly string[];
}

/** The container put into a running pod. */
export function ephemeralContainer(name: string, { flags, ...request }: DebugRequest): EphemeralContainer {
  const profiled = profiledContainer(newContainer(name, { flags, ...request }), flags.profile);
  const container = customized(profiled, request.custom);
  return flags.target ? { ...container, targetContainerName: flags.target } : container;
}

/** The pod that looks at a node. */
export function nodePod(node: string, name: string, container: string, request: DebugRequest): Pod {
  const spec = {
    containers: [newContainer(container, request)],
    nodeName: node,
    restartPolicy: "Never",
    tolerations: [{ operator: "Exists" }],
  } as const;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { "app.kubernetes.io/managed-by": "kubectl-debug" } },
    spec: withCustom(profiledNodePod(spec, request.flags.profile), container, request.custom),
  };
}

/**
 * A copy of a pod with a container more, or one of its own changed.
 *
 * @param newName names the container when it is new and has no name
 * @returns `container` is undefined where only images were changed
 * @throws UsageError when a new container would have no image
 */
export function podCopy(
  pod: Pod,
  { flags, shareGiven, env, images, args, custom }: DebugRequest,
  newName: () => string,
): { readonly pod: Pod; readonly container: string | undefined } {
  const { ephemeralContainers: _looked, nodeName, ...spec } = pod.spec;
  const own = spec.containers.map((one) => {
    const image = images.get(one.name) ?? images.get("*");
    return image ? { ...one, image } : one;
  });
  const { namespace, labels, annotations } = pod.metadata;
  const copy: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: compact({ name: flags["copy-to"], namespace, labels, annotations }),
    spec: {
      ...spec,
      ...(flags["same-node"] && nodeName ? { nodeName } : {}),
      ...(shareGiven ? { shareProcessNamespace: flags["share-processes"] } : {}),
      containers: own,
    },
  };
  const isOwn = own.some(({ name }) => name === flags.container);
  if (!isOwn && !flags.image) {
    if (images.size > 0) return { pod: copy, container: undefined };
    throw new UsageError("you must specify image when creating new container");
  }
  const name = flags.container || newName();
  const change = (container: Container): Container => {
    const { args: former, stdin: _stdin, tty: _tty, ...rest } = container;
    const kept = former && (args.length === 0 || flags["arguments-only"]) ? { args: former } : {};
    return {
      ...rest,
      ...kept,
      ...commandOf(args, flags),
      ...(env.length > 0 ? { env } : {}),
      ...(flags.image ? { image: flags.image } : {}),
      ...pullPolicyOf(flags),
      ...terminalOf(flags),
    };
  };
  const containers = isOwn
    ? own.map((one) => (one.name === name ? change(one) : one))
    : [...own, change({ name, terminationMessagePolicy: "File" })];
  const changed = { ...copy, spec: { ...copy.spec, containers } };
  const profiled = profiledCopy(changed, name, flags.profile, flags);
  return { pod: { ...profiled, spec: withCustom(profiled.spec, name, custom) }, container: name };
}

function withCustom(spec: PodSpec, name: string, custom: JsonObject | undefined): PodSpec {
  return { ...spec, containers: spec.containers.map((one) => (one.name === name ? customized(one, custom) : one)) };
}

/**
 * Whether the container asks for capabilities that it does not get: those of a pod whose user is not root are given to no
 * process.
 */
export function losesCapabilities({ securityContext }: Container, { spec }: Pod): boolean {
  if (!spec.securityContext?.runAsUser || securityContext?.runAsUser === 0) return false;
  return securityContext?.privileged === true || (securityContext?.capabilities?.add ?? []).length > 0;
}

/** Whether a container of any sort goes by that name in a pod. */
export function hasContainer(pod: Pod, name: string): boolean {
  return allContainers(pod).some((one) => one.name === name);
}

function newContainer(name: string, { flags, env, args }: DebugRequest): Container {
  return {
    name,
    ...(flags.image ? { image: flags.image } : {}),
    ...commandOf(args, flags),
    ...(env.length > 0 ? { env } : {}),
    ...pullPolicyOf(flags),
    ...terminalOf(flags),
    terminationMessagePolicy: "File",
  };
}

function commandOf(args: readonly string[], flags: DebugFlags): Partial<Container> {
  if (args.length === 0) return {};
  return flags["arguments-only"] ? { args } : { command: args };
}

function pullPolicyOf({ "image-pull-policy": policy }: DebugFlags): Partial<Container> {
  return policy === "Always" || policy === "IfNotPresent" || policy === "Never" ? { imagePullPolicy: policy } : {};
}

function terminalOf({ stdin, tty }: DebugFlags): Partial<Container> {
  return { ...(stdin ? { stdin } : {}), ...(tty ? { tty } : {}) };
}
