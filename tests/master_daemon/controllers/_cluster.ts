import { onTestFinished } from "vitest";
import type { ResourceType } from "../../../core/api/kind.ts";
import { type KubeObject, keyOf } from "../../../core/api/meta.ts";
import { noSchema } from "../../../core/api/schema.ts";
import type { Client } from "../../../core/client/client.ts";
import { createClient } from "../../../core/client/create_client.ts";
import { inProcessTransport } from "../../../core/client/in_process_transport.ts";
import type { InformerFactory } from "../../../core/client/informer.ts";
import { createInformers } from "../../../core/client/informers.ts";
import { kinds, namespace, node, type Pod, pod } from "../../../core/kinds/mod.ts";
import { isPodReady } from "../../../core/kinds/pod_helpers.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import { DisposalStack } from "../../../core/util/disposal_stack.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { type Logger, silentLogger } from "../../../core/util/log.ts";
import { admissionPlugins, openWebhooks } from "../../../master_daemon/admission/mod.ts";
import { openResourceQuota } from "../../../master_daemon/admission/resource_quota.ts";
import { openServiceAddresses } from "../../../master_daemon/admission/service_addresses.ts";
import { createApiHandler } from "../../../master_daemon/apiserver/handle.ts";
import type { NodeConnector } from "../../../master_daemon/apiserver/node_connector.ts";
import { alwaysAllow } from "../../../master_daemon/authorization/authorizer.ts";
import { openRegistries } from "../../../master_daemon/registry/registries.ts";
import { openMemoryStore } from "../../../master_daemon/store/memory.ts";
import { aNode, at, start } from "./fixtures.ts";

const admin = { username: "admin", groups: ["system:masters"] };

/** A master without controllers and scheduler: the real API over a memory store, with a clock that a test moves. */
export interface TestCluster {
  readonly client: Client;
  readonly clock: FakeClock;
  readonly informers: InformerFactory;
  readonly random: () => number;
  readonly log: Logger;
  /** Messages that were logged as errors, with their fields. */
  readonly errors: string[];
  /** Closed, in reverse order, before the API is. */
  readonly parts: DisposalStack;
  /** Lets everything that is ready run until `check` gives something; moves the clock by `stepMs` each time. */
  until<T>(check: () => Promise<T | undefined | false>, options?: { stepMs?: number; rounds?: number }): Promise<T>;
  all<T extends KubeObject>(kind: ResourceType<T>, namespaceName?: string): Promise<readonly T[]>;
  /** Registers a node and plays its daemon: pods on it become ready, marked ones go. */
  addNode(name: string): Promise<void>;
  /** The daemon of a node says nothing any more. */
  stopNode(name: string): void;
}

const noNodes: NodeConnector = {
  request: () => Promise.reject(new Error("no nodes")),
  upgrade: () => Promise.reject(new Error("no nodes")),
};

/** Opens a {@linkcode TestCluster} with the namespace `default`, closed at the end of the test. */
export async function openCluster({
  nodes: connector = noNodes,
}: {
  nodes?: NodeConnector;
} = {}): Promise<TestCluster> {
  const clock = new FakeClock(start);
  const random = seededRandom(7);
  const errors: string[] = [];
  const log: Logger = {
    ...silentLogger,
    error: (message, fields) => errors.push(`${message} ${JSON.stringify(fields)}`),
    with: () => log,
  };
  const outer = new DisposalStack();
  const store = outer.use(openMemoryStore({ clock }));
  const registries = outer.use(
    await openRegistries({ store, kinds, clock, random, log, localRanges: ["127.0.0.0/8"] }),
  );
  const serviceAddresses = outer.use(
    await openServiceAddresses({
      registries,
      clusterIpRange: "10.96.0.0/24",
      nodePortRange: "30000-30009",
      clock,
      random,
      log,
    }),
  );
  const authorizer = alwaysAllow;
  const dialService = () => Promise.reject(new Error("no services"));
  const handler = createApiHandler({
    registries,
    // A test runs the controllers that it names only: none takes the first taint off a node, or creates accounts.
    admission: admissionPlugins({
      registries,
      webhooks: outer.use(openWebhooks({ registries, schema: noSchema, authorizer, dialService, clock, log })),
      schema: noSchema,
      authorizer,
      serviceAddresses,
      resourceQuotas: outer.use(openResourceQuota({ registries, clock, log })),
      clock,
      random,
      disable: ["ServiceAccount", "TaintNodesByCondition"],
    }),
    schema: noSchema,
    authenticators: [],
    authorizer: alwaysAllow,
    nodes: connector,
    clock,
    random,
    log,
  });
  outer.defer(() => handler.endStreams());
  const transport = inProcessTransport((request, options) => handler.handle(request, options), { user: admin });
  const client = outer.use(createClient(transport, { clock }));
  const informers = outer.use(createInformers({ client, clock, random, log }));
  const parts = outer.use(new DisposalStack());
  onTestFinished(() => outer[Symbol.asyncDispose]());
  await client.create(namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } });

  const nodes = new Set<string>();
  let address = 1;
  const stop = informers.informer(pod).onChange((change) => {
    const { object } = change;
    if (change.type === "deleted" || !nodes.has(object.spec.nodeName ?? "")) return;
    void (object.metadata.deletionTimestamp ? end(object) : begin(object)).catch(() => {});
  });
  parts.defer(stop);

  async function begin(object: Pod): Promise<void> {
    if (isPodReady(object)) return;
    const time = at(clock.now() - start);
    const conditions = [{ type: "Ready", status: "True", lastTransitionTime: time } as const];
    const status = {
      ...object.status,
      phase: "Running",
      startTime: time,
      podIP: `10.1.0.${address++}`,
      conditions,
    } as const;
    await client.updateStatus(pod, { ...object, status });
  }

  async function end(object: Pod): Promise<void> {
    await client.delete(pod, keyOf(object), { gracePeriodSeconds: 0 });
  }

  return {
    client,
    clock,
    informers,
    random,
    log,
    errors,
    parts,
    async until(check, { stepMs = 0, rounds = 300 } = {}) {
      for (let round = 0; round < rounds; round++) {
        const result = await check();
        if (result !== undefined && result !== false) return result as never;
        await clock.advance(stepMs);
        for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      }
      throw new Error(`Still not so after ${rounds} rounds: ${check} ${errors.join("; ")}`);
    },
    all: async (kind, name) => (await client.list(kind, name === undefined ? {} : { namespace: name })).items,
    async addNode(name) {
      nodes.add(name);
      await client.create(node, aNode(name));
      const created = await client.get(node, { name });
      const { status } = aNode(name);
      if (status && !created.status?.allocatable) await client.updateStatus(node, { ...created, status });
    },
    stopNode: (name) => void nodes.delete(name),
  };
}
