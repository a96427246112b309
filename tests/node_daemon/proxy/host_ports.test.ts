import { describe, expect, it } from "vitest";
import type { Pod } from "../../../core/kinds/pod.ts";
import { hostPortRules } from "../../../node_daemon/proxy/host_ports.ts";

function podWith(ports: readonly object[], { spec = {}, status = {} } = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "default", name: "web" },
    spec: { containers: [{ name: "c", ports }], ...spec },
    status: { phase: "Running", podIP: "127.9.0.2", ...status },
  } as Pod;
}

const nodeIPs = ["127.9.1.1", "::1"];
const found = (pod: Pod) =>
  hostPortRules(pod, nodeIPs).map(({ protocol, address, port, endpoints: [to] }) =>
    [protocol, address, port, to && `${to.ip}:${to.port}`].join(" "),
  );

describe("host ports of a pod", () => {
  it("are served at every address of the node, or at the one that they name", () => {
    const ports = [
      { containerPort: 80, hostPort: 8080 },
      { containerPort: 53, hostPort: 5353, protocol: "UDP", hostIP: "127.0.0.7" },
      { containerPort: 81 },
    ];
    expect(found(podWith(ports))).toEqual([
      "TCP 127.9.1.1 8080 127.9.0.2:80",
      "TCP ::1 8080 127.9.0.2:80",
      "UDP 127.0.0.7 5353 127.9.0.2:53",
    ]);
  });

  it("are served for sidecars, too", () => {
    const ports = [{ containerPort: 80, hostPort: 8080, hostIP: "127.0.0.7" }];
    const spec = { initContainers: [{ name: "s", restartPolicy: "Always", ports }] };
    expect(found(podWith([], { spec }))).toEqual(["TCP 127.0.0.7 8080 127.9.0.2:80"]);
  });

  it.each([
    ["without an address", podWith([{ containerPort: 80, hostPort: 80 }], { status: { podIP: undefined } })],
    ["that has ended", podWith([{ containerPort: 80, hostPort: 80 }], { status: { phase: "Succeeded" } })],
    ["in the node's network", podWith([{ containerPort: 80, hostPort: 80 }], { spec: { hostNetwork: true } })],
  ])("lead nowhere for a pod %s", (_what, pod) => {
    expect(found(pod)).toEqual([]);
  });
});
