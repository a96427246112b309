import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeObject } from "../../core/api/meta.ts";
import { findCondition } from "../../core/api/meta.ts";
import { waitFor } from "../../core/client/wait_for.ts";
import { configMap as configMapKind } from "../../core/kinds/configmap.ts";
import { event as eventKind } from "../../core/kinds/event.ts";
import { type ContainerStatus, type Pod, pod as podKind } from "../../core/kinds/pod.ts";
import { secret as secretKind } from "../../core/kinds/secret.ts";
import { eventually, type TestCluster } from "../e2e/harness.ts";
import { patienceMs } from "../patience.ts";

/** What the pods of the suite run on. */
export interface PodContractOptions {
  /** The cluster, once it runs. */
  cluster(): TestCluster;
  /** An image with a shell, or a name for one. */
  readonly image: string;
  /** Whether the machine can hold containers to profiles of AppArmor. */
  readonly appArmor: boolean;
}

const namespace = "default";
/** Stays until it is told to end. */
const stay = "trap 'exit 0' TERM; while :; do sleep 60 & wait $!; done";

/** Several cases share the machine. */
const sharedPatienceMs = 3 * patienceMs;

/** Waits until a pod of a cluster is as wanted. */
export function podUntil(cluster: TestCluster, name: string, predicate: (pod: Pod) => boolean): Promise<Pod> {
  return waitFor(cluster.client, podKind, { namespace, name }, { predicate, timeoutMs: sharedPatienceMs });
}

/** Waits until an event of a pod says what is wanted, as `REASON: MESSAGE`. */
export async function eventOf(cluster: TestCluster, name: string, pattern: RegExp): Promise<void> {
  let told: readonly string[] = [];
  try {
    await eventually(
      "the event",
      async () => {
        const fieldSelector = `involvedObject.name=${name}`;
        const { items } = await cluster.client.list(eventKind, { namespace, fieldSelector });
        told = items.map(({ reason, message }) => `${reason}: ${message}`);
        return told.find((text) => pattern.test(text));
      },
      sharedPatienceMs,
    );
  } catch (error) {
    throw new Error(`no event ${pattern} among:\n${told.join("\n")}`, { cause: error });
  }
}

const mainOf = ({ status }: Pod): ContainerStatus | undefined => status?.containerStatuses?.[0];
const isReady = ({ status }: Pod) => findCondition(status?.conditions, "Ready")?.status === "True";

/** What the Kubernetes documentation promises of a pod, and what every runtime can keep: driven through the API. */
export function podContractSuite({ cluster, image, appArmor }: PodContractOptions): void {
  // The same path inside and outside: a container that sees the machine's own files finds it too.
  const shared = mkdtempSync(join(tmpdir(), "wherry-contract-"));
  const shell = (script: string, more: object = {}) => ({
    name: "main",
    image,
    command: ["sh", "-c", script],
    ...more,
  });
  const podOf = (name: string, containers: readonly object[], spec: object = {}, metadata: object = {}): object => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, ...metadata },
    spec: { terminationGracePeriodSeconds: 5, containers, ...spec },
  });
  const until = (name: string, predicate: (pod: Pod) => boolean) => podUntil(cluster(), name, predicate);
  const ended = (name: string) => until(name, ({ status }) => /^(Succeeded|Failed)$/.test(status?.phase ?? ""));
  const key = (name: string) => ({ namespace, name });
  const create = async (...objects: readonly object[]) => {
    for (const object of objects) {
      const kind = [podKind, configMapKind, secretKind].find((one) => one.kind === (object as KubeObject).kind);
      await cluster().client.create<KubeObject>(kind ?? podKind, object as KubeObject);
    }
  };
  const remove = async (names: readonly string[], gracePeriodSeconds?: number) => {
    const options = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
    for (const name of names) await cluster().client.delete(podKind, key(name), options);
  };
  const gone = (name: string) =>
    eventually(
      `pod ${name} is gone`,
      async () => {
        const { items } = await cluster().client.list(podKind, { namespace, fieldSelector: `metadata.name=${name}` });
        return items.length === 0 || undefined;
      },
      sharedPatienceMs,
    );
  const never = { restartPolicy: "Never" };

  afterAll(() => rmSync(shared, { recursive: true, force: true }));

  describe.concurrent("environment", () => {
    it("has every source, the later of two of a name, and expands in order", async () => {
      const config = {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "c", namespace },
        data: { colour: "red", size: "7" },
      };
      const secret = {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "s", namespace },
        stringData: { token: "t0" },
      };
      const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
      const resource = (name: string, resource: string, divisor: string) => ({
        name,
        valueFrom: { resourceFieldRef: { resource, divisor } },
      });
      const main = {
        name: "main",
        image,
        command: ["sh", "-c", 'env; echo "ARGS=$0 $1"', "$(FIRST)-$$(FIRST)", "$(UNKNOWN)"],
        envFrom: [
          { prefix: "C_", configMapRef: { name: "c" } },
          { secretRef: { name: "s" } },
          { configMapRef: { name: "none", optional: true } },
        ],
        env: [
          { name: "FIRST", value: "one" },
          { name: "SECOND", value: "$(FIRST) $$(FIRST) $(LATER)" },
          { name: "LATER", value: "late" },
          { name: "C_size", value: "own" },
          { name: "KEY", valueFrom: { configMapKeyRef: { name: "c", key: "colour" } } },
          { name: "SECRET", valueFrom: { secretKeyRef: { name: "s", key: "token" } } },
          { name: "ABSENT", valueFrom: { secretKeyRef: { name: "s", key: "none", optional: true } } },
          field("NAME", "metadata.name"),
          field("LABEL", "metadata.labels['tier']"),
          field("IP", "status.podIP"),
          field("NODE", "spec.nodeName"),
          resource("CPU", "limits.cpu", "1m"),
          resource("CPUS", "limits.cpu", "1"),
          resource("MEMORY", "requests.memory", "1Mi"),
        ],
        resources: { limits: { cpu: "300m", memory: "65Mi" }, requests: { memory: "33554433" } },
      };
      await create(config, secret, podOf("env", [main], never, { labels: { tier: "web" } }));
      const { status, spec } = await ended("env");
      expect(status?.phase).toBe("Succeeded");
      const lines = (await cluster().ok("logs", "env")).split("\n");
      const expected = {
        SECOND: "one $(FIRST) $(LATER)",
        C_colour: "red",
        C_size: "own",
        token: "t0",
        KEY: "red",
        SECRET: "t0",
        NAME: "env",
        LABEL: "web",
        IP: status?.podIP,
        NODE: spec.nodeName,
        CPU: "300",
        CPUS: "1",
        MEMORY: "33",
        ARGS: "one-$(FIRST) $(UNKNOWN)",
      };
      expect(lines).toEqual(
        expect.arrayContaining(Object.entries(expected).map(([name, value]) => `${name}=${value}`)),
      );
      expect(lines.filter((line) => line.startsWith("ABSENT="))).toEqual([]);
    });
  });

  describe.concurrent("life cycle", () => {
    it("starts init containers, sidecars and containers in order, and ends them in the other; hooks begin together", async () => {
      const folder = join(shared, "order");
      mkdirSync(folder, { mode: 0o777 });
      const log = join(folder, "log");
      const mount = { volumeMounts: [{ name: "shared", mountPath: folder }] };
      const note = (text: string) => `echo ${text} >>${log}`;
      const long = (name: string) => {
        // Each ends once all have begun: those that came one after the other would wait for ever.
        const hook = `${note(`hook ${name}`)}; until [ "$(grep -c hook ${log})" = 3 ]; do sleep 0.1; done`;
        const lifecycle = { preStop: { exec: { command: ["sh", "-c", hook] } } };
        const script = `trap '${note(`end ${name}`)}; exit 0' TERM; ${note(`start ${name}`)}; while :; do sleep 60 & wait $!; done`;
        return shell(script, { name, lifecycle, ...mount });
      };
      // A sidecar lets the next one start once it was started itself, which is before its program did anything.
      const sidecar = (name: string) => {
        const startupProbe = { exec: { command: ["grep", "-q", `start ${name}`, log] }, periodSeconds: 1 };
        return { ...long(name), restartPolicy: "Always", startupProbe };
      };
      const spec = {
        initContainers: [sidecar("first"), shell(note("init"), { name: "init", ...mount }), sidecar("second")],
        volumes: [{ name: "shared", hostPath: { path: folder } }],
      };
      await create(podOf("ordered", [long("main")], spec));
      const { status, metadata } = await until("ordered", isReady);
      const lines = () => readFileSync(log, "utf8").trim().split("\n");
      await eventually("the last has begun", () => lines().length === 4 || undefined, sharedPatienceMs);
      expect(lines()).toEqual(["start first", "init", "start second", "start main"]);
      expect(status).toMatchObject({
        phase: "Running",
        qosClass: "BestEffort",
        observedGeneration: metadata.generation,
      });
      for (const type of ["PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready", "PodScheduled"]) {
        expect(findCondition(status?.conditions, type)).toMatchObject({
          status: "True",
          observedGeneration: metadata.generation,
          lastTransitionTime: expect.stringMatching(/^\d{4}-.*Z$/),
        });
      }
      const states = status?.initContainerStatuses?.map(({ name, state, ready, started }) => [
        name,
        Object.keys(state ?? {})[0],
        ready,
        started,
      ]);
      expect(states).toEqual([
        ["first", "running", true, true],
        ["init", "terminated", true, false],
        ["second", "running", true, true],
      ]);
      await remove(["ordered"]);
      await gone("ordered");
      expect(lines().slice(4, 7).sort()).toEqual(["hook first", "hook main", "hook second"]);
      expect(lines().slice(7)).toEqual(["end main", "end second", "end first"]);
      await eventOf(cluster(), "ordered", /^Killing: Stopping container second$/);
    });

    it("a sidecar that ends while init containers run is started again, and holds up nobody", async () => {
      const folder = join(shared, "again");
      mkdirSync(folder, { mode: 0o777 });
      const mount = { volumeMounts: [{ name: "shared", mountPath: folder }] };
      const sidecar = shell(`if mkdir ${folder}/ran; then sleep 0.3; exit 1; fi; touch ${folder}/back; ${stay}`, {
        name: "side",
        restartPolicy: "Always",
        ...mount,
      });
      const init = shell(`until [ -e ${folder}/back ]; do sleep 0.1; done`, { name: "init", ...mount });
      const volumes = [{ name: "shared", hostPath: { path: folder } }];
      await create(podOf("again", [shell(stay)], { initContainers: [sidecar, init], volumes }));
      const { status } = await until("again", isReady);
      expect(status?.initContainerStatuses?.[0]).toMatchObject({
        restartCount: 1,
        lastState: { terminated: { exitCode: 1 } },
      });
      await remove(["again"]);
    });

    it("fails a pod whose init container fails for good, and says which", async () => {
      await create(
        podOf("uninitialised", [shell(stay)], { ...never, initContainers: [shell("exit 4", { name: "init" })] }),
      );
      const { status } = await ended("uninitialised");
      expect(status?.phase).toBe("Failed");
      expect(status?.initContainerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 4, reason: "Error" });
      expect(findCondition(status?.conditions, "Initialized")).toMatchObject({
        status: "False",
        reason: "ContainersNotInitialized",
        message: "containers with incomplete status: [init]",
      });
      expect(mainOf({ status } as Pod)?.state?.waiting?.reason).toBe("PodInitializing");
    });

    it("tells what each container was given, from when it is made until after its end", async () => {
      const folder = join(shared, "given");
      mkdirSync(folder, { mode: 0o777 });
      const amounts = (cpu: string, memory: string) => ({
        requests: { cpu, memory },
        limits: { cpu: "500m", memory: "96Mi" },
      });
      const given = { init: amounts("10m", "16Mi"), side: amounts("20m", "24Mi"), main: amounts("30m", "32Mi") };
      const volumes = [{ name: "shared", hostPath: { path: folder } }];
      const init = shell(`until [ -e ${folder}/go ]; do sleep 0.1; done`, {
        name: "init",
        resources: given.init,
        volumeMounts: [{ name: "shared", mountPath: folder }],
      });
      const side = shell(stay, { name: "side", restartPolicy: "Always", resources: given.side });
      const mains = [shell(stay, { resources: given.main }), shell(stay, { name: "plain" })];
      await create(podOf("given", mains, { initContainers: [side, init], volumes }));
      const told = ({ status }: Pod) =>
        [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].map(
          ({ name, allocatedResources, resources }) => [name, allocatedResources, resources],
        );
      const [ofSide, ofInit, ofMain] = (["side", "init", "main"] as const).map((name) => [
        name,
        given[name].requests,
        given[name],
      ]);
      const starting = await until(
        "given",
        ({ status }) => status?.initContainerStatuses?.[1]?.state?.running !== undefined,
      );
      expect(told(starting)).toEqual([ofSide, ofInit, ["main", undefined, undefined], ["plain", undefined, undefined]]);
      writeFileSync(join(folder, "go"), "");
      expect(told(await until("given", isReady))).toEqual([ofSide, ofInit, ofMain, ["plain", undefined, {}]]);
      await remove(["given"]);
    });

    it("tells how a container ended, with its last words from its file, or from its log where it failed and the policy says so", async () => {
      const fallback = { terminationMessagePolicy: "FallbackToLogsOnError" };
      await create(
        podOf("completed", [shell("echo done")], never),
        podOf("by-log", [shell("echo from the log; exit 2", fallback)], never),
        podOf("by-log-well", [shell("echo from the log", fallback)], never),
      );
      const terminated = async (name: string) => mainOf(await ended(name))?.state?.terminated;
      expect(await terminated("completed")).toMatchObject({ exitCode: 0, reason: "Completed" });
      expect(await terminated("by-log")).toMatchObject({ exitCode: 2, reason: "Error", message: "from the log\n" });
      expect((await terminated("by-log-well"))?.message).toBeUndefined();
      const { status } = await ended("completed");
      expect(findCondition(status?.conditions, "Ready")).toMatchObject({ status: "False", reason: "PodCompleted" });
    });

    it("runs again by OnFailure what failed, and not what succeeded", async () => {
      const folder = join(shared, "onfailure");
      mkdirSync(folder, { mode: 0o777 });
      const mount = { volumeMounts: [{ name: "shared", mountPath: folder }] };
      const volumes = [{ name: "shared", hostPath: { path: folder } }];
      await create(
        podOf("onfailure", [shell(`mkdir ${folder}/ran && exit 1; exit 0`, mount)], {
          restartPolicy: "OnFailure",
          volumes,
        }),
      );
      const found = await ended("onfailure");
      expect(found.status?.phase).toBe("Succeeded");
      expect(mainOf(found)).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 1 } } });
    });

    it("has the log of the run before, however often it was started again", async () => {
      const count = `${shared}/runs`;
      const script = `echo >>${count}; n=$(wc -l <${count}); echo run $n; [ $n -lt 3 ] && exit 1; ${stay}`;
      const volumes = [{ name: "shared", hostPath: { path: shared } }];
      const main = shell(script, { volumeMounts: [{ name: "shared", mountPath: shared }] });
      await create(podOf("rerun", [main], { volumes }));
      const runs = (restartCount: number) => (pod: Pod) =>
        mainOf(pod)?.restartCount === restartCount && mainOf(pod)?.state?.running !== undefined;
      await until("rerun", runs(2));
      expect(await cluster().ok("logs", "rerun")).toBe("run 3\n");
      expect(await cluster().ok("logs", "rerun", "--previous")).toBe("run 2\n");
    });

    it("ends a pod that is active for longer than it may be", async () => {
      await create(podOf("late", [shell(stay)], { activeDeadlineSeconds: 1 }));
      expect((await ended("late")).status).toMatchObject({
        phase: "Failed",
        reason: "DeadlineExceeded",
        message: "Pod was active on the node longer than the specified deadline",
      });
    });

    it("restarts a container whose postStart hook fails, and ends one whose preStop hook fails", async () => {
      const failing = { exec: { command: ["sh", "-c", "exit 9"] } };
      await create(
        podOf("hooked", [shell(stay, { lifecycle: { postStart: failing } })]),
        podOf("unhooked", [shell(stay, { lifecycle: { preStop: failing, postStart: { sleep: { seconds: 1 } } } })]),
      );
      await eventOf(cluster(), "hooked", /^FailedPostStartHook: PostStartHook failed$/);
      await until("hooked", (pod) => (mainOf(pod)?.restartCount ?? 0) > 0);
      await until("unhooked", isReady);
      await remove(["hooked", "unhooked"]);
      await eventOf(cluster(), "unhooked", /^FailedPreStopHook: PreStopHook failed$/);
    });

    it("calls the addresses of its hooks, after its start and before its end", async () => {
      const calls: unknown[] = [];
      const server = createServer(({ method, url, headers }, response) => {
        calls.push([method, url, headers["x-of"]]);
        response.end();
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      try {
        const { port } = server.address() as AddressInfo;
        const hook = (path: string) => ({
          httpGet: { host: "127.0.0.1", port, path, httpHeaders: [{ name: "X-Of", value: "hooks" }] },
        });
        const lifecycle = { postStart: hook("/begun?a=b"), preStop: hook("/ends") };
        await create(podOf("calling", [shell(stay, { lifecycle })]));
        await until("calling", isReady);
        expect(calls).toEqual([["GET", "/begun?a=b", "hooks"]]);
        await remove(["calling"]);
        await gone("calling");
        expect(calls.slice(1)).toEqual([["GET", "/ends", "hooks"]]);
      } finally {
        server.close();
      }
    });

    it("lets a shorter grace period win, and lets go at once what is deleted by force", async () => {
      const folder = join(shared, "deaf");
      mkdirSync(folder, { mode: 0o777 });
      const deaf = shell(`trap '' TERM; until [ -e ${folder}/end ]; do sleep 0.2; done`, {
        volumeMounts: [{ name: "shared", mountPath: folder }],
      });
      const spec = { terminationGracePeriodSeconds: 600, volumes: [{ name: "shared", hostPath: { path: folder } }] };
      await create(podOf("deaf", [deaf], spec), podOf("forced", [deaf], spec));
      await until("deaf", isReady);
      await until("forced", isReady);
      await remove(["deaf"]);
      await until("deaf", ({ metadata }) => metadata.deletionGracePeriodSeconds === 600);
      await remove(["deaf"], 1);
      await gone("deaf");
      await remove(["forced"], 0);
      // At once: nobody waits for what still runs.
      const { items } = await cluster().client.list(podKind, { namespace });
      expect(items.map(({ metadata }) => metadata.name)).not.toContain("forced");
      // It would hold up the cluster's end.
      mkdirSync(join(folder, "end"));
    });

    it("waits for readiness gates", async () => {
      await create(podOf("gated", [shell(stay)], { readinessGates: [{ conditionType: "example.com/up" }] }));
      const { status } = await until(
        "gated",
        ({ status }) => findCondition(status?.conditions, "ContainersReady")?.status === "True",
      );
      expect(findCondition(status?.conditions, "Ready")).toMatchObject({
        status: "False",
        reason: "ReadinessGatesNotReady",
      });
      const body = { status: { conditions: [{ type: "example.com/up", status: "True" }] } };
      await cluster().client.patch(podKind, key("gated"), { type: "strategic", body }, { subresource: "status" });
      await until("gated", isReady);
      await remove(["gated"]);
    });

    it("is ready, and serves, while it ends, until its readiness probe fails", async () => {
      const folder = join(shared, "serving");
      mkdirSync(folder, { mode: 0o777 });
      const mount = { volumeMounts: [{ name: "shared", mountPath: folder }] };
      const probe = {
        exec: { command: ["sh", "-c", `[ ! -e ${folder}/unwell ]`] },
        periodSeconds: 1,
        failureThreshold: 1,
        timeoutSeconds: 30,
      };
      const script = `trap 'until [ -e ${folder}/end ]; do sleep 0.1; done; exit 0' TERM; while :; do sleep 0.1; done`;
      const volumes = [{ name: "shared", hostPath: { path: folder } }];
      await create(
        podOf("serving", [shell(script, { readinessProbe: probe, ...mount })], {
          volumes,
          terminationGracePeriodSeconds: 60,
        }),
      );
      await until("serving", isReady);
      await remove(["serving"]);
      await eventOf(cluster(), "serving", /^Killing: Stopping container main$/);
      expect(isReady(await cluster().client.get(podKind, key("serving")))).toBe(true);
      mkdirSync(join(folder, "unwell"));
      const unready = await until("serving", (pod) => !isReady(pod));
      expect(unready.metadata.deletionTimestamp).toBeDefined();
      mkdirSync(join(folder, "end"));
      await gone("serving");
    });
  });

  describe.concurrent("what cannot be run", () => {
    beforeAll(async () => {
      await create(
        podOf("configless", [shell(stay, { envFrom: [{ configMapRef: { name: "nowhere" } }] })]),
        podOf("rootless", [shell(stay)], { securityContext: { runAsNonRoot: true, runAsUser: 0 } }),
        podOf("armoured", [shell(stay)], {
          securityContext: { appArmorProfile: { type: "Localhost", localhostProfile: "none" } },
        }),
        podOf("users", [shell(stay)], { hostUsers: false }),
      );
    });
    afterAll(() => remove(["configless", "rootless", "armoured", "users"]));
    const waiting = async (name: string) =>
      mainOf(await until(name, (pod) => (mainOf(pod)?.state?.waiting?.message ?? "") !== ""))?.state?.waiting;

    it("says which ConfigMap is missing, and runs once it is there", async () => {
      expect(await waiting("configless")).toEqual({
        reason: "CreateContainerConfigError",
        message: 'configmap "nowhere" not found',
      });
      await eventOf(cluster(), "configless", /^Failed: Error: configmap "nowhere" not found$/);
      await create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "nowhere", namespace }, data: { a: "b" } });
      await until("configless", isReady);
    });

    it("does not run as root what must not", async () => {
      expect(await waiting("rootless")).toEqual({
        reason: "CreateContainerConfigError",
        message: expect.stringMatching(
          /^container's runAsUser breaks non-root policy \(pod: "rootless_default\([0-9a-f-]{36}\)", container: main\)$/,
        ),
      });
    });

    it("refuses a profile of AppArmor that nobody would enforce", async ({ skip }) => {
      if (appArmor) skip("this machine has AppArmor");
      expect((await ended("armoured")).status).toMatchObject({
        phase: "Failed",
        reason: "AppArmor",
        message: "Pod was rejected: Cannot enforce AppArmor: AppArmor is not enabled on the host",
      });
    });

    it("refuses users of its own, which the runtime would give it from the machine", async () => {
      await eventOf(
        cluster(),
        "users",
        /^FailedCreatePodSandBox: Failed to create pod sandbox: can't set `spec.hostUsers: false`, /,
      );
    });
  });
}
