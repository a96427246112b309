import { describe, expect, it } from "vitest";
import { hostsFile } from "../../../node_daemon/kubelet/hosts_file.ts";
import { podHostname } from "../../../node_daemon/kubelet/pod_hostname.ts";
import { makePod } from "./fixtures.ts";

const local = `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost\tip6-localhost\tip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
`;

describe("hostsFile()", () => {
  it("says every address of the pod, with its host name", () => {
    const text = hostsFile({ pod: makePod({ hostname: "first" }), podIPs: ["10.0.0.7", "fd00::7"] }, "");
    expect(text).toBe(`${local}10.0.0.7\tfirst\nfd00::7\tfirst\n`);
  });

  it("says the whole name of a pod with a subdomain, too", () => {
    const pod = makePod({ hostname: "first", subdomain: "db" });
    expect(hostsFile({ pod, podIPs: ["10.0.0.7"] }, "")).toBe(
      `${local}10.0.0.7\tfirst.db.default.svc.cluster.local\tfirst\n`,
    );
  });

  it("adds the aliases, one line for each address", () => {
    const hostAliases = [{ ip: "1.2.3.4", hostnames: ["a", "b"] }, { ip: "1.2.3.5" }];
    expect(hostsFile({ pod: makePod({ hostAliases }), podIPs: [] }, "")).toBe(
      `${local}\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n1.2.3.5\n`,
    );
  });

  it("shows the node's own file in the node's network", () => {
    const pod = makePod({ hostNetwork: true, hostAliases: [{ ip: "1.2.3.4", hostnames: ["a"] }] });
    expect(hostsFile({ pod, podIPs: ["192.0.2.1"] }, "192.0.2.1\tmachine\n")).toBe(
      "# Kubernetes-managed hosts file (host network).\n192.0.2.1\tmachine\n\n# Entries added by HostAliases.\n1.2.3.4\ta\n",
    );
  });

  it("begins with the node's own where pods have their own names in the node's network", () => {
    const pod = makePod({ hostname: "first", subdomain: "db" });
    expect(hostsFile({ pod, podIPs: ["127.16.0.7"] }, "192.0.2.1\tmachine\n", "cluster.example")).toBe(
      "# Kubernetes-managed hosts file.\n192.0.2.1\tmachine\n127.16.0.7\tfirst.db.default.svc.cluster.example\tfirst\n",
    );
  });
});

describe("podHostname()", () => {
  it.each([
    ["its own", { hostname: "first" }, "web", "first"],
    ["the pod's", {}, "web", "web"],
    ["as much of the pod's as is one label", {}, `${"a".repeat(62)}.${"b".repeat(10)}`, "a".repeat(62)],
    ["not its whole name without a subdomain", { setHostnameAsFQDN: true }, "web", "web"],
    ["its whole name", { setHostnameAsFQDN: true, subdomain: "db" }, "web", "web.db.default.svc.cluster.local"],
  ])("calls a pod by %s", (_, spec, name, kernelName) => {
    expect(podHostname(makePod(spec, { metadata: { name } })).kernelName).toBe(kernelName);
  });

  it("refuses a whole name that the kernel does not take", () => {
    const pod = makePod({ setHostnameAsFQDN: true, subdomain: "s".repeat(40) });
    expect(() => podHostname(pod)).toThrow(
      `failed to construct FQDN from pod hostname and cluster domain, FQDN web.${"s".repeat(40)}.default.svc.cluster.local is too long (64 characters is the max, 70 characters requested)`,
    );
  });
});
