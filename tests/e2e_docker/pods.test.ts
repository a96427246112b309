import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findCondition } from "../../core/api/meta.ts";
import { type Pod, pod as podKind } from "../../core/kinds/pod.ts";
import { systemClock } from "../../core/platform/clock.ts";
import { findDocker } from "../../node_daemon/runtime/find_docker.ts";
import { missing } from "../require.ts";
import { engine, testImage } from "../suites/docker_image.ts";
import { containersOf, type DockerCluster, dockerFolder, podOf, shell, startOnDocker, stay } from "./_cluster.ts";

describe.skipIf(missing("docker", await findDocker({ clock: systemClock })))("pods in Docker", () => {
  const folder = dockerFolder();
  let cluster: DockerCluster;
  beforeAll(async () => {
    cluster = await startOnDocker(folder.path);
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  it.concurrent("wherry logs prints both streams of a container, the last lines when asked for", async () => {
    await cluster.apply(podOf("talker", [shell(`echo one; echo two >&2; sleep 0.5; echo three; ${stay}`)]));
    await cluster.ready("talker");
    await using following = cluster.follow("logs", "-f", "talker");
    await following.printed(/three/);
    // The streams are two pipes: what is written at once on both may come in any order.
    expect(following.output().split("\n").sort()).toEqual(["", "one", "three", "two"]);
    expect(await cluster.ok("logs", "talker", "--tail=1")).toBe("three\n");
  });

  it.concurrent("wherry exec passes stdin, streams and the exit code", async () => {
    await cluster.apply(podOf("box", [shell(stay)]));
    await cluster.ready("box");
    await using counting = cluster.follow("exec", "-i", "box", "--", "wc", "-c");
    counting.child.stdin?.end("x".repeat(300_000));
    await counting.printed(/^300000$/m);
    expect(await cluster.wherry("exec", "box", "--", "sh", "-c", "echo out; echo err >&2; exit 7")).toMatchObject({
      code: 7,
      stdout: "out\n",
      stderr: expect.stringMatching(/^err\n/),
    });
  });

  it.concurrent("a container's hosts file is the kubelet's", async () => {
    const hostAliases = [{ ip: "10.1.2.3", hostnames: ["db"] }];
    await cluster.apply(podOf("named", [shell(stay)], { hostname: "first", hostAliases }));
    const { status } = await cluster.ready("named");
    const hosts = await cluster.ok("exec", "named", "--", "cat", "/etc/hosts");
    expect(hosts).toMatch(/^# Kubernetes-managed hosts file\.\n/);
    expect(hosts.split("\n")).toContain(`${status?.podIP}\tfirst`);
    expect(hosts.split("\n")).toContain("10.1.2.3\tdb");
  });

  it.concurrent("a container gets other limits while it runs, as its kernel sees them; less memory than it uses it does not get", async () => {
    const resources = (cpu: string, memory: string) => ({ limits: { cpu, memory }, requests: { cpu, memory } });
    await cluster.apply(podOf("sized", [shell(stay, { resources: resources("100m", "64Mi") })]));
    const before = await cluster.ready("sized");
    const id = before.status?.containerStatuses?.[0]?.containerID?.replace("docker://", "") ?? "";
    const engineLimits = async () => {
      const { HostConfig } = await engine.getContainer(id).inspect();
      return { memory: HostConfig.Memory, quota: HostConfig.CpuQuota };
    };
    expect(await engineLimits()).toEqual({ memory: 64 * 1024 ** 2, quota: 10_000 });
    const resize = (cpu: string, memory: string) => {
      const body = { spec: { containers: [{ name: "main", resources: resources(cpu, memory) }] } };
      const key = { namespace: "default", name: "sized" };
      return cluster.client.patch(podKind, key, { type: "strategic", body }, { subresource: "resize" });
    };
    await resize("200m", "96Mi");
    const has = (amount: string) => (pod: Pod) =>
      pod.status?.containerStatuses?.[0]?.resources?.limits?.["memory"] === amount;
    const after = await cluster.pod("sized", has("96Mi"));
    expect(after.status?.containerStatuses?.[0]).toMatchObject({
      restartCount: 0,
      resources: resources("200m", "96Mi"),
    });
    expect(await engineLimits()).toEqual({ memory: 96 * 1024 ** 2, quota: 20_000 });
    const files = "/sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes";
    expect(await cluster.ok("exec", "sized", "--", "sh", "-c", `cat ${files} 2>/dev/null || true`)).toBe("100663296\n");
    await cluster.ok("exec", "sized", "--", "sh", "-c", "head -c 30000000 /dev/zero >/dev/shm/held");
    await resize("200m", "8Mi");
    const failed = await cluster.pod("sized", ({ status }) =>
      (status?.conditions ?? []).some(({ type, reason }) => type === "PodResizeInProgress" && reason === "Error"),
    );
    expect(findCondition(failed.status?.conditions, "PodResizeInProgress")?.message).toMatch(
      /^cannot decrease memory limits: \[attempting to set pod memory limit \(8388608\) below current usage \(\d+\), /,
    );
    expect(await engineLimits()).toEqual({ memory: 96 * 1024 ** 2, quota: 20_000 });
    await resize("100m", "64Mi");
    await cluster.pod(
      "sized",
      (pod) => has("64Mi")(pod) && !findCondition(pod.status?.conditions, "PodResizeInProgress"),
    );
    expect(await engineLimits()).toEqual({ memory: 64 * 1024 ** 2, quota: 10_000 });
  });

  it.concurrent("a container that was killed is started again, and RESTARTS says 1", async () => {
    await cluster.apply(podOf("victim", [shell(stay)]));
    const before = await cluster.ready("victim");
    const id = before.status?.containerStatuses?.[0]?.containerID?.replace("docker://", "") ?? "";
    await engine.getContainer(id).kill();
    const after = await cluster.pod("victim", ({ status }) => {
      const [container] = status?.containerStatuses ?? [];
      return container?.restartCount === 1 && container.ready === true;
    });
    expect(after.status?.podIP).toBe(before.status?.podIP);
    expect(after.status?.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ exitCode: 137 });
    expect(await cluster.ok("get", "pod", "victim")).toMatch(/victim +1\/1 +Running +1 \(\d+s ago\)/);
  });

  it.concurrent("volumes of a ConfigMap and a Secret show what they hold, and what that is changed to", async () => {
    const configMap = (greeting: string) => ({ kind: "ConfigMap", metadata: { name: "words" }, data: { greeting } });
    const secret = (password: string) => ({ kind: "Secret", metadata: { name: "keys" }, stringData: { password } });
    const show = "echo $(cat /etc/words/greeting) $(cat /etc/keys/password)";
    const reader = shell(`trap 'exit 0' TERM; while ${show}; do sleep 0.2; done`, {
      volumeMounts: [
        { name: "words", mountPath: "/etc/words" },
        { name: "keys", mountPath: "/etc/keys", readOnly: true },
      ],
    });
    const volumes = [
      { name: "words", configMap: { name: "words" } },
      { name: "keys", secret: { secretName: "keys", defaultMode: 0o400 } },
    ];
    const content = (greeting: string, password: string) =>
      [configMap(greeting), secret(password)].map((object) => ({ apiVersion: "v1", ...object }));
    await cluster.apply(...content("hello", "first"), podOf("reader", [reader], { volumes }));
    await cluster.ready("reader");
    await using log = cluster.follow("logs", "-f", "reader");
    await log.printed(/^hello first$/m);
    await cluster.apply(...content("goodbye", "second"));
    await log.printed(/^goodbye second$/m);
    expect(await cluster.ok("exec", "reader", "--", "stat", "-L", "-c", "%a", "/etc/keys/password")).toBe("400\n");
  });

  it.concurrent("containers of a pod share an emptyDir and the network, after its init container has ended", async () => {
    const mount = { volumeMounts: [{ name: "shared", mountPath: "/shared" }] };
    const web = shell("exec httpd -f -p 8080 -h /shared", { name: "web", ...mount });
    const asker = shell(`until wget -qO- http://127.0.0.1:8080/page; do sleep 0.1; done; ${stay}`, { name: "asker" });
    const initContainers = [shell("echo made by init >/shared/page", { name: "init", ...mount })];
    const volumes = [{ name: "shared", emptyDir: {} }];
    // httpd ends on no signal as the first process of a container.
    const spec = { initContainers, volumes, terminationGracePeriodSeconds: 1 };
    await cluster.apply(podOf("pair", [web, asker], spec));
    await cluster.ready("pair");
    await using log = cluster.follow("logs", "-f", "pair", "-c", "asker");
    await log.printed(/^made by init$/m);
  });

  it.concurrent("probes of each kind decide on readiness, and a failing liveness probe restarts the container", async ({
    expect,
  }) => {
    const probe = { periodSeconds: 1, failureThreshold: 1 };
    const serving = `mkdir /www; echo ok >/www/ok; httpd -p 8080 -h /www; ${stay}`;
    const ready = (script: string, check: object) => [shell(script, { readinessProbe: { ...probe, ...check } })];
    await cluster.apply(
      podOf("by-http", ready(serving, { httpGet: { path: "/ok", port: 8080 } })),
      podOf("by-tcp", ready(serving, { tcpSocket: { port: 8080 } })),
      podOf("by-exec", ready(`touch /ok; ${stay}`, { exec: { command: ["cat", "/ok"] } })),
      podOf("unready", ready(stay, { tcpSocket: { port: 8080 } })),
      podOf("unwell", [shell(stay, { livenessProbe: { ...probe, exec: { command: ["false"] } } })]),
    );
    for (const name of ["by-http", "by-tcp", "by-exec"]) await cluster.ready(name);
    await cluster.pod("unwell", ({ status }) => (status?.containerStatuses?.[0]?.restartCount ?? 0) > 0);
    await expect.poll(() => cluster.ok("get", "pod", "unready")).toMatch(/unready +0\/1 +Running/);
    await expect
      .poll(() => cluster.ok("get", "events"))
      .toContain("Container main failed liveness probe, will be restarted");
  });

  it.concurrent("a pod that ends keeps its log and its exit code, and one without its program says why", async () => {
    const restartPolicy = "Never";
    await cluster.apply(
      podOf("failing", [shell("echo last words; exit 3")], { restartPolicy }),
      podOf("wrong", [{ name: "main", image: testImage, command: ["/nowhere"] }], { restartPolicy }),
    );
    const terminated = async (name: string) =>
      (await cluster.pod(name, ({ status }) => status?.phase === "Failed")).status?.containerStatuses?.[0]?.state
        ?.terminated;
    expect(await terminated("failing")).toMatchObject({ exitCode: 3, reason: "Error" });
    expect(await cluster.ok("logs", "failing")).toBe("last words\n");
    expect(await terminated("wrong")).toMatchObject({
      exitCode: 128,
      reason: "StartError",
      message: expect.stringContaining("/nowhere"),
    });
  });

  it.concurrent("a pod whose image cannot be fetched waits and says so", async () => {
    await cluster.apply(podOf("imageless", [{ name: "main", image: "127.0.0.1:1/none:1" }]));
    const waiting = await cluster.pod("imageless", ({ status }) =>
      /^(ErrImagePull|ImagePullBackOff)$/.test(status?.containerStatuses?.[0]?.state?.waiting?.reason ?? ""),
    );
    expect(waiting.status?.phase).toBe("Pending");
  });

  it.concurrent("wherry delete removes every container of a pod", async () => {
    await cluster.apply(podOf("brief", [shell(stay)]));
    await cluster.ready("brief");
    expect(await containersOf(folder.path, "brief")).toHaveLength(2);
    await cluster.ok("delete", "pod", "brief");
    expect(await containersOf(folder.path, "brief")).toEqual([]);
  });
});
