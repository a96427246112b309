import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noSchema } from "../../../core/api/schema.ts";
import { isReason, StatusError } from "../../../core/api/status.ts";
import type { Client } from "../../../core/client/client.ts";
import { createClient } from "../../../core/client/create_client.ts";
import { createEventRecorder } from "../../../core/client/event_recorder.ts";
import { inProcessTransport } from "../../../core/client/in_process_transport.ts";
import { createInformers } from "../../../core/client/informers.ts";
import { event as eventKind } from "../../../core/kinds/event.ts";
import { kinds } from "../../../core/kinds/mod.ts";
import { namespace } from "../../../core/kinds/namespace.ts";
import { type Pod, type PodSpec, pod as podKind } from "../../../core/kinds/pod.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import { DisposalStack } from "../../../core/util/disposal_stack.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { createApiHandler } from "../../../master_daemon/apiserver/handle.ts";
import { alwaysAllow } from "../../../master_daemon/authorization/authorizer.ts";
import { openRegistries } from "../../../master_daemon/registry/registries.ts";
import { openMemoryStore } from "../../../master_daemon/store/memory.ts";
import { type Kubelet, startKubelet } from "../../../node_daemon/kubelet/kubelet.ts";
import type { PodSource } from "../../../node_daemon/kubelet/sources/source.ts";
import { type FakeBehaviour, type FakeRuntime, fakeRuntime } from "../../../node_daemon/runtime/fake.ts";
import type { ContainerConfig } from "../../../node_daemon/runtime/runtime.ts";
import { patienceMs } from "../../patience.ts";

const noResolvers = { nameservers: [], searches: [], options: [] };

/** A node with a fake runtime on a real API, all in this process, and a clock that stands still. */
export interface TestNode extends AsyncDisposable {
  readonly client: Client;
  readonly clock: FakeClock;
  readonly runtime: FakeRuntime;
  readonly rootDir: string;
  /** What every container was made from, in order. */
  readonly started: readonly ContainerConfig[];
  /** Creates a pod on the node. */
  run(spec: Partial<PodSpec>, metadata?: object): Promise<Pod>;
  get(name?: string): Promise<Pod>;
  /** Resolves when the pod is as wanted. Time stands still meanwhile. */
  until(wanted: (pod: Pod) => boolean, name?: string): Promise<Pod>;
  /** Resolves when the pod is gone. */
  gone(name?: string): Promise<void>;
  /** Resolves when `check` is true. Time stands still meanwhile. */
  soon(check: () => Promise<boolean>): Promise<void>;
  /** Moves time in steps, and lets what it starts come to its end. */
  advance(ms: number, stepMs?: number): Promise<void>;
  /** Lets everything come to rest. */
  idle(): Promise<void>;
  /** Reasons and messages of all events, in order. */
  events(): Promise<readonly string[]>;
  startKubelet(): Promise<Kubelet>;
  /** Ends the kubelet as a crash would; containers run on. */
  stopKubelet(): Promise<void>;
}

/** Opens a {@linkcode TestNode}; the kubelet runs unless told otherwise. */
export async function openTestNode(
  behaviour: (config: ContainerConfig) => FakeBehaviour = () => ({}),
  { kubelet = true, sources = [] }: { readonly kubelet?: boolean; readonly sources?: readonly PodSource[] } = {},
): Promise<TestNode> {
  const parts = new DisposalStack();
  const clock = new FakeClock();
  const random = seededRandom(7);
  const log = silentLogger;
  const rootDir = await mkdtemp(join(tmpdir(), "wherry-kubelet-"));
  // What a kubelet was writing when it was told to end is still written.
  parts.defer(() => rm(rootDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 }));
  const store = parts.use(openMemoryStore({ clock }));
  const registries = parts.use(
    await openRegistries({ store, kinds, clock, random, log, localRanges: ["127.0.0.0/8"] }),
  );
  const refuse = () => Promise.reject(StatusError.unavailable("no nodes"));
  const api = createApiHandler({
    registries,
    admission: [],
    schema: noSchema,
    authenticators: [],
    authorizer: alwaysAllow,
    nodes: { request: refuse, upgrade: refuse },
    clock,
    random,
    log,
  });
  parts.defer(() => api.endStreams());
  const user = { username: "system:node:node-1", groups: ["system:masters"] };
  const client = parts.use(
    createClient(
      inProcessTransport((request, options) => api.handle(request, options), { user }),
      { clock },
    ),
  );
  await client.create(namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } });
  const started: ContainerConfig[] = [];
  const runtime = parts.use(
    fakeRuntime({
      clock,
      random,
      readsFiles: true,
      behaviour(config) {
        started.push(config);
        return behaviour(config);
      },
    }),
  );

  let running: DisposalStack | undefined;
  const node: TestNode = {
    client,
    clock,
    runtime,
    rootDir,
    started,
    run: (spec, metadata = {}) =>
      client.create(podKind, {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "web", namespace: "default", ...metadata },
        spec: { nodeName: "node-1", containers: [{ name: "app", image: "img:1", command: ["run"] }], ...spec },
      }),
    get: (name = "web") => client.get(podKind, { namespace: "default", name }),
    async until(wanted, name = "web") {
      let last: Pod | undefined;
      for (const end = performance.now() + patienceMs; performance.now() < end; ) {
        // What shows a pod of the node's own comes and goes.
        last = await node.get(name).catch((error: unknown) => {
          if (sources.length > 0 && isReason(error, "NotFound")) return undefined;
          throw error;
        });
        if (last && wanted(last)) return last;
        await breathe(rootDir);
      }
      throw new Error(`never came true; last status: ${JSON.stringify(last?.status, null, 1)}`);
    },
    async gone(name = "web") {
      for (const end = performance.now() + patienceMs; performance.now() < end; ) {
        const { items } = await client.list(podKind, { namespace: "default", fieldSelector: `metadata.name=${name}` });
        if (items.length === 0) return;
        await breathe(rootDir);
      }
      throw new Error(`pod ${name} is still there`);
    },
    async soon(check) {
      for (const end = performance.now() + patienceMs; performance.now() < end; ) {
        if (await check()) return;
        await breathe(rootDir);
      }
      throw new Error("never came true");
    },
    async advance(ms, stepMs = 1000) {
      for (let left = ms; left > 0; left -= stepMs) {
        await clock.advance(Math.min(stepMs, left));
        await node.idle();
      }
    },
    async idle() {
      // Deno does not tell what its file system is busy with, so that it gets more rounds to be done.
      const [rounds, most] = "Deno" in globalThis ? [60, 60] : [15, 200];
      for (let turn = 0, quiet = 0; turn < most && quiet < rounds; turn++) {
        quiet = fileWork() > 0 ? 0 : quiet + 1;
        await breathe(rootDir);
      }
    },
    async events() {
      const { items } = await client.list(eventKind, { namespace: "default" });
      const revision = ({ metadata }: (typeof items)[number]) => Number(metadata.resourceVersion);
      return [...items].sort((a, b) => revision(a) - revision(b)).map(({ reason, message }) => `${reason}: ${message}`);
    },
    async startKubelet() {
      const own = new DisposalStack();
      running = own;
      const informers = own.use(createInformers({ client, clock, random, log }));
      const recorder = own.use(
        createEventRecorder({ client, clock, random, log, component: "kubelet", host: "node-1" }),
      );
      const started = own.use(
        await startKubelet({
          names: { servers: () => ["10.96.0.10"], domain: "cluster.local", resolvers: async () => noResolvers },
          nodeName: "node-1",
          nodeIPs: ["127.0.0.1"],
          rootDir,
          client,
          informers,
          runtime,
          recorder,
          allocatable: { cpu: "2", memory: "4Gi" },
          sources,
          clock,
          random,
          log,
        }),
      );
      started.setPodRange("127.64.1.0/24");
      return started;
    },
    async stopKubelet() {
      await running?.[Symbol.asyncDispose]();
      running = undefined;
    },
    async [Symbol.asyncDispose]() {
      await node.stopKubelet();
      await parts[Symbol.asyncDispose]();
    },
  };
  if (kubelet) await node.startKubelet();
  return node;
}

/** Requests to the file system that are under way, where the runtime can tell. */
function fileWork(): number {
  const resources = process.getActiveResourcesInfo?.() ?? [];
  return resources.filter((name) => name === "FSReqPromise").length;
}

/** One round through the event loop and the file system: work in flight gets further. */
async function breathe(folder: string): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await stat(folder);
}
