import { createServer as createHttp2Server } from "node:http2";
import { createServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Pod } from "../../core/kinds/pod.ts";
import { selfSigned } from "../../core/platform/certificates.ts";
import { systemClock } from "../../core/platform/clock.ts";
import { engine } from "../suites/docker_image.ts";
import { eventOf } from "../suites/pod_contract_suite.ts";
import { type DockerCluster, podOf, shell, stay } from "./_cluster.ts";

/** A request that a probe made. */
interface Asked {
  readonly path: string;
  readonly at: number;
  readonly headers: Readonly<Record<string, unknown>>;
}

/**
 * Probes as the node makes them, of pods on its own network: the servers are the test's, so that it sees each request and
 * chooses each answer.
 */
export function probeCases(cluster: () => DockerCluster): void {
  describe.concurrent("probes", () => {
    const asked: Asked[] = [];
    /** Answers by path; the last goes on. 0: none. */
    const answers = new Map<string, number[]>();
    const health = new Map<string, number>();
    const servers: Server[] = [];
    let httpsPort = 0;
    let grpcPort = 0;

    beforeAll(async () => {
      const { certificate, key } = await selfSigned({ commonName: "nobody", usage: "server", clock: systemClock });
      const https = createServer({ cert: certificate, key }, ({ url = "", headers }, response) => {
        asked.push({ path: url, at: systemClock.now(), headers });
        const left = answers.get(url) ?? [200];
        const status = (left.length > 1 ? left.shift() : left[0]) ?? 200;
        if (status > 0) response.writeHead(status).end();
      });
      const grpc = createHttp2Server((request, response) => {
        const chunks: Buffer[] = [];
        request.on("data", (chunk: Buffer) => chunks.push(chunk));
        request.on("end", () => {
          const service = Buffer.concat(chunks).subarray(7).toString();
          response.writeHead(200, { "content-type": "application/grpc", trailer: "grpc-status" });
          response.addTrailers({ "grpc-status": "0" });
          response.end(Buffer.from([0, 0, 0, 0, 2, 8, health.get(service) ?? 1]));
        });
      });
      const listen = async (server: Server) => {
        servers.push(server);
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        return (server.address() as AddressInfo).port;
      };
      httpsPort = await listen(https);
      grpcPort = await listen(grpc);
    });
    afterAll(() => {
      for (const server of servers) server.close();
    });

    const to = (path: string) => asked.filter((one) => one.path === path);
    const https = (path: string, more: object = {}) => ({
      httpGet: { path, port: httpsPort, scheme: "HTTPS", ...more },
      periodSeconds: 1,
      timeoutSeconds: 30,
    });
    const run = (name: string, probes: object, script = stay, spec: object = {}) =>
      cluster().create(podOf(name, [shell(script, probes)], { hostNetwork: true, ...spec }));
    const mainOf = ({ status }: Pod) => status?.containerStatuses?.[0];
    const restarted = (times: number) => (pod: Pod) => mainOf(pod)?.restartCount === times;
    const event = (name: string, pattern: RegExp) => eventOf(cluster(), name, pattern);

    it("over HTTPS take any certificate, send their headers, and begin after their delay", async () => {
      const httpHeaders = [{ name: "X-Shop", value: "one" }];
      await run("https", { readinessProbe: { ...https("/headers?a=b", { httpHeaders }), initialDelaySeconds: 2 } });
      const pod = await cluster().ready("https");
      const [first] = to("/headers?a=b");
      expect(first?.headers).toMatchObject({
        "x-shop": "one",
        "user-agent": expect.stringMatching(/^kube-probe\/1\./),
      });
      const { State } = await engine.getContainer(mainOf(pod)?.containerID?.replace("docker://", "") ?? "").inspect();
      expect((first?.at ?? 0) - Date.parse(State.StartedAt)).toBeGreaterThanOrEqual(2000);
    });

    it("decide on readiness by as many successes and failures in a row as their thresholds say, once a period", async () => {
      answers.set("/ready", [200, 503, 200, 200, 200, 503, 200, 503, 503, 503]);
      await run("thresholds", { readinessProbe: { ...https("/ready"), successThreshold: 3, failureThreshold: 3 } });
      await cluster().ready("thresholds");
      expect(to("/ready").length).toBeGreaterThanOrEqual(5);
      await cluster().pod("thresholds", (pod) => mainOf(pod)?.ready === false && to("/ready").length >= 10);
      await event("thresholds", /^Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503$/);
      // The first one's container is asked more often until it is ready; from then on once a period.
      const [from, until] = [to("/ready")[5], to("/ready")[9]];
      expect((until?.at ?? 0) - (from?.at ?? 0)).toBeGreaterThan(3000);
      expect((await cluster().pod("thresholds", () => true)).status?.containerStatuses?.[0]?.restartCount).toBe(0);
    });

    it("of liveness restart a container after so many failures in a row, and no sooner; what comes too late is one", async () => {
      answers.set("/live", [200, 500, 500, 200, 500, 500, 500, 200]);
      answers.set("/late", [0]);
      const livenessProbe = { ...https("/live"), failureThreshold: 3 };
      await run("live", { livenessProbe });
      await run("tardy", { livenessProbe: { ...https("/late"), failureThreshold: 1, timeoutSeconds: 1 } });
      await cluster().pod("live", restarted(1));
      expect(to("/live").length).toBeGreaterThanOrEqual(7);
      const late = `Get "https://127.0.0.1:${httpsPort}/late": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`;
      await event("tardy", new RegExp(`^Unhealthy: Liveness probe failed: ${late.replace(/[.()?]/g, "\\$&")}$`));
      await event("live", /^Killing: Container main failed liveness probe, will be restarted$/);
    });

    it("of start-up hold the others back, and end a deaf container in the time of the probe, not in its pod's", async () => {
      answers.set("/started", [500]);
      const probes = {
        startupProbe: { ...https("/started"), failureThreshold: 2, terminationGracePeriodSeconds: 1 },
        livenessProbe: https("/after"),
      };
      const deaf = "trap '' TERM; while :; do sleep 1; done";
      await run("starting", probes, deaf, { terminationGracePeriodSeconds: 600 });
      const pod = await cluster().pod("starting", restarted(1));
      expect(mainOf(pod)?.lastState?.terminated).toMatchObject({ exitCode: 137 });
      expect(to("/after")).toEqual([]);
      await event("starting", /^Killing: Container main failed startup probe, will be restarted$/);
      answers.set("/started", [200]);
      await cluster().pod("starting", (pod) => mainOf(pod)?.started === true);
      await expect.poll(() => to("/after").length).toBeGreaterThan(0);
      // By force it would go on for its ten minutes, and hold up the cluster's end.
      await cluster().ok("delete", "pod", "starting", "--grace-period=1");
    });

    it("by gRPC, TCP and command succeed and fail, each in its words", async () => {
      health.set("sick", 2);
      const often = { periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 30 };
      await run("grpc", { readinessProbe: { ...often, grpc: { port: grpcPort, service: "well" } } });
      await run("tcp", { readinessProbe: { ...often, tcpSocket: { port: httpsPort } } });
      await run("sick", { livenessProbe: { ...often, grpc: { port: grpcPort, service: "sick" } } });
      await run("closed", { readinessProbe: { ...often, tcpSocket: { port: 1 } } });
      await run("slow", { readinessProbe: { ...often, timeoutSeconds: 1, exec: { command: ["sleep", "60"] } } });
      await run("false", {
        readinessProbe: { ...often, exec: { command: ["sh", "-c", "echo out; echo err >&2; exit 3"] } },
      });
      for (const name of ["grpc", "tcp"]) await cluster().ready(name);
      await event("sick", /^Unhealthy: Liveness probe failed: service unhealthy \(responded with "NOT_SERVING"\)$/);
      await cluster().pod("sick", (pod) => (mainOf(pod)?.restartCount ?? 0) > 0);
      await event(
        "closed",
        /^Unhealthy: Readiness probe failed: dial tcp 127\.0\.0\.1:1: connect: connection refused$/,
      );
      await event("slow", /^Unhealthy: Readiness probe failed: command timed out: "sleep 60" timed out after 1s$/);
      await event("false", /^Unhealthy: Readiness probe failed: (out\nerr|err\nout)\n$/);
    });
  });
}
