import type { Kind } from "../../core/api/kind.ts";
import { type Condition, type KubeObject, setCondition } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import type { UserInfo } from "../../core/client/transport.ts";
import { WorkQueue } from "../../core/client/workqueue.ts";
import { approvalCondition } from "../../core/kinds/custom_resource_approval.ts";
import {
  type CustomResourceDefinition,
  customResourceCleanup,
  customResourceDefinition,
  isTrue,
  storageVersionOf,
} from "../../core/kinds/custom_resource_definition.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { type Clock, timestamp } from "../../core/util/clock.ts";
import { DisposalStack } from "../../core/util/disposal_stack.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import { followRegistry } from "../registry/follow.ts";
import type { Registries, Registry, Stored } from "../registry/registry.ts";
import type { PostReview } from "./conversion_webhook.ts";
import { removeInstances, terminating } from "./instances.ts";
import { planEstablished, planNames } from "./names.ts";

/** Options of {@linkcode startDefinitions}. */
export interface DefinitionsOptions {
  readonly registries: Registries;
  readonly clock: Clock;
  readonly log: Logger;
  /** Asks the webhooks that convert objects. Absent: conversions fail. */
  readonly postReview?: PostReview | undefined;
}

type Status = NonNullable<CustomResourceDefinition["status"]>;

const user: UserInfo = { username: "system:apiserver", groups: ["system:masters"] };

/**
 * Serves the kinds that CustomResourceDefinitions make, as they come, change and go.
 *
 * - What is established when it starts is served before it resolves: no client sees a kind vanish over a restart.
 * - A kind is served before its definition says that it is established.
 * - A definition goes when the last of its objects is gone.
 */
export async function startDefinitions(options: DefinitionsOptions): Promise<AsyncDisposable> {
  const definitions = new Definitions(options);
  await definitions.start();
  return definitions;
}

class Definitions implements AsyncDisposable {
  readonly #options: DefinitionsOptions;
  readonly #registry: Registry<CustomResourceDefinition>;
  readonly #queue: WorkQueue;
  readonly #parts = new DisposalStack();
  readonly #tasks: Tasks;
  /** What is served for each definition, by its name. */
  readonly #served = new Map<string, { readonly of: CustomResourceDefinition; readonly kinds: readonly Kind[] }>();
  /** uids of definitions whose objects are being deleted. */
  readonly #emptying = new Set<string>();

  constructor(options: DefinitionsOptions) {
    const { registries, clock, log } = options;
    this.#options = options;
    this.#registry = registries.for(customResourceDefinition);
    this.#queue = new WorkQueue({ clock });
    this.#tasks = this.#parts.use(
      new Tasks({
        onError: (error) => log.error("Cannot serve custom resource definitions", { error: errorMessage(error) }),
      }),
    );
  }

  async start(): Promise<void> {
    const { clock, log } = this.#options;
    const look = ({ key }: Stored) => this.#queue.add(key.name);
    const onRestart = () => {
      // Those that went meanwhile are not told any more.
      for (const name of this.#served.keys()) this.#queue.add(name);
    };
    this.#parts.use(
      await followRegistry({ registry: this.#registry, onPresent: look, onGone: look, onRestart, clock, log }),
    );
    for (const { object } of (await this.#registry.list()).items)
      if (isTrue(object, "Established")) await this.#serve(object).catch((error: unknown) => this.#tell(object, error));
    this.#tasks.run((signal) => this.#work(signal));
  }

  /** One definition after the other: names are given in order. */
  async #work(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#queue.shutdown(), { once: true });
    for (let name = await this.#queue.get({ signal }); name !== undefined; name = await this.#queue.get({ signal })) {
      try {
        await this.#reconcile(name);
        this.#queue.forget(name);
      } catch (error) {
        if (signal.aborted) return;
        if (!isReason(error, "Conflict") && !isReason(error, "NotFound")) this.#tell({ metadata: { name } }, error);
        this.#queue.addRateLimited(name);
      }
      this.#queue.done(name);
    }
  }

  async #reconcile(name: string): Promise<void> {
    const definition = await this.#present(name);
    if (!definition) {
      this.#withdraw(name);
      await this.#lookAtGroup(name);
      return;
    }
    const status = await this.#plan(definition);
    // Served first: whoever sees that the kind is established may use it.
    if (isTrue({ ...definition, status }, "Established")) await this.#serve({ ...definition, status });
    if (!semanticEqual(status, definition.status)) {
      await this.#writeStatus(definition, status);
      if (!semanticEqual(status.acceptedNames, definition.status?.acceptedNames)) await this.#lookAtGroup(name);
      return;
    }
    const { uid = "" } = definition.metadata;
    if (!isEmptying(definition) || this.#emptying.has(uid)) return;
    this.#emptying.add(uid);
    this.#tasks.run((signal) => this.#empty(definition, signal).finally(() => this.#emptying.delete(uid)));
  }

  async #present(name: string): Promise<CustomResourceDefinition | undefined> {
    try {
      return (await this.#registry.get({ name })).object;
    } catch (error) {
      if (isReason(error, "NotFound")) return undefined;
      throw error;
    }
  }

  /** The status that the definition is to have. */
  async #plan(definition: CustomResourceDefinition): Promise<Status> {
    const { items } = await this.#registry.list();
    const others = items
      .map(({ object }) => object)
      .filter((one) => one.spec.group === definition.spec.group && nameOf(one) !== nameOf(definition));
    const builtIn = this.#options.registries.kinds.filter(
      (kind) => !kind.custom && kind.group === definition.spec.group,
    );
    const names = planNames(definition, others, builtIn);
    const approval = approvalCondition(definition);
    const conditions = [
      names.namesAccepted,
      planEstablished(definition, names),
      ...(approval ? [approval] : []),
      ...(isEmptying(definition) ? [terminating.inProgress] : []),
    ];
    return {
      ...definition.status,
      acceptedNames: names.acceptedNames,
      conditions: conditions.reduce((all, one) => this.#withCondition(all, one), definition.status?.conditions ?? []),
    };
  }

  #withCondition(conditions: readonly Condition[], next: Condition): readonly Condition[] {
    return setCondition(conditions, { lastTransitionTime: timestamp(this.#options.clock), ...next });
  }

  async #writeStatus(definition: CustomResourceDefinition, status: Status): Promise<void> {
    const { resourceVersion = "" } = definition.metadata;
    await this.#registry.update(
      { name: nameOf(definition) },
      (current) => ({ ...current, metadata: { ...current.metadata, resourceVersion }, status }),
      { user, subresource: "status" },
    );
  }

  /** Names that one definition gave up may be wanted by others of its group. */
  async #lookAtGroup(name: string): Promise<void> {
    const group = name.slice(name.indexOf(".") + 1);
    for (const { key, object } of (await this.#registry.list()).items)
      if (object.spec.group === group && key.name !== name) this.#queue.add(key.name);
  }

  async #serve(definition: CustomResourceDefinition): Promise<void> {
    const { registries } = this.#options;
    const name = nameOf(definition);
    const before = this.#served.get(name);
    const isSame =
      before?.of.metadata.uid === definition.metadata.uid &&
      semanticEqual(before?.of.spec, definition.spec) &&
      semanticEqual(before?.of.status?.acceptedNames, definition.status?.acceptedNames);
    if (isSame) return;
    // Loaded with the first definition: clusters without any start faster.
    const { customKinds } = await import("./custom_kinds.ts");
    const { postReview = () => Promise.reject(new Error("this server calls no webhooks")) } = this.#options;
    const kinds = await customKinds(definition, { postReview });
    for (const kind of kinds) await registries.serve(kind);
    this.#served.set(name, { of: definition, kinds });
    for (const kind of before?.kinds ?? [])
      if (!kinds.some(({ version }) => version === kind.version)) registries.withdraw(kind);
  }

  #withdraw(name: string): void {
    for (const kind of this.#served.get(name)?.kinds ?? []) this.#options.registries.withdraw(kind);
    this.#served.delete(name);
  }

  /** Deletes the objects of a definition that is going, and lets it go. */
  async #empty(definition: CustomResourceDefinition, signal: AbortSignal): Promise<void> {
    const name = nameOf(definition);
    try {
      const isEmpty = await this.#removeInstances(definition, signal);
      const done = isEmpty ? terminating.completed : terminating.neverEstablished;
      const change = (current: CustomResourceDefinition) => this.#withoutFinalizer(current, done);
      await this.#registry.update({ name }, change, { user, subresource: "binding" });
    } catch (error) {
      if (signal.aborted || isReason(error, "NotFound")) return;
      this.#tell(definition, error);
      this.#queue.addRateLimited(name);
    }
  }

  /** False when the kind was never served. */
  async #removeInstances(definition: CustomResourceDefinition, signal: AbortSignal): Promise<boolean> {
    const { registries } = this.#options;
    const served = this.#served.get(nameOf(definition));
    if (!served) return false;
    const storage = storageVersionOf(definition)?.name;
    const kind = served.kinds.find(({ version }) => version === storage) ?? served.kinds[0];
    if (kind) {
      await removeInstances(registries.for<KubeObject>(kind), { user, signal });
      return true;
    }
    // None of its versions is served, but there may be objects.
    const { storedKind } = await import("./custom_kind.ts");
    const hidden: Kind = { ...storedKind(definition, storage ?? ""), hidden: true, verbs: [] };
    await registries.serve(hidden);
    await removeInstances(registries.for<KubeObject>(hidden), { user, signal });
    registries.withdraw(hidden);
    return true;
  }

  #withoutFinalizer(current: CustomResourceDefinition, condition: Condition): CustomResourceDefinition {
    const { finalizers = [] } = current.metadata;
    return {
      ...current,
      metadata: { ...current.metadata, finalizers: finalizers.filter((other) => other !== customResourceCleanup) },
      status: { ...current.status, conditions: this.#withCondition(current.status?.conditions ?? [], condition) },
    };
  }

  #tell({ metadata }: Pick<KubeObject, "metadata">, error: unknown): void {
    const { log } = this.#options;
    log.error("Cannot serve a custom resource definition", { name: metadata.name ?? "", error: errorMessage(error) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#queue.shutdown();
    await this.#parts[Symbol.asyncDispose]();
  }
}

/** Whether the definition waits for its objects to be deleted. */
function isEmptying({ metadata: { deletionTimestamp, finalizers = [] } }: CustomResourceDefinition): boolean {
  return deletionTimestamp !== undefined && finalizers.includes(customResourceCleanup);
}

function nameOf({ metadata }: Pick<KubeObject, "metadata">): string {
  return metadata.name ?? "";
}
