import type { Pod } from "../../core/kinds/pod.ts";
import { readTextFile } from "../../core/platform/files.ts";
import { Backoff } from "../../core/util/backoff.ts";
import { DisposalStack } from "../../core/util/disposal_stack.ts";
import { errorMessage } from "../../core/util/log.ts";
import {
  PodGroupFailure,
  type ProcessScope,
  RuntimeFailure,
  type Sandbox,
  SandboxStatusFailure,
} from "../runtime/runtime.ts";
import { containerConfig } from "./container_config.ts";
import { notesFor } from "./container_notes.ts";
import { withDeadline } from "./deadline.ts";
import { runHandler } from "./handler.ts";
import { hostsFile, hostsPath } from "./hosts_file.ts";
import { ensureImage, ensureImageVolumes, ImageVolumeFailure } from "./image_puller.ts";
import type { KubeletContext } from "./kubelet_context.ts";
import type { StartAction } from "./plan_pod.ts";
import type { ContainerReference } from "./pod_events.ts";
import type { PodFacts } from "./pod_fields.ts";
import { resizeFailure, type StartFailure } from "./pod_view.ts";
import { MountError, type PodVolumesOptions, setUpVolumes, updateVolumes } from "./pod_volumes.ts";
import { probeUserAgent } from "./probes.ts";
import { resolverPath, writeResolverFile } from "./resolver_file.ts";
import type { PodResize, Resize } from "./resources/plan_resize.ts";
import { resizeContainers } from "./resources/resize_containers.ts";
import { resizeMessage } from "./resources/resize_events.ts";
import { sandboxConfig } from "./sandbox_config.ts";
import type { MountedVolume } from "./volumes/volume.ts";

/** What an engine may take for one step. */
const stepTimeoutMs = 120_000;
/** In which a node that is new is given its range. */
const networkWaitMs = 2000;
/** How long a start that failed is shown as such. */
const failureShownMs = 1000;

/** What is wrong was told by an event of its own: that of the container only names it. */
const imageErrors: ReadonlySet<string> = new Set([
  "ErrImagePull",
  "ErrImageNeverPull",
  "InvalidImageName",
  "ImageInspectError",
]);

interface Failure extends Pick<StartFailure, "reason" | "message" | "attempt" | "image"> {
  /** When it happened, on a clock that does not jump. */
  readonly since: number;
  readonly delayMs: number;
}

/** Makes the sandbox and the containers of one pod, and remembers what could not be made, until when. */
export class PodActions {
  readonly #context: KubeletContext;
  readonly #imageBackoff: Backoff;
  readonly #configBackoff: Backoff;
  readonly #failures = new Map<string, Failure>();
  readonly #given = new Set<string>();

  constructor(context: KubeletContext) {
    this.#context = context;
    const { clock } = context;
    this.#imageBackoff = new Backoff({ baseMs: 10_000, maxMs: 300_000, clock });
    this.#configBackoff = new Backoff({ baseMs: 500, maxMs: 10_000, clock });
  }

  /** What could not be made, by container name; the sandbox goes by the empty name. */
  get failures(): ReadonlyMap<string, StartFailure> {
    const { clock } = this.#context;
    const now = clock.now();
    const told = [...this.#failures].map(([name, { since, delayMs, ...failure }]) => {
      // By a clock that does not jump: one that is set back must not make the wait longer than it is.
      const at = now - (clock.monotonic() - since);
      return [name, { ...failure, at, retryAt: at + delayMs }] as const;
    });
    return new Map(told);
  }

  /** Something that the pod refers to changed: what failed for want of it may be tried at once. */
  retryConfig(): void {
    for (const [name, failure] of this.#failures) {
      if (failure.reason !== "ErrImagePull" && failure.reason !== "RunContainerError") this.#failures.delete(name);
    }
  }

  /** Makes the pod's volumes and its sandbox; while that starts, the containers that can be made already. Undefined when it failed. */
  async createSandbox(
    pod: Pod,
    { attempt, prepare }: { readonly attempt: number; readonly prepare: readonly StartAction[] },
    signal: AbortSignal,
  ): Promise<Sandbox | undefined> {
    const { runtime, events, clock } = this.#context;
    const stopWaiting = this.#tellOfMissingNetwork(pod);
    try {
      await this.#volumes(pod, undefined);
      await writeResolverFile(pod, this.#context);
      const made = await withDeadline({ clock, timeoutMs: stepTimeoutMs, signal }, async (cut) => {
        const config = await sandboxConfig(pod, attempt, { ...this.#context, signal: cut });
        const whileStarting = async (sandbox: Sandbox) => {
          await Promise.all(prepare.map((action) => this.#prepare(pod, sandbox, action, cut)));
        };
        return await runtime.runPodSandbox(config, { signal: cut, whileStarting });
      });
      this.#succeeded("");
      return made;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof MountError) events.warning(pod, "FailedMount", error.message);
      else if (error instanceof SandboxStatusFailure)
        events.warning(pod, "FailedPodSandBoxStatus", `Unable to get pod sandbox status: ${error.message}`);
      else events.warning(pod, "FailedCreatePodSandBox", `Failed to create pod sandbox: ${errorMessage(error)}`);
      this.#failed("", "FailedCreatePodSandBox", error, attempt);
      return undefined;
    } finally {
      stopWaiting();
    }
  }

  /** Says what a pod waits for whose address nobody can give; unless that is over at once, as on a node that is new. */
  #tellOfMissingNetwork(pod: Pod): () => void {
    const { runtime, addresses, clock, events } = this.#context;
    if (!runtime.assignsPodIP || pod.spec.hostNetwork || addresses.isReady) return () => {};
    return clock.schedule(networkWaitMs, () => {
      if (addresses.isReady) return;
      events.warning(pod, "NetworkNotReady", "network is not ready: the node has no range of addresses for pods");
    });
  }

  /** Makes a container whose image is here. What goes wrong is left to its start, which tries again and says so. */
  async #prepare(pod: Pod, sandbox: Sandbox, action: StartAction, signal: AbortSignal): Promise<void> {
    const { runtime, objects, log } = this.#context;
    const { spec, kind } = action;
    const reference = { name: spec.name, kind };
    try {
      if (spec.imagePullPolicy === "Always") return;
      const imageId = await runtime.images.find(spec.image ?? "", { signal });
      if (imageId === undefined) return;
      const images = { ...this.#context, data: objects.sourceFor(pod), signal };
      await ensureImage(pod, { spec, reference, foundId: imageId }, images);
      await using held = new DisposalStack();
      await this.#create(pod, sandbox, { action, reference, imageId, held }, signal);
    } catch (error) {
      log.debug("Cannot make a container ahead", { pod: pod.metadata.name, error: errorMessage(error) });
    }
  }

  /** Brings volumes up to date with what they show. */
  async refreshVolumes(pod: Pod, sandbox: Sandbox): Promise<void> {
    try {
      await updateVolumes(pod, this.#volumeOptions(pod, sandbox));
    } catch (error) {
      this.#context.events.warning(pod, "FailedMount", errorMessage(error));
    }
  }

  /** Makes and starts a container, up to and including its postStart hook. */
  async start(pod: Pod, sandbox: Sandbox, action: StartAction, signal: AbortSignal): Promise<void> {
    const { spec, kind, attempt } = action;
    const reference = { name: spec.name, kind };
    const { runtime, events } = this.#context;
    // What a container needs until it runs.
    await using held = new DisposalStack();
    try {
      let id = await this.#resumable(action, signal);
      // One that was made before the pod had its address finds it there all the same.
      if (id !== undefined) await this.#systemFiles(this.#facts(pod, sandbox));
      else {
        const data = this.#context.objects.sourceFor(pod);
        const images = { ...this.#context, data, signal };
        const imageId = await ensureImage(pod, { spec, reference }, images);
        await ensureImageVolumes(pod, spec, images);
        id = await this.#create(pod, sandbox, { action, reference, imageId, held }, signal);
      }
      await this.#run(id, signal);
      events.normal(pod, "Started", `Started container ${spec.name}`, reference);
      this.#succeeded(spec.name);
      if (!(await this.#postStart(pod, { id, sandbox, action, reference }, signal))) {
        const container = (await runtime.listContainers({ podUid: pod.metadata.uid ?? "", signal })).find(
          (candidate) => candidate.id === id,
        );
        const gracePeriodSeconds = pod.spec.terminationGracePeriodSeconds ?? 30;
        const message = "FailedPostStartHook";
        if (container)
          await this.#context.killer.kill({ pod, container, sandbox, message, gracePeriodSeconds, signal });
      }
    } catch (error) {
      signal.throwIfAborted();
      const reason = error instanceof RuntimeFailure ? error.reason : "CreateContainerError";
      if (error instanceof PodGroupFailure)
        events.warning(pod, "FailedCreatePodContainer", `unable to ensure pod container exists: ${error.message}`);
      else events.warning(pod, "Failed", `Error: ${imageErrors.has(reason) ? reason : errorMessage(error)}`, reference);
      this.#failed(spec.name, reason, error, attempt);
    }
  }

  /** The id of a container that was made before and only has to be started. One with sub-paths lost hold of them: it is made anew. */
  async #resumable({ spec, resume }: StartAction, signal: AbortSignal): Promise<string | undefined> {
    if (!resume || !spec.volumeMounts?.some(({ subPath, subPathExpr }) => subPath || subPathExpr)) return resume?.id;
    await this.#context.runtime.removeContainer(resume.id, { signal });
    return undefined;
  }

  /** Gives containers that run the limits that are set aside for them. */
  async resize(
    pod: Pod,
    wanted: { readonly resizes: readonly Resize[]; readonly whole?: PodResize | undefined },
    signal: AbortSignal,
  ): Promise<void> {
    const { events, allocations } = this.#context;
    const { uid: podUid = "" } = pod.metadata;
    await allocations.recorded(podUid);
    try {
      await resizeContainers(pod, wanted, { ...this.#context, signal });
      this.#succeeded(resizeFailure);
    } catch (error) {
      signal.throwIfAborted();
      const message = errorMessage(error);
      if (this.#failures.get(resizeFailure)?.message !== message) {
        const { inProgress } = allocations.state(podUid);
        events.warning(pod, "ResizeError", resizeMessage("error", pod, inProgress?.generation, message));
      }
      this.#failed(resizeFailure, "ResizeError", error, 0);
    }
  }

  async #create(
    pod: Pod,
    sandbox: Sandbox,
    {
      action,
      reference,
      imageId,
      held,
    }: {
      readonly action: StartAction;
      readonly reference: ContainerReference;
      readonly imageId: string;
      readonly held: DisposalStack;
    },
    signal: AbortSignal,
  ): Promise<string> {
    const { runtime, events, clock, folders, services, objects, pins } = this.#context;
    const { spec, kind, attempt, backOffMs } = action;
    const data = objects.sourceFor(pod);
    const facts = this.#facts(pod, sandbox);
    const systemFiles = await this.#systemFiles(facts);
    return await withDeadline({ clock, timeoutMs: stepTimeoutMs, signal }, async (cut) => {
      const container = { mounts: spec.volumeMounts ?? [], images: this.#context.imageFolders.files(cut) };
      const volumes = await setUpVolumes(pod, { ...this.#volumeOptions(pod, sandbox), container });
      const messageFile = await folders.messageFile(pod.metadata.uid ?? "", { name: spec.name, attempt });
      const config = await containerConfig({
        facts,
        container: spec,
        imageId,
        services: services.list(),
        data,
        attempt,
        volumes,
        areRead: folders.areRead,
        pins: runtime.hasOwnFiles ? pins : undefined,
        held,
        systemFiles,
        processes: await this.#processScope(pod, action, cut),
        imageUser: async () => (await runtime.images.describe(spec.image ?? "", { signal: cut }))?.user ?? "",
        seccompFolder: folders.seccomp,
        memoryBytes: this.#context.memoryBytes,
        notes: notesFor(pod, spec, { kind, backOffMs, messageFile }),
      }).catch((error: unknown) => {
        if (error instanceof RuntimeFailure) throw error;
        throw new RuntimeFailure("CreateContainerConfigError", errorMessage(error), { cause: error });
      });
      const id = await runtime.createContainer(sandbox, config, { signal: cut });
      events.normal(pod, "Created", `Created container: ${spec.name}`, reference);
      for (const message of runtime.shortcomings?.(config) ?? [])
        events.warning(pod, "NotSupportedByRuntime", message, reference);
      return id;
    });
  }

  /** What a container finds names by, by its place; writes the hosts file, with the pod's address once it has one. */
  async #systemFiles(facts: PodFacts): Promise<ReadonlyMap<string, string>> {
    const { runtime, folders, names } = this.#context;
    if (!runtime.hasOwnFiles || !folders.areRead) return new Map();
    const { metadata, spec } = facts.pod;
    const { uid = "" } = metadata;
    const writeHosts = async () => {
      const isOnNode = spec.hostNetwork || runtime.assignsPodIP;
      const nodeFile = isOnNode ? await readTextFile(hostsPath) : undefined;
      return await folders.hostsFile(uid, hostsFile(facts, nodeFile ?? "", names.domain));
    };
    const [hosts, resolver] = await Promise.all([writeHosts(), folders.resolverFile(uid)]);
    return new Map([
      [hostsPath, hosts] as const,
      ...(resolver === undefined ? [] : [[resolverPath, resolver] as const]),
    ]);
  }

  /** Whose processes a container sees. */
  async #processScope({ metadata, spec }: Pod, action: StartAction, signal: AbortSignal): Promise<ProcessScope> {
    const { runtime } = this.#context;
    if (spec.hostPID) return "node";
    const target = spec.ephemeralContainers?.find(({ name }) => name === action.spec.name)?.targetContainerName;
    if (target && !spec.shareProcessNamespace) {
      const containers = await runtime.listContainers({ podUid: metadata.uid ?? "", signal });
      const running = containers.find(({ name, state }) => name === target && state === "running");
      if (!running) throw new RuntimeFailure("CreateContainerConfigError", `target container ${target} is not running`);
      return { containerId: running.id };
    }
    return spec.shareProcessNamespace ? "pod" : "own";
  }

  async #run(id: string, signal: AbortSignal): Promise<void> {
    const { runtime, clock } = this.#context;
    try {
      await withDeadline({ clock, timeoutMs: stepTimeoutMs, signal }, (cut) =>
        runtime.startContainer(id, { signal: cut }),
      );
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof PodGroupFailure) throw error;
      throw new RuntimeFailure("RunContainerError", errorMessage(error), { cause: error });
    }
  }

  /** False when the hook failed. */
  async #postStart(
    pod: Pod,
    {
      id,
      sandbox,
      action: { spec, attempt },
      reference,
    }: {
      readonly id: string;
      readonly sandbox: Sandbox;
      readonly action: StartAction;
      readonly reference: ContainerReference;
    },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { runtime, clock, events, log } = this.#context;
    const hook = spec.lifecycle?.postStart;
    if (!hook) return true;
    try {
      const target = { id, spec, sandbox };
      const { ok, output } = await runHandler(hook, target, { runtime, clock, userAgent: probeUserAgent, signal });
      if (ok || (hook.httpGet && output.startsWith("HTTP probe failed"))) return true;
      throw new Error(output);
    } catch (error) {
      signal.throwIfAborted();
      log.warn("PostStart hook failed", { pod: pod.metadata.name, error: errorMessage(error) });
      events.warning(pod, "FailedPostStartHook", "PostStartHook failed", reference);
      this.#failed(spec.name, "PostStartHookError", new Error("PostStartHook failed"), attempt);
      return false;
    }
  }

  #volumes(pod: Pod, sandbox: Sandbox | undefined): Promise<ReadonlyMap<string, MountedVolume>> {
    return setUpVolumes(pod, this.#volumeOptions(pod, sandbox));
  }

  #volumeOptions(pod: Pod, sandbox: Sandbox | undefined): PodVolumesOptions {
    const { folders, objects, clock, node, events } = this.#context;
    const data = objects.sourceFor(pod);
    const given = this.#given;
    const onWarning = (reason: string, message: string) => events.warning(pod, reason, message);
    return { folders, facts: this.#facts(pod, sandbox), data, node: node(), given, clock, onWarning };
  }

  #facts(pod: Pod, sandbox: Sandbox | undefined): PodFacts {
    const { nodeIPs, allocatable } = this.#context;
    const own = sandbox?.ip === undefined ? [] : [sandbox.ip];
    return { pod, podIPs: pod.spec.hostNetwork ? nodeIPs : own, hostIPs: nodeIPs, allocatable };
  }

  #failed(name: string, reason: string, error: unknown, attempt: number): void {
    const since = this.#context.clock.monotonic();
    const backoff = reason === "ErrImagePull" ? this.#imageBackoff : this.#configBackoff;
    // A container that was made waits by the crash back-off that stands on it.
    const wasMade = reason === "RunContainerError" || reason === "PostStartHookError";
    const delayMs = wasMade ? failureShownMs : backoff.next(name);
    const image = error instanceof ImageVolumeFailure ? error.image : undefined;
    this.#failures.set(name, { reason, message: errorMessage(error), attempt, image, since, delayMs });
  }

  #succeeded(name: string): void {
    this.#failures.delete(name);
    this.#imageBackoff.reset(name);
    this.#configBackoff.reset(name);
  }
}
