import { isJsonObject } from "../../core/api/json_object.ts";
import { jsonText, readJsonText } from "../../core/api/json_text.ts";
import type { JsonObject } from "../../core/api/meta.ts";
import { type ApiResponse, readBody, type Transport } from "../../core/client/transport.ts";
import type { Pod } from "../../core/kinds/mod.ts";
import { readTextFile } from "../../core/platform/files.ts";
import type { Clock } from "../../core/util/clock.ts";
import { linkSignals } from "../../core/util/link_signals.ts";
import { errorMessage } from "../../core/util/log.ts";
import type { Candidate } from "./_preemption.ts";
import type { NodeInfo } from "./node_info.ts";

/** A server that has a say in where pods go, as a KubeSchedulerConfiguration has it. */
export interface ExtenderOptions {
  readonly urlPrefix: string;
  /** What is appended to the address for each call; empty: it is not asked. */
  readonly filterVerb: string;
  readonly prioritizeVerb: string;
  readonly preemptVerb: string;
  readonly bindVerb: string;
  /** How much its scores count. */
  readonly weight: number;
  /** Whether it knows the nodes itself: then it is sent their names only. */
  readonly nodeCacheCapable: boolean;
  /** Whether pods are placed without it while it does not answer. */
  readonly ignorable: boolean;
  /** It is asked only for pods that want one of these; none: for all. */
  readonly managedResources: readonly string[];
  readonly httpTimeoutMs: number;
  /** Undefined: plain HTTP, or https to whoever answers. */
  readonly tls?: ExtenderTls | undefined;
}

/** How a server proves who it is, and how the scheduler does. Data is PEM. */
export interface ExtenderTls {
  readonly insecure: boolean;
  readonly serverName: string;
  readonly ca: { readonly file: string; readonly data: string };
  readonly cert: { readonly file: string; readonly data: string };
  readonly key: { readonly file: string; readonly data: string };
}

/** What a server made of nodes. */
export interface ExtenderVerdict {
  readonly nodes: readonly NodeInfo[];
  /** Why other nodes will not do, and whether they would if pods went from them. */
  readonly failed: ReadonlyMap<string, { readonly reason: string; readonly preemptionHelps: boolean }>;
}

/** A server's scores are 0 to this. */
const maxExtenderPriority = 10;
const maxAnswerBytes = 64 * 1024 * 1024;

/**
 * A server outside that is asked about nodes. Its connections are opened with the first question.
 *
 * @see https://github.com/kubernetes/design-proposals-archive/blob/main/scheduling/scheduler_extender.md
 */
export class Extender implements AsyncDisposable {
  readonly options: ExtenderOptions;
  readonly #clock: Clock;
  #transport: Promise<Transport> | undefined;

  constructor(options: ExtenderOptions, { clock }: { readonly clock: Clock }) {
    this.options = options;
    this.#clock = clock;
  }

  /** Whether a pod wants one of the resources that this server looks after. */
  isInterested({ spec }: Pod): boolean {
    const { managedResources } = this.options;
    if (managedResources.length === 0) return true;
    return [...spec.containers, ...(spec.initContainers ?? [])].some(({ resources = {} }) =>
      [resources.requests, resources.limits].some((list) =>
        managedResources.some((name) => list !== undefined && Object.hasOwn(list, name)),
      ),
    );
  }

  /** Which of the nodes will do. @throws Error when the server does not say, or names others */
  async filter(pod: Pod, nodes: readonly NodeInfo[], options: CallOptions): Promise<ExtenderVerdict> {
    const { filterVerb, urlPrefix } = this.options;
    if (filterVerb === "") return { nodes, failed: new Map() };
    const answer = objectOf(await this.#ask(filterVerb, this.#about(pod, nodes), options));
    refuseError(answer);
    const names = namesOf(answer);
    const known = new Map(nodes.map((node) => [node.name, node] as const));
    const kept = names.map((name) => {
      const node = known.get(name);
      if (node) return node;
      throw new Error(
        `extender ${JSON.stringify(urlPrefix)} claims a filtered node ${JSON.stringify(name)} which is not found in the input node list`,
      );
    });
    const failed = new Map<string, { readonly reason: string; readonly preemptionHelps: boolean }>();
    for (const [list, preemptionHelps] of [
      ["FailedNodes", true],
      ["FailedAndUnresolvableNodes", false],
    ] as const)
      for (const [name, reason] of Object.entries(objectOf(memberOf(answer, list))))
        failed.set(name, { reason: String(reason), preemptionHelps });
    return { nodes: kept, failed };
  }

  /** What the server adds to the scores of nodes, by name. @throws Error when it does not say */
  async prioritize(pod: Pod, nodes: readonly NodeInfo[], options: CallOptions): Promise<ReadonlyMap<string, number>> {
    const { prioritizeVerb, weight } = this.options;
    if (prioritizeVerb === "") return new Map();
    const answer = await this.#ask(prioritizeVerb, this.#about(pod, nodes), options);
    return new Map(
      (Array.isArray(answer) ? answer : []).map((one) => {
        const score = Number(memberOf(objectOf(one), "Score") ?? 0);
        return [String(memberOf(objectOf(one), "Host")), score * weight * (100 / maxExtenderPriority)] as const;
      }),
    );
  }

  /** From which nodes which pods may go for another. @throws Error when the server does not say, or names pods that are not there */
  async preempt(pod: Pod, candidates: readonly Candidate[], options: CallOptions): Promise<readonly Candidate[]> {
    const { preemptVerb, nodeCacheCapable, urlPrefix, ignorable } = this.options;
    const victims = candidates.map(({ node, victims, violations }) => {
      const pods = victims.map(({ pod: one }) => (nodeCacheCapable ? { UID: one.metadata.uid ?? "" } : one));
      return [node.name, { Pods: pods, NumPDBViolations: violations }] as const;
    });
    const member = nodeCacheCapable ? "NodeNameToMetaVictims" : "NodeNameToVictims";
    const answer = await this.#ask(preemptVerb, { Pod: pod, [member]: Object.fromEntries(victims) }, options);
    const nodes = new Map(candidates.map(({ node }) => [node.name, node] as const));
    return Object.entries(objectOf(memberOf(objectOf(answer), "NodeNameToMetaVictims"))).flatMap(([name, value]) => {
      const node = nodes.get(name);
      if (!node) throw new Error(`extender: ${urlPrefix} claims to preempt on node: ${name}, which was no candidate`);
      const left = [...node.pods];
      const pods = listOf(memberOf(objectOf(value), "Pods")).map((one) => {
        const uid = String(memberOf(objectOf(one), "UID"));
        const found = left.find(({ pod: other }) => other.metadata.uid === uid);
        if (found) return found;
        throw new Error(
          `extender: ${urlPrefix} claims to preempt pod (UID: ${uid}) on node: ${name}, but the pod is not found on that node`,
        );
      });
      if (pods.length === 0 && !ignorable)
        throw new Error(`expected at least one victim pod on node ${JSON.stringify(name)}`);
      if (pods.length === 0) return [];
      return [{ node, victims: pods, violations: Number(memberOf(objectOf(value), "NumPDBViolations") ?? 0) }];
    });
  }

  /** Has the server bind a pod to a node. @throws Error when it did not */
  async bind({ metadata }: Pod, nodeName: string, options: CallOptions): Promise<void> {
    const { name = "", namespace = "", uid = "" } = metadata;
    const binding = { PodName: name, PodNamespace: namespace, PodUID: uid, Node: nodeName };
    refuseError(objectOf(await this.#ask(this.options.bindVerb, binding, options)));
  }

  #about(pod: Pod, nodes: readonly NodeInfo[]): object {
    if (this.options.nodeCacheCapable) return { Pod: pod, Nodes: null, NodeNames: nodes.map(({ name }) => name) };
    return { Pod: pod, Nodes: { metadata: {}, items: nodes.map(({ node }) => node) }, NodeNames: null };
  }

  async #ask(verb: string, question: object, { signal }: CallOptions): Promise<unknown> {
    const { urlPrefix, httpTimeoutMs } = this.options;
    const url = `${urlPrefix.replace(/\/+$/, "")}/${verb}`;
    const timeout = new AbortController();
    const cancel = this.#clock.schedule(httpTimeoutMs, () => timeout.abort(new Error("context deadline exceeded")));
    const linked = linkSignals(signal, timeout.signal);
    try {
      this.#transport ??= openTransport(this.options);
      const response = await this.#send(await this.#transport, { url, verb, question, signal: linked.signal });
      return readJsonText(new TextDecoder().decode(await readBody(response.body, maxAnswerBytes)));
    } finally {
      cancel();
      linked.release();
    }
  }

  async #send(
    transport: Transport,
    {
      url,
      verb,
      question,
      signal,
    }: { readonly url: string; readonly verb: string; readonly question: object; readonly signal: AbortSignal },
  ): Promise<ApiResponse> {
    const body = new TextEncoder().encode(jsonText(question));
    const headers = { "content-type": "application/json" };
    let response: ApiResponse;
    try {
      response = await transport.request({ method: "POST", path: `/${verb}`, headers, body }, { signal });
    } catch (cause) {
      throw new Error(`Post ${JSON.stringify(url)}: ${errorMessage(cause)}`, { cause });
    }
    if (response.status === 200) return response;
    await readBody(response.body, maxAnswerBytes).catch(() => {});
    throw new Error(`failed ${verb} with extender at URL ${url}, code ${response.status}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const transport = await this.#transport?.catch(() => undefined);
    await transport?.[Symbol.asyncDispose]();
  }
}

interface CallOptions {
  readonly signal: AbortSignal;
}

async function openTransport({ urlPrefix, tls, httpTimeoutMs }: ExtenderOptions): Promise<Transport> {
  // Seldom needed.
  const { httpTransport } = await import("../../core/client/http_transport.ts");
  const pem = async ({ file, data }: ExtenderTls["ca"]) =>
    (data === "" && file !== "" ? await readTextFile(file) : data) || undefined;
  const [ca, cert, key] = tls ? await Promise.all([tls.ca, tls.cert, tls.key].map(pem)) : [];
  return httpTransport({
    server: urlPrefix,
    ca,
    cert,
    key,
    insecureSkipTlsVerify: tls === undefined || tls.insecure || ca === undefined,
    tlsServerName: tls?.serverName || undefined,
    requestTimeoutMs: httpTimeoutMs,
  });
}

/** Names of the nodes that are left: servers answer with names, or with the nodes themselves. */
function namesOf(answer: JsonObject): readonly string[] {
  const names = memberOf(answer, "NodeNames");
  if (Array.isArray(names)) return names.map(String);
  return listOf(memberOf(objectOf(memberOf(answer, "Nodes")), "items")).map((node) =>
    String(objectOf(memberOf(objectOf(node), "metadata"))["name"]),
  );
}

function refuseError(answer: JsonObject): void {
  const error = memberOf(answer, "Error");
  if (typeof error === "string" && error !== "") throw new Error(error);
}

/** A member, whatever the case of its letters: such servers are written in Go, which does not mind. */
function memberOf(object: JsonObject, name: string): unknown {
  const found = Object.keys(object).find((key) => key.toLowerCase() === name.toLowerCase());
  return found === undefined ? undefined : object[found];
}

function objectOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
