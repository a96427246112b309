import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { endpointSlice } from "../../core/kinds/endpoint_slice.ts";
import { pod as podKind } from "../../core/kinds/pod.ts";
import { service } from "../../core/kinds/service.ts";
import { eventually, startUp, type TestCluster, temporaryFolder } from "./harness.ts";
import { serverContainer, servers, serviceOf, shellPod } from "./manifests.ts";
import { ask, askUdp, shares } from "./traffic.ts";

const folder = temporaryFolder();
const namespace = "default";
let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startUp(folder.path);
  await cluster.apply(
    servers("web", 3),
    servers("other", 1),
    serviceOf("web"),
    serviceOf("web-node", {
      type: "NodePort",
      selector: { app: "web" },
      ports: [
        { name: "http", port: 80, targetPort: 8080 },
        { name: "echo", port: 7, targetPort: 8080, protocol: "UDP" },
      ],
    }),
    serviceOf("web-sticky", { selector: { app: "web" }, sessionAffinity: "ClientIP" }),
    serviceOf("other"),
    serviceOf("nobody"),
  );
  await cluster.ok("rollout", "status", "deploy/web");
  await cluster.ok("rollout", "status", "deploy/other");
  for (const name of ["web", "web-node", "web-sticky"]) await served(name, 3);
  await served("other", 1);
  const [web, node, sticky] = [await find("web"), await find("web-node"), await find("web-sticky")];
  await shared(web.ip, 80);
  await shared(node.ip, 80);
  await shared(cluster.nodePortAddress, node.nodePort("http"));
  await shared(sticky.ip, 80);
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Resolves when the service has so many ready endpoints. */
async function served(name: string, endpoints: number): Promise<void> {
  const slices = cluster.client.watch(endpointSlice, {
    namespace,
    labelSelector: `kubernetes.io/service-name=${name}`,
  });
  for await (const { type, object } of slices) {
    if (type !== "BOOKMARK" && object.endpoints.filter(({ conditions }) => conditions?.ready).length === endpoints)
      break;
  }
}

let strangers = 0;

/** Whether the user may listen on port 53, and give programs files of their own. */
function givesNames(): boolean {
  if (process.getuid?.() !== 0 || process.platform !== "linux") return false;
  try {
    execFileSync("unshare", ["--mount", "mount", "--bind", "/etc/hosts", "/etc/hosts"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Resolves once each of three clients that come anew is sent to another pod: the proxy hears of endpoints after they are there. */
async function shared(host: string, port: number): Promise<void> {
  await eventually("three pods answered", async () => {
    const heard = new Set<string>();
    for (let client = 0; client < 3; client++) {
      const address = `127.1.${strangers >> 8}.${strangers++ & 255}`;
      await ask(host, port, "/", address).then(
        (answer) => heard.add(answer),
        () => {},
      );
    }
    return heard.size === 3 ? heard : undefined;
  });
}

async function find(name: string): Promise<{ readonly ip: string; readonly nodePort: (port: string) => number }> {
  const { spec } = await cluster.client.get(service, { namespace, name });
  return {
    ip: spec?.clusterIP ?? "",
    nodePort: (port) => spec?.ports?.find((one) => one.name === port)?.nodePort ?? 0,
  };
}

/** What `count` clients, one after the other, are answered. */
async function answers(count: number, host: string, port: number, localAddress?: string): Promise<readonly string[]> {
  const all: string[] = [];
  for (let sent = 0; sent < count; sent++) all.push(await ask(host, port, "/", localAddress));
  return all;
}

describe("services", () => {
  it("a pod is reached by its host port at the node's address, and no longer once it is gone", async () => {
    // Below those that the system gives to whoever asks for any.
    const ports = [{ name: "http", containerPort: 8080, hostPort: 28_480 }];
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "hosted" } };
    await cluster.apply({
      ...pod,
      spec: { terminationGracePeriodSeconds: 1, containers: [serverContainer({ ports })] },
    });
    await cluster.ok("wait", "pod/hosted", "--for=condition=Ready", "--timeout=60s");
    const { status } = await cluster.client.get(podKind, { namespace, name: "hosted" });
    const hostIP = status?.hostIP ?? "";
    const answer = () => ask(hostIP, 28_480).catch(() => undefined);
    await expect.poll(answer, { timeout: 30_000 }).toMatch(/^hosted/);
    await cluster.ok("delete", "pod/hosted");
    await expect.poll(answer, { timeout: 30_000 }).toBeUndefined();
  });

  it("share twelve requests among three pods, four each, at the cluster IP", async () => {
    const { ip } = await find("web");
    expect(ip).toMatch(/^127\./);
    expect(shares(await answers(12, ip, 80))).toEqual([4, 4, 4]);
  });

  it("do the same at the node port", async () => {
    const port = (await find("web-node")).nodePort("http");
    expect(shares(await answers(12, cluster.nodePortAddress, port))).toEqual([4, 4, 4]);
  });

  it.skipIf(!givesNames())("are found by their names, by programs of pods", async () => {
    const script = "while :; do sleep 60 & wait $!; done";
    await cluster.apply(
      shellPod("asker", script, { hostname: "first", dnsConfig: { searches: ["example.cluster.local"] } }),
    );
    await cluster.ok("wait", "pod/asker", "--for=condition=Ready");
    const exec = (...command: readonly string[]) => cluster.ok("exec", "asker", "--", ...command);
    const { ip } = await find("web");
    for (const name of ["web", "web.default", "web.default.svc.cluster.local"])
      expect(await exec("getent", "ahostsv4", name)).toMatch(
        new RegExp(`^${ip} +STREAM +web\\.default\\.svc\\.cluster\\.local`),
      );
    expect(await exec("cat", "/etc/resolv.conf")).toMatch(
      /^search default\.svc\.cluster\.local .* example\.cluster\.local$/m,
    );
    expect(await exec("getent", "ahostsv4", "first")).toMatch(/^127\./);
    // The machine's own files are as they were.
    expect(readFileSync("/etc/resolv.conf", "utf8")).not.toContain("svc.cluster.local");
  });

  it("carry UDP, at the cluster IP and at the node port", async () => {
    const { ip, nodePort } = await find("web-node");
    for (const [host, port] of [
      [ip, 7],
      [cluster.nodePortAddress, nodePort("echo")],
    ] as const) {
      const heard = new Set<string>();
      await eventually("three pods had answered datagrams", async () => {
        const answer = await askUdp(host, port, "hello");
        const [, pod] = /^(web-\S+) hello$/.exec(answer ?? "") ?? [];
        if (pod) heard.add(pod);
        return heard.size === 3 ? heard : undefined;
      });
    }
  });

  it("keep a client at one pod with session affinity, and other clients at others", async () => {
    const { ip } = await find("web-sticky");
    const clients = ["127.0.0.2", "127.0.0.3", "127.0.0.4"];
    const pods: string[] = [];
    for (const client of clients) {
      const heard = new Set(await answers(4, ip, 80, client));
      expect([...heard]).toHaveLength(1);
      pods.push(...heard);
    }
    expect(new Set(pods).size).toBe(3);
  });

  it("share one port number of one machine, each at its own address", async () => {
    const [web, other] = [await find("web"), await find("other")];
    expect(web.ip).not.toBe(other.ip);
    expect(await ask(web.ip, 80)).toMatch(/^web-/);
    expect(await ask(other.ip, 80)).toMatch(/^other-/);
  });

  it("refuse at once while they have no endpoints, and again once they have lost them", async () => {
    await expect(ask((await find("nobody")).ip, 80)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    const { ip } = await find("other");
    await cluster.ok("scale", "deploy/other", "--replicas=0");
    await eventually("the service refused", () =>
      ask(ip, 80).then(
        () => undefined,
        (error: NodeJS.ErrnoException) => (error.code === "ECONNREFUSED" ? true : undefined),
      ),
    );
  });

  it("give up their addresses when they are deleted", async () => {
    const { ip } = await find("web");
    await cluster.ok("delete", "svc/web");
    await eventually("nothing listened any more", () =>
      ask(ip, 80).then(
        () => undefined,
        () => true,
      ),
    );
  });
});
