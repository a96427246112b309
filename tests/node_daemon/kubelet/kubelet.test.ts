import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { configMap } from "../../../core/kinds/configmap.ts";
import { type Pod, pod as podKind } from "../../../core/kinds/pod.ts";
import { runtimeClass } from "../../../core/kinds/runtime_class.ts";
import { findLoggedContainer } from "../../../node_daemon/kubelet/server/find_container.ts";
import type { ContainerConfig } from "../../../node_daemon/runtime/runtime.ts";
import { openTestNode, type TestNode } from "./cluster.ts";

const ready = (pod: Pod) => pod.status?.conditions?.find(({ type }) => type === "Ready")?.status === "True";
const phase = (wanted: string) => (pod: Pod) => pod.status?.phase === wanted;
const first = (pod: Pod) => pod.status?.containerStatuses?.[0];
const app = { name: "app", image: "img:1", command: ["run"] };

async function containers(node: TestNode) {
  return node.runtime.listContainers({ signal: new AbortController().signal });
}

describe("Kubelet", () => {
  it("runs a pod and reports it ready", async () => {
    await using node = await openTestNode();
    await node.run({});
    const pod = await node.until(ready);
    expect(pod.status).toMatchObject({
      phase: "Running",
      hostIP: "127.0.0.1",
      podIP: "127.64.1.1",
      podIPs: [{ ip: "127.64.1.1" }],
      qosClass: "BestEffort",
      containerStatuses: [
        {
          name: "app",
          ready: true,
          started: true,
          restartCount: 0,
          state: { running: { startedAt: "2026-01-01T00:00:00Z" } },
        },
      ],
    });
    expect(first(pod)?.containerID).toMatch(/^fake:\/\/[0-9a-f]{64}$/);
    await node.soon(async () => (await node.events()).length >= 3);
    expect(await node.events()).toEqual([
      'Pulled: Container image "img:1" already present on machine',
      "Created: Created container: app",
      "Started: Started container app",
    ]);
  });

  it("gives every pod an address of its own", async () => {
    await using node = await openTestNode();
    for (const name of ["a", "b"]) await node.run({}, { name });
    const a = await node.until(ready, "a");
    const b = await node.until(ready, "b");
    expect(new Set([a.status?.podIP, b.status?.podIP]).size).toBe(2);
  });

  it("puts an ephemeral container into a pod that runs", async () => {
    await using node = await openTestNode();
    await node.run({});
    await node.until(ready);
    const look = { name: "look", image: "tools:1", targetContainerName: "app" };
    const patch = { type: "strategic", body: { spec: { ephemeralContainers: [look] } } } as const;
    const key = { namespace: "default", name: "web" };
    await node.client.patch(podKind, key, patch, { subresource: "ephemeralcontainers" });
    const pod = await node.until(({ status }) => status?.ephemeralContainerStatuses?.[0]?.state?.running !== undefined);
    const target = (await containers(node)).find(({ name }) => name === "app");
    expect(node.started.find(({ name }) => name === "look")?.processes).toEqual({ containerId: target?.id });
    expect(first(pod)?.restartCount).toBe(0);
    expect(ready(pod)).toBe(true);
    await node.soon(async () => (await node.events()).includes("Started: Started container look"));
  });

  it("fails a pod that asks for a kernel parameter of everybody's", async () => {
    await using node = await openTestNode();
    await node.run({ securityContext: { sysctls: [{ name: "kernel.msgmax", value: "1" }] } });
    const { status } = await node.until(phase("Failed"));
    expect(status).toMatchObject({
      reason: "SysctlForbidden",
      message: 'Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted',
    });
    expect(node.started).toEqual([]);
  });

  it("does not run a pod by other means than those of its RuntimeClass", async () => {
    await using node = await openTestNode();
    await node.run({ runtimeClassName: "guarded" });
    const failed = "FailedCreatePodSandBox: Failed to create pod sandbox: ";
    const told = (what: string) => node.soon(async () => (await node.events()).includes(failed + what));
    await told('runtimeclasses.node.k8s.io "guarded" not found');
    const group = { apiVersion: "node.k8s.io/v1", kind: "RuntimeClass" };
    await node.client.create(runtimeClass, { ...group, metadata: { name: "guarded" }, handler: "runsc" });
    await node.advance(1000);
    await told('no runtime for "runsc" is configured');
    expect(node.started).toEqual([]);
  });

  it("does not run a pod without the devices that it claims", async () => {
    await using node = await openTestNode();
    await node.run({ resourceClaims: [{ name: "gpu", resourceClaimName: "mine" }] });
    const message = 'can\'t prepare `spec.resourceClaims` ("gpu"): no driver runs on this node';
    const told = `FailedCreatePodSandBox: Failed to create pod sandbox: ${message}`;
    await node.soon(async () => (await node.events()).includes(told));
    expect(node.started).toEqual([]);
  });

  it("gives a container the profile for system calls that its node has, or does not make it", async () => {
    await using node = await openTestNode();
    const profile = (localhostProfile: string) => ({ seccompProfile: { type: "Localhost", localhostProfile } });
    await mkdir(join(node.rootDir, "seccomp"));
    await writeFile(join(node.rootDir, "seccomp", "some.json"), "{}");
    await node.run({ securityContext: profile("some.json") });
    await node.until(ready);
    expect(node.started[0]?.seccomp).toEqual({ type: "Localhost", profile: "{}" });
    await node.run({ securityContext: profile("none.json") }, { name: "other" });
    const waiting = (pod: Pod) => first(pod)?.state?.waiting?.reason === "CreateContainerConfigError";
    const pod = await node.until(waiting, "other");
    expect(first(pod)?.state?.waiting?.message).toMatch(/cannot load seccomp profile ".*none.json": no such file/);
  });

  it("refuses a pod that wants a port of the node which another has, and takes the next when that has ended", async () => {
    await using node = await openTestNode();
    const spec = { containers: [{ ...app, ports: [{ containerPort: 80, hostPort: 8080 }] }] };
    await node.run(spec, { name: "a" });
    await node.run(spec, { name: "b" });
    await node.run({ containers: [{ ...app, ports: [{ containerPort: 80, hostPort: 8081 }] }] }, { name: "c" });
    const refused = await node.until(phase("Failed"), "b");
    expect(refused.status).toMatchObject({
      reason: "NodePorts",
      message:
        "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    });
    await node.until(ready, "a");
    await node.until(ready, "c");
    expect(await containers(node)).toHaveLength(2);
    expect(await node.events()).toContain(
      "NodePorts: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    );

    // What runs already is never refused, in whatever order a new kubelet hears of it.
    await node.stopKubelet();
    await node.run(spec, { name: "0" });
    await node.startKubelet();
    await node.until(phase("Failed"), "0");
    expect((await node.get("a")).status?.phase).toBe("Running");

    await node.client.delete(podKind, { namespace: "default", name: "a" }, { gracePeriodSeconds: 0 });
    await node.gone("a");
    await node.run(spec, { name: "d" });
    await node.until(ready, "d");
  });

  it("restarts a container that ended, at once and then with back-off", async () => {
    await using node = await openTestNode(() => ({ exitAfterMs: 1000, exitCode: 1 }));
    await node.run({});
    await node.until((pod) => first(pod)?.state?.running !== undefined);
    await node.advance(1000);
    await node.until((pod) => first(pod)?.restartCount === 1 && first(pod)?.state?.running !== undefined);
    await node.advance(1000);
    const waiting = await node.until((pod) => first(pod)?.state?.waiting !== undefined);
    expect(first(waiting)?.state?.waiting).toEqual({
      reason: "CrashLoopBackOff",
      message: `back-off 10s restarting failed container=app pod=web_default(${waiting.metadata.uid})`,
    });
    expect(first(waiting)?.lastState?.terminated).toMatchObject({ exitCode: 1, reason: "Error" });
    expect(waiting.status?.phase).toBe("Running");
    await node.advance(9000);
    expect(first(await node.get())?.restartCount).toBe(1);
    await node.advance(1000);
    await node.until((pod) => first(pod)?.restartCount === 2);
    expect(await node.events()).toContain(
      `BackOff: Back-off restarting failed container app in pod web_default(${waiting.metadata.uid})`,
    );
  });

  it("keeps the run before the last one for its log, and none before that", async () => {
    await using node = await openTestNode();
    await node.run({});
    for (let round = 0; round < 4; round++) {
      const pod = await node.until((pod) => first(pod)?.restartCount === round && ready(pod));
      await node.soon(async () => (await containers(node)).length === Math.min(2, round + 1));
      const all = await containers(node);
      const shown = (previous: boolean) => findLoggedContainer({ pod, name: "app", containers: all, previous }).attempt;
      expect(shown(false)).toBe(round);
      if (round > 0) expect(shown(true)).toBe(round - 1);
      node.runtime.exit(all.find(({ attempt }) => attempt === round)?.id ?? "", 1);
      await node.soon(async () => (await containers(node)).every(({ state }) => state === "exited"));
      await node.advance(100_000, 10_000);
    }
  });

  it("restarts a container by its own rules, and fails the pod with a code that none of them knows", async () => {
    await using node = await openTestNode();
    const restartPolicyRules = [{ action: "Restart", exitCodes: { operator: "In", values: [42] } }];
    const container = { name: "app", image: "img:1", command: ["run"], restartPolicyRules } as const;
    await node.run({ restartPolicy: "Never", containers: [{ ...container, restartPolicy: "Never" }] });
    for (const [times, code] of [42, 1].entries()) {
      await node.until((pod) => ready(pod) && first(pod)?.restartCount === times);
      const running = (await containers(node)).find(({ state }) => state === "running");
      node.runtime.exit(running?.id ?? "", code);
    }
    const failed = await node.until(({ status }) => status?.phase === "Failed");
    expect(first(failed)).toMatchObject({ restartCount: 1, state: { terminated: { exitCode: 1 } } });
  });

  it("keeps the dead container of the run before, and no older", async () => {
    await using node = await openTestNode(() => ({ exitAfterMs: 601_000, exitCode: 1 }));
    await node.run({});
    await node.until((pod) => first(pod)?.state?.running !== undefined);
    for (const round of [1, 2, 3]) {
      await node.advance(600_000, 100_000);
      // What such leaps of the clock cut short is tried again a moment later.
      await node.soon(async () => {
        await node.advance(1000);
        const container = first(await node.get());
        return container?.restartCount === round && container.state?.running !== undefined;
      });
    }
    await node.soon(async () => (await containers(node)).length === 2);
    expect((await containers(node)).map(({ attempt }) => attempt).sort()).toEqual([2, 3]);
  });

  it.each([
    ["Never", 0, "Succeeded", "Completed"],
    ["Never", 3, "Failed", "Error"],
    ["OnFailure", 0, "Succeeded", "Completed"],
  ] as const)(
    "with restartPolicy %s and exit code %i ends a pod as %s",
    async (restartPolicy, exitCode, end, reason) => {
      await using node = await openTestNode(() => ({ exitAfterMs: 5000, exitCode }));
      await node.run({ restartPolicy });
      await node.until(ready);
      await node.advance(5000);
      const pod = await node.until(phase(end));
      expect(first(pod)?.state?.terminated).toMatchObject({ exitCode, reason });
      expect(pod.status?.conditions?.find(({ type }) => type === "Ready")).toMatchObject({
        status: "False",
        reason: end === "Succeeded" ? "PodCompleted" : "PodFailed",
      });
      await node.advance(120_000, 30_000);
      expect(node.started).toHaveLength(1);
    },
  );

  it("runs init containers in order, then the others", async () => {
    await using node = await openTestNode(({ name }) => (name.startsWith("init") ? { exitAfterMs: 1000 } : {}));
    const init = (name: string) => ({ ...app, name });
    await node.run({ initContainers: [init("init-a"), init("init-b")] });
    const pending = await node.until((pod) => pod.status?.initContainerStatuses?.[0]?.state?.running !== undefined);
    expect(pending.status?.phase).toBe("Pending");
    expect(first(pending)?.state?.waiting?.reason).toBe("PodInitializing");
    expect(pending.status?.conditions?.find(({ type }) => type === "Initialized")).toMatchObject({
      status: "False",
      reason: "ContainersNotInitialized",
      message: "containers with incomplete status: [init-a init-b]",
    });
    await node.advance(1000);
    await node.until((pod) => pod.status?.initContainerStatuses?.[1]?.state?.running !== undefined);
    await node.advance(1000);
    await node.until(ready);
    expect(node.started.map(({ name }) => name)).toEqual(["init-a", "init-b", "app"]);
  });

  it("deletes a pod gracefully: preStop, the containers, then the sidecar, then the object", async () => {
    const order: string[] = [];
    await using node = await openTestNode(({ name }) => ({
      stopDelayMs: 2000,
      exec: ([command = ""]) => {
        order.push(`${name}: ${command}`);
        return { exitCode: 0 };
      },
    }));
    const hook = { lifecycle: { preStop: { exec: { command: ["bye"] } } } };
    await node.run({
      initContainers: [{ ...app, name: "sidecar", restartPolicy: "Always", ...hook }],
      containers: [{ ...app, ...hook }],
    });
    await node.until(ready);
    await node.client.delete(podKind, { namespace: "default", name: "web" });
    await node.soon(async () => order.length > 1);
    // The hooks of all begin at once; only the signals come in turn.
    expect(order).toEqual(["app: bye", "sidecar: bye"]);
    expect(ready(await node.get())).toBe(true);
    await node.advance(2000);
    expect((await containers(node)).map(({ name, state }) => `${name} ${state}`).sort()).toEqual([
      "app exited",
      "sidecar running",
    ]);
    await node.advance(2000);
    await node.gone();
    expect(await containers(node)).toEqual([]);
    expect(await readdir(join(node.rootDir, "pods"))).toEqual([]);
    expect(await node.events()).toContain("Killing: Stopping container app");
  });

  it("kills a container that ignores SIGTERM at the end of the grace period", async () => {
    await using node = await openTestNode(() => ({ stopDelayMs: 3_600_000 }));
    await node.run({ terminationGracePeriodSeconds: 5 });
    await node.until(ready);
    await node.client.delete(podKind, { namespace: "default", name: "web" });
    await node.idle();
    await node.advance(4000);
    expect((await containers(node))[0]?.state).toBe("running");
    await node.advance(1000);
    await node.gone();
  });

  it("shortens a grace period that runs already when the pod is deleted again", async () => {
    await using node = await openTestNode(() => ({ stopDelayMs: 3_600_000 }));
    await node.run({ terminationGracePeriodSeconds: 600 });
    await node.until(ready);
    await node.client.delete(podKind, { namespace: "default", name: "web" });
    await node.advance(1000);
    await node.client.delete(podKind, { namespace: "default", name: "web" }, { gracePeriodSeconds: 2 });
    await node.idle();
    await node.advance(2000);
    await node.gone();
  });

  it("ends what is left of a pod that was force-deleted", async () => {
    await using node = await openTestNode();
    await node.run({});
    await node.until(ready);
    await node.client.delete(podKind, { namespace: "default", name: "web" }, { gracePeriodSeconds: 0 });
    await node.gone();
    await node.soon(async () => (await containers(node)).length === 0);
  });

  it("gives a pod that is deleted by force a second to end, also when it had more before", async () => {
    await using node = await openTestNode(() => ({ stopDelayMs: 3_600_000 }));
    await node.run({ terminationGracePeriodSeconds: 600 });
    await node.until(ready);
    await node.client.delete(podKind, { namespace: "default", name: "web" });
    await node.advance(1000);
    await node.client.delete(podKind, { namespace: "default", name: "web" }, { gracePeriodSeconds: 0 });
    await node.idle();
    await node.advance(1000);
    await node.soon(async () => (await containers(node)).length === 0);
  });

  it("cuts a postStart hook short when the pod is deleted", async () => {
    await using node = await openTestNode();
    await node.run({ containers: [{ ...app, lifecycle: { postStart: { sleep: { seconds: 30 } } } }] });
    await node.idle();
    expect(first(await node.get())?.state?.waiting?.reason).toBe("ContainerCreating");
    await node.client.delete(podKind, { namespace: "default", name: "web" });
    await node.gone();
  });

  it("says why an image cannot be had, and backs off", async () => {
    await using node = await openTestNode();
    Object.assign(node.runtime.images, {
      find: async () => undefined,
      pull: async () => {
        throw new Error("no such host");
      },
    });
    await node.run({});
    const failed = await node.until((pod) => first(pod)?.state?.waiting?.reason === "ErrImagePull");
    expect(failed.status?.phase).toBe("Pending");
    expect(first(failed)?.state?.waiting?.message).toBe("no such host");
    await node.advance(1000);
    await node.until((pod) => first(pod)?.state?.waiting?.reason === "ImagePullBackOff");
    expect(await node.events()).toEqual(
      expect.arrayContaining([
        'Pulling: Pulling image "img:1"',
        'Failed: Failed to pull image "img:1": no such host',
        "Failed: Error: ErrImagePull",
        'BackOff: Back-off pulling image "img:1"',
      ]),
    );
  });

  it("waits for a missing ConfigMap and goes on as soon as it is there", async () => {
    await using node = await openTestNode();
    const from = { configMapKeyRef: { name: "settings", key: "color" } };
    await node.run({ containers: [{ ...app, env: [{ name: "COLOR", valueFrom: from }] }] });
    const waiting = await node.until((pod) => first(pod)?.state?.waiting?.reason === "CreateContainerConfigError");
    expect(first(waiting)?.state?.waiting?.message).toBe('configmap "settings" not found');
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings", namespace: "default" } };
    await node.client.create(configMap, { ...object, data: { color: "blue" } });
    await node.until(ready);
    expect(variable(node.started[0], "COLOR")).toBe("blue");
  });

  it("mounts a ConfigMap and shows its changes while the pod runs", async () => {
    await using node = await openTestNode();
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "page", namespace: "default" } };
    await node.client.create(configMap, { ...object, data: { "index.html": "one" } });
    await node.run({
      volumes: [{ name: "html", configMap: { name: "page" } }],
      containers: [{ ...app, volumeMounts: [{ name: "html", mountPath: "/srv" }] }],
    });
    await node.until(ready);
    const mount = node.started[0]?.mounts.find(({ containerPath }) => containerPath === "/srv");
    expect(mount?.readOnly).toBe(true);
    const file = join(mount?.hostPath ?? "", "index.html");
    expect(await readFile(file, "utf8")).toBe("one");
    await node.client.patch(
      configMap,
      { namespace: "default", name: "page" },
      { type: "merge", body: { data: { "index.html": "two" } } },
    );
    await node.soon(async () => (await readFile(file, "utf8")) === "two");
    expect(node.started).toHaveLength(1);
  });

  it("gives containers a hosts file, but not over one that they mount themselves", async () => {
    await using node = await openTestNode();
    await node.run({
      hostAliases: [{ ip: "10.1.2.3", hostnames: ["db", "db.example.com"] }],
      volumes: [{ name: "own", emptyDir: {} }],
      containers: [app, { ...app, name: "own", volumeMounts: [{ name: "own", mountPath: "/etc/hosts" }] }],
    });
    await node.until(ready);
    const [mounted, own] = node.started.map(({ mounts }) =>
      mounts.filter(({ containerPath }) => containerPath === "/etc/hosts").map(({ hostPath }) => hostPath),
    );
    expect(own).toHaveLength(1);
    expect(own).not.toEqual(mounted);
    const path = mounted?.[0] ?? "";
    const text = await readFile(path, "utf8");
    expect(text).toMatch(/^# Kubernetes-managed hosts file\.\n/);
    expect(text).toMatch(
      /\n127\.64\.1\.1\tweb\n\n# Entries added by HostAliases\.\n10\.1\.2\.3\tdb\tdb\.example\.com\n$/,
    );
    expect((await stat(path)).mode & 0o777).toBe(0o644);
  });

  it("does not start a container whose subPathExpr becomes no path inside its volume, until it does", async () => {
    await using node = await openTestNode();
    const fieldRef = { fieldPath: "metadata.annotations['folder']" };
    const env = [{ name: "FOLDER", valueFrom: { fieldRef } }];
    const volumeMounts = [{ name: "data", mountPath: "/data", subPathExpr: "$(FOLDER)" }];
    await node.run({ volumes: [{ name: "data", emptyDir: {} }], containers: [{ ...app, env, volumeMounts }] });
    const annotate = (folder: string) =>
      node.client.patch(
        podKind,
        { namespace: "default", name: "web" },
        { type: "merge", body: { metadata: { annotations: { folder } } } },
      );
    const refused = (message: string) => node.until((pod) => first(pod)?.state?.waiting?.message === message);
    await refused("missing value for FOLDER");
    await annotate("/tmp");
    await refused("error SubPath `/tmp` must not be an absolute path");
    await annotate("inside");
    await node.until(ready);
    expect(node.started[0]?.mounts.find(({ containerPath }) => containerPath === "/data")?.hostPath).toMatch(
      /\/inside$/,
    );
  });

  it("tells what a container wrote as its last words", async () => {
    await using node = await openTestNode(() => ({ exitAfterMs: 1000, exitCode: 2 }));
    await node.run({ restartPolicy: "Never" });
    await node.until(ready);
    const mount = node.started[0]?.mounts.find(({ containerPath }) => containerPath === "/dev/termination-log");
    await writeFile(mount?.hostPath ?? "", "out of luck");
    await node.advance(1000);
    const pod = await node.until(phase("Failed"));
    expect(first(pod)?.state?.terminated?.message).toBe("out of luck");
  });

  it("falls back to the log for last words, where the policy says so", async () => {
    await using node = await openTestNode(() => ({ exitAfterMs: 1000, exitCode: 2, output: ["line", "the end"] }));
    await node.run({
      restartPolicy: "Never",
      containers: [{ ...app, terminationMessagePolicy: "FallbackToLogsOnError" }],
    });
    await node.until(ready);
    await node.advance(1000);
    expect(first(await node.until(phase("Failed")))?.state?.terminated?.message).toBe("line\nthe end\n");
  });

  it("ends a pod at its active deadline", async () => {
    await using node = await openTestNode();
    await node.run({ activeDeadlineSeconds: 30 });
    await node.until(ready);
    await node.advance(31_000);
    const pod = await node.until(phase("Failed"));
    expect(pod.status).toMatchObject({
      reason: "DeadlineExceeded",
      message: "Pod was active on the node longer than the specified deadline",
    });
    expect((await containers(node))[0]?.state).toBe("exited");
  });

  it("restarts a container once when its liveness probe fails", async () => {
    let healthy = true;
    await using node = await openTestNode(() => ({
      exec: () => ({ exitCode: healthy ? 0 : 1, stdout: healthy ? "" : "sick" }),
    }));
    const livenessProbe = { exec: { command: ["check"] }, periodSeconds: 5, failureThreshold: 2 };
    await node.run({ containers: [{ ...app, livenessProbe }] });
    await node.until(ready);
    await node.advance(10_000);
    expect(node.started).toHaveLength(1);
    healthy = false;
    await node.soon(async () => {
      await node.advance(1000);
      return (await node.events()).some((event) => event.startsWith("Killing"));
    });
    healthy = true;
    await node.until((pod) => first(pod)?.restartCount === 1 && ready(pod));
    await node.advance(30_000);
    expect(node.started).toHaveLength(2);
    expect(await node.events()).toEqual(
      expect.arrayContaining([
        "Unhealthy: Liveness probe failed: sick",
        "Killing: Container app failed liveness probe, will be restarted",
      ]),
    );
  });

  it("is ready when the readiness probe says so, and not when it no longer does", async () => {
    let healthy = false;
    await using node = await openTestNode(() => ({ exec: () => ({ exitCode: healthy ? 0 : 1 }) }));
    const readinessProbe = { exec: { command: ["check"] }, periodSeconds: 5, failureThreshold: 1 };
    await node.run({ containers: [{ ...app, readinessProbe }] });
    const unready = await node.until(phase("Running"));
    expect(unready.status?.conditions?.find(({ type }) => type === "ContainersReady")).toMatchObject({
      reason: "ContainersNotReady",
      message: "containers with unready status: [app]",
    });
    healthy = true;
    await node.advance(200, 100);
    await node.until(ready);
    healthy = false;
    await node.advance(5000);
    await node.until((pod) => !ready(pod));
    expect(node.started).toHaveLength(1);
  });

  it("says when its runtime tells nothing of a pod, and when it does not end it, and goes on when it does", async () => {
    await using node = await openTestNode();
    await node.run({});
    await node.until(ready);
    const { runtime } = node;
    const [list, stop] = [runtime.listContainers.bind(runtime), runtime.stopPodSandbox.bind(runtime)];
    const away = () => Promise.reject(new Error("the engine is away"));
    runtime.listContainers = away;
    await node.advance(60_000, 30_000);
    await node.soon(async () =>
      (await node.events()).includes("FailedSync: error determining status: the engine is away"),
    );
    Object.assign(runtime, { listContainers: list, stopPodSandbox: away });
    await node.client.delete(podKind, { namespace: "default", name: "web" });
    await node.advance(60_000, 30_000);
    await node.soon(async () => (await node.events()).includes("FailedKillPod: error killing pod: the engine is away"));
    runtime.stopPodSandbox = stop;
    await node.advance(60_000, 30_000);
    await node.gone();
  });

  it("adopts running containers after its own restart: no restart, no flap of Ready", async () => {
    await using node = await openTestNode(() => ({ exec: () => ({ exitCode: 0 }) }));
    const probe = { exec: { command: ["check"] }, periodSeconds: 5 };
    await node.run({ containers: [{ ...app, readinessProbe: probe, startupProbe: probe, livenessProbe: probe }] });
    const before = await node.until(ready);
    await node.stopKubelet();
    const seen: boolean[] = [];
    const watching = new AbortController();
    const watch = (async () => {
      for await (const change of node.client.watch(podKind, { namespace: "default", signal: watching.signal })) {
        if (change.type !== "BOOKMARK") seen.push(ready(change.object));
      }
    })().catch(() => {});
    await node.startKubelet();
    await node.advance(20_000);
    watching.abort();
    await watch;
    const after = await node.get();
    expect(after.status).toEqual(before.status);
    expect(seen.every((value) => value)).toBe(true);
    expect(node.started).toHaveLength(1);
  });

  it("does not run a completed container again that ended while it was down", async () => {
    await using node = await openTestNode(() => ({ exitAfterMs: 5000 }));
    await node.run({ restartPolicy: "OnFailure" });
    await node.until(ready);
    await node.stopKubelet();
    await node.advance(5000);
    await node.startKubelet();
    const pod = await node.until(phase("Succeeded"));
    expect(first(pod)?.state?.terminated).toMatchObject({ exitCode: 0, finishedAt: "2026-01-01T00:00:05Z" });
    expect(node.started).toHaveLength(1);
  });

  it("goes on with a back-off that ran when it went down", async () => {
    await using node = await openTestNode(() => ({ exitAfterMs: 1000, exitCode: 1 }));
    await node.run({});
    await node.until((pod) => first(pod)?.state?.running !== undefined);
    const waits = (pod: Pod) => first(pod)?.state?.waiting?.reason === "CrashLoopBackOff";
    // On a busy machine what a second brings about may be there only in the next.
    for (let second = 0; second < 5 && !waits(await node.get()); second++) await node.advance(1000);
    await node.until(waits);
    await node.stopKubelet();
    await node.advance(5000);
    await node.startKubelet();
    await node.idle();
    expect(node.started).toHaveLength(2);
    await node.advance(5000);
    // Begun anew, it would take ten seconds from here.
    for (let ms = 0; node.started.length < 3 && ms < 4000; ms += 100) await node.advance(100);
    await node.soon(async () => node.started.length === 3);
    await node.until((pod) => first(pod)?.restartCount === 2);
  });

  it("ends pods that were removed from the API while it was down", async () => {
    await using node = await openTestNode();
    await node.run({});
    await node.until(ready);
    await node.stopKubelet();
    await node.client.delete(podKind, { namespace: "default", name: "web" }, { gracePeriodSeconds: 0 });
    await node.startKubelet();
    await node.soon(async () => (await readdir(join(node.rootDir, "pods"))).length === 0);
    expect(await containers(node)).toEqual([]);
  });

  it("drains: ends every pod in order and reports it", async () => {
    await using node = await openTestNode(() => ({ stopDelayMs: 1000 }), { kubelet: false });
    const kubelet = await node.startKubelet();
    await node.run({});
    await node.until(ready);
    const drained = kubelet.drain({ signal: new AbortController().signal });
    await node.advance(1000);
    await drained;
    const pod = await node.get();
    expect(pod.status).toMatchObject({ phase: "Failed", reason: "Terminated" });
    expect(first(pod)?.state?.terminated?.exitCode).toBe(143);
  });

  it("drains: what is being deleted has no more time than that", async () => {
    await using node = await openTestNode(() => ({ stopDelayMs: 3_600_000 }), { kubelet: false });
    const kubelet = await node.startKubelet();
    await node.run({ terminationGracePeriodSeconds: 600 });
    await node.until(ready);
    await node.client.delete(podKind, { namespace: "default", name: "web" }, { gracePeriodSeconds: 5 });
    await node.idle();
    let isDrained = false;
    const drained = kubelet.drain({ signal: new AbortController().signal }).then(() => {
      isDrained = true;
    });
    await node.idle();
    await node.advance(5000);
    await node.soon(async () => isDrained);
    await drained;
    expect((await containers(node)).map(({ state }) => state)).toEqual(["exited"]);
  });

  it("makes a lost sandbox anew and runs its containers again", async () => {
    await using node = await openTestNode();
    await node.run({});
    await node.until(ready);
    const signal = new AbortController().signal;
    const [sandbox] = await node.runtime.listSandboxes({ signal });
    await node.runtime.stopPodSandbox(sandbox?.id ?? "", { signal });
    await node.until((pod) => ready(pod) && first(pod)?.restartCount === 1);
    expect((await node.runtime.listSandboxes({ signal })).find(({ ready }) => ready)?.attempt).toBe(1);
  });
});

function variable(config: ContainerConfig | undefined, name: string): string | undefined {
  return config?.env.find((entry) => entry.name === name)?.value;
}
