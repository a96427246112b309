import type Docker from "dockerode";
import { label, type Owner, ownerLabels } from "./docker_config.ts";
import type { DockerEngine } from "./docker_engine.ts";

/** What is remembered of a container. */
interface Known {
  readonly podUid: string;
  readonly kind: string;
  readonly sandboxId: string;
}

type Labels = Readonly<Record<string, string>>;

/**
 * Finds the containers of one node among all that its engine has.
 *
 * To list any of them, an engine looks through all: with thousands of dead ones, which may be anybody's, each look at a pod would
 * cost it tens of milliseconds. So while its events are followed, it is remembered here which containers a pod has, but never how
 * these are: that is asked of the engine, by their ids. While nobody follows, the engine is asked for the labels.
 */
export class DockerContainers {
  readonly #engine: DockerEngine;
  readonly #owner: Labels;
  /** By id. Undefined while events are not followed, and until all was listed that stood before. */
  #known: Map<string, Known> | undefined;
  #byPod = new Map<string, Set<string>>();
  /** What was made and removed here while all are listed. */
  #meanwhile: { readonly made: Map<string, Labels>; readonly removed: Set<string> } | undefined;

  constructor(engine: DockerEngine, owner: Owner) {
    this.#engine = engine;
    this.#owner = ownerLabels(owner);
  }

  /** Labels that all of them carry, as the engine's filters have them. */
  get ownerFilter(): string[] {
    return Object.entries(this.#owner).map(([name, value]) => `${name}=${value}`);
  }

  /** Whether labels are those of a container of this node. */
  owns(labels: Labels): boolean {
    return Object.entries(this.#owner).every(([name, value]) => labels[name] === value);
  }

  /** Those that carry labels or have an id, as the engine lists them: ended ones, too, unless `running`. */
  list(
    signal: AbortSignal,
    {
      label = [],
      id = [],
      running = false,
    }: { readonly label?: readonly string[]; readonly id?: readonly string[]; readonly running?: boolean },
  ): Promise<Docker.ContainerInfo[]> {
    const filters = { label: [...this.ownerFilter, ...label], ...(id.length > 0 ? { id: [...id] } : {}) };
    return this.#engine.call(signal, (abortSignal) =>
      this.#engine.docker.listContainers({ all: !running, filters, abortSignal }),
    );
  }

  /** Ids of a pod's containers, or sandboxes. */
  async ofPod(podUid: string, kind: "container" | "sandbox", signal: AbortSignal): Promise<readonly string[]> {
    const known = this.#known;
    if (known) return [...(this.#byPod.get(podUid) ?? [])].filter((id) => known.get(id)?.kind === kind);
    const found = await this.list(signal, { label: [`${label.kind}=${kind}`, `${label.podUid}=${podUid}`] });
    return found.map(({ Id }) => Id);
  }

  /** Ids of the containers that were made in a sandbox. */
  async inSandbox(sandboxId: string, signal: AbortSignal): Promise<readonly string[]> {
    const known = this.#known;
    const sandbox = known?.get(sandboxId);
    if (known && sandbox)
      return [...(this.#byPod.get(sandbox.podUid) ?? [])].filter((id) => known.get(id)?.sandboxId === sandboxId);
    const found = await this.list(signal, { label: [`${label.sandboxId}=${sandboxId}`] });
    return found.map(({ Id }) => Id);
  }

  /** The sandbox that a container was made in. */
  async sandboxOf(id: string, signal: AbortSignal): Promise<string | undefined> {
    const known = this.#known?.get(id);
    if (known) return known.sandboxId;
    const [found] = await this.list(signal, { id: [id] });
    return found?.Labels[label.sandboxId];
  }

  /** A container was made, here or as the engine tells. */
  made(id: string, labels: Labels): void {
    this.#meanwhile?.made.set(id, labels);
    this.#known?.set(id, {
      podUid: labels[label.podUid] ?? "",
      kind: labels[label.kind] ?? "",
      sandboxId: labels[label.sandboxId] ?? "",
    });
    if (!this.#known) return;
    const ofPod = this.#byPod.get(labels[label.podUid] ?? "") ?? new Set();
    this.#byPod.set(labels[label.podUid] ?? "", ofPod.add(id));
  }

  /** A container is no more. */
  removed(id: string): void {
    this.#meanwhile?.removed.add(id);
    const { podUid = "" } = this.#known?.get(id) ?? {};
    this.#known?.delete(id);
    const ofPod = this.#byPod.get(podUid);
    ofPod?.delete(id);
    if (ofPod?.size === 0) this.#byPod.delete(podUid);
  }

  /** Begins to remember, since events are told from now on. Gives the pods of all containers that stand. */
  async follow(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const meanwhile = { made: new Map<string, Labels>(), removed: new Set<string>() };
    this.#forget();
    this.#meanwhile = meanwhile;
    const found = await this.list(signal, {});
    if (this.#meanwhile === meanwhile) {
      this.#meanwhile = undefined;
      this.#known = new Map();
      for (const { Id, Labels } of found) this.made(Id, Labels);
      for (const [id, labels] of meanwhile.made) this.made(id, labels);
      for (const id of meanwhile.removed) this.removed(id);
    }
    return new Set(found.flatMap(({ Labels }) => Labels[label.podUid] ?? []));
  }

  /** Events are no longer told. */
  lost(): void {
    this.#forget();
  }

  #forget(): void {
    this.#meanwhile = undefined;
    this.#known = undefined;
    this.#byPod = new Map();
  }
}
