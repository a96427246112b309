import type { Kind } from "../../core/api/kind.ts";
import type { JsonObject, KubeObject, ObjectKey } from "../../core/api/meta.ts";
import type { UserInfo } from "../../core/client/transport.ts";
import type { Reinvocations } from "./_reinvocations.ts";

/** What is being asked of the API. */
export interface AdmissionRequest {
  readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  readonly kind: Kind;
  readonly key: ObjectKey;
  readonly subresource: string | undefined;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** The options of the write, as Kubernetes names them: CreateOptions, UpdateOptions, PatchOptions, DeleteOptions. */
  readonly options: JsonObject;
  /** The object as it would be written; undefined for DELETE. */
  readonly object: KubeObject | undefined;
  /** What is stored now; undefined for CREATE. */
  readonly previous: KubeObject | undefined;
  /**
   * Calls `listener` once the write is over, with what was committed and its revision; with undefined when nothing was
   * (refused, failed, or a dry run). For plug-ins that reserve something.
   */
  onSettled(
    listener: (committed: { readonly object: KubeObject; readonly revision: number } | undefined) => void,
  ): void;
  /** Tells the client something, in a `Warning` header. */
  warn(text: string): void;
  /** Notes something in the audit log, under a key of the form `plugin.example.com/what`. */
  annotate(key: string, value: string): void;
}

/** What the plug-ins that change an object know of how often they were asked about it. */
export interface MutatingRounds {
  /** 0 at first; 1 when they are asked again because a webhook or policy changed something after some of them. */
  readonly round: number;
  /** Whom a plug-in asks again, by the plug-in's name. */
  reinvocations(plugin: string): Reinvocations;
  /** Tells that something was changed that others may want to see. */
  changed(): void;
}

/** Has a say in writes, after authorization and before the commit. One file each, ordered in `mod.ts`. */
export interface AdmissionPlugin {
  readonly name: string;
  readonly operations: readonly AdmissionRequest["operation"][];
  /** The object to go on with. Runs before validation. @throws StatusError to refuse */
  mutate?(
    request: AdmissionRequest & { readonly object: KubeObject; readonly rounds?: MutatingRounds },
  ): Promise<KubeObject>;
  /** Runs on the final object. @throws StatusError to refuse */
  validate?(request: AdmissionRequest): Promise<void>;
  /** Reserves something for the object: it is asked once, when all others are done. */
  readonly reserves?: true;
}
