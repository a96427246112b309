import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ContainerStatus, Pod } from "../../core/kinds/pod.ts";
import { systemClock } from "../../core/platform/clock.ts";
import { readTextFile } from "../../core/platform/files.ts";
import { findDocker } from "../../node_daemon/runtime/find_docker.ts";
import { missing } from "../require.ts";
import { testImage } from "../suites/docker_image.ts";
import { eventOf, podContractSuite } from "../suites/pod_contract_suite.ts";
import { type DockerCluster, dockerFolder, podOf, shell, startOnDocker, stay } from "./_cluster.ts";
import { probeCases } from "./_probe_cases.ts";

const appArmor = (await readTextFile("/sys/module/apparmor/parameters/enabled").catch(() => ""))?.startsWith("Y");

// On Node only: the suite runs on Deno with processes, and Docker's other tests run there too.
const isLeftOut = "Deno" in globalThis || missing("docker", await findDocker({ clock: systemClock }));

describe.skipIf(isLeftOut)("pods in Docker, by the contract", () => {
  const folder = dockerFolder();
  let cluster: DockerCluster;
  beforeAll(async () => {
    cluster = await startOnDocker(folder.path);
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  podContractSuite({ cluster: () => cluster, image: testImage, appArmor: appArmor ?? false });

  probeCases(() => cluster);

  describe.concurrent("what only a container can be kept to", () => {
    /** The containers of a pod that runs once, by name, each with what its script printed as its last words. */
    async function ended(name: string, containers: Readonly<Record<string, object>>, spec: object = {}) {
      const all = Object.entries(containers).map(([name, container]) => ({ image: testImage, ...container, name }));
      await cluster.create(podOf(name, all, { restartPolicy: "Never", ...spec }));
      const { status } = await cluster.pod(name, ({ status }) => /^(Succeeded|Failed)$/.test(status?.phase ?? ""));
      return (container: string) => found(status, container);
    }
    const found = (status: Pod["status"], name: string): ContainerStatus | undefined =>
      status?.containerStatuses?.find((one) => one.name === name);
    const says = (container: ContainerStatus | undefined) =>
      container?.state?.terminated?.message?.trimEnd().split("\n");
    const saying = (script: string, securityContext: object = {}) => ({
      command: ["sh", "-c", `{ ${script}; } >/dev/termination-log 2>&1`],
      securityContext,
    });

    it("has the user, groups, capabilities, filters and limits of its securityContext, as it sees them itself", async () => {
      const profiles = join(folder.path, "data", "nodes", "node-0", "seccomp");
      mkdirSync(profiles, { recursive: true });
      const denied = { names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO" };
      const profile = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [denied] };
      writeFileSync(join(profiles, "no_folders.json"), JSON.stringify(profile));

      const status = "grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t '";
      const who = "id -u; id -g; id -G | tr ' ' '\\n' | sort -n | xargs";
      const root = { runAsUser: 0 };
      const container = await ended(
        "secured",
        {
          member: saying(who, { runAsGroup: 3000 }),
          plain: saying(`${who}; cat /proc/sys/kernel/shm_rmid_forced`),
          usual: saying(`${status}; mkdir /x && echo written`, root),
          held: saying(`${status}; mkdir /x || true`, {
            ...root,
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"], add: ["CHOWN"] },
          }),
          changed: saying(status, { ...root, capabilities: { add: ["NET_ADMIN"], drop: ["MKNOD"] } }),
          unfiltered: saying(status, { ...root, seccompProfile: { type: "Unconfined" } }),
          filtered: saying(`${status}; mkdir /x || true`, {
            ...root,
            seccompProfile: { type: "Localhost", localhostProfile: "no_folders.json" },
          }),
        },
        {
          securityContext: {
            runAsUser: 1000,
            runAsGroup: 1,
            fsGroup: 2000,
            supplementalGroups: [4000],
            seccompProfile: { type: "RuntimeDefault" },
            sysctls: [{ name: "kernel.shm_rmid_forced", value: "1" }],
          },
        },
      );
      const usual = "CapEff:00000000a80425fb";
      expect(says(container("member"))).toEqual(["1000", "3000", "2000 3000 4000"]);
      expect(says(container("plain"))).toEqual(["1000", "1", "1 2000 4000", "1"]);
      expect(says(container("usual"))).toEqual([usual, "NoNewPrivs:0", "Seccomp:2", "written"]);
      expect(says(container("held"))).toEqual([
        "CapEff:0000000000000001",
        "NoNewPrivs:1",
        "Seccomp:2",
        expect.stringMatching(/: Read-only file system$/),
      ]);
      expect(says(container("changed"))).toEqual(["CapEff:00000000a00435fb", "NoNewPrivs:0", "Seccomp:2"]);
      expect(says(container("unfiltered"))).toEqual([usual, "NoNewPrivs:0", "Seccomp:0"]);
      expect(says(container("filtered"))).toEqual([
        usual,
        "NoNewPrivs:0",
        "Seccomp:2",
        expect.stringMatching(/: Operation not permitted$/),
      ]);
      // The API says the same of whom it began as.
      const userOf = (name: string) => container(name)?.user;
      expect(userOf("member")).toEqual({ linux: { uid: 1000, gid: 3000, supplementalGroups: [3000, 4000, 2000] } });
      expect(userOf("usual")).toEqual({ linux: { uid: 0, gid: 1, supplementalGroups: [1, 4000, 2000] } });
    });

    it("has every right of the machine's root when it is privileged, as far as the machine's own root has them", async () => {
      const script = "grep CapEff /proc/self/status | tr -d '\\t '; touch /proc/sys/kernel/hostname && echo open";
      const container = await ended("privileged", { main: saying(script, { privileged: true }) });
      const { message, reason } = container("main")?.state?.terminated ?? {};
      const own = /^CapBnd:\t0*(?<bits>\w+)$/m.exec((await readTextFile("/proc/self/status")) ?? "")?.groups?.["bits"];
      if (/^[137]?f+$/.test(own ?? "")) expect(message).toBe(`CapEff:${own?.padStart(16, "0")}\nopen\n`);
      else expect(`${reason}: ${message}`).toMatch(/^StartError: .*unable to apply caps/);
    });

    it("has the processes, messages and network of its pod or of its node, as asked for", async () => {
      const look = {
        main: saying(
          "[ $$$$ = 1 ] && echo first; cat /proc/1/comm; readlink /proc/self/ns/ipc; readlink /proc/self/ns/net",
        ),
      };
      const host = { hostPID: true, hostIPC: true, hostNetwork: true };
      const [own, sharing, onNode, alsoOnNode] = await Promise.all([
        ended("own", look),
        ended("sharing", look, { shareProcessNamespace: true }),
        ended("on-node", look, host),
        ended("also-on-node", look, host),
      ]);
      const [first, , ipc, net] = says(own("main")) ?? [];
      expect(first).toBe("first");
      expect(says(sharing("main"))).not.toContain("first");
      const node = says(onNode("main")) ?? [];
      expect(node).toEqual(says(alsoOnNode("main")));
      expect(node).not.toContain(ipc);
      expect(node).not.toContain(net);
      expect(node[0]).not.toBe("sh");
    });

    it("finds its names and those it is told", async () => {
      const container = await ended(
        "named",
        { main: saying("hostname; cat /etc/resolv.conf") },
        {
          hostname: "first",
          subdomain: "sub",
          setHostnameAsFQDN: true,
          dnsPolicy: "None",
          dnsConfig: { nameservers: ["10.9.9.9"], searches: ["example.com"], options: [{ name: "ndots", value: "3" }] },
        },
      );
      expect(says(container("main"))).toEqual([
        "first.sub.default.svc.cluster.local",
        "search example.com",
        "nameserver 10.9.9.9",
        "options ndots:3",
      ]);
    });

    it("is not run with a parameter of the kernel that others would feel", async () => {
      const sysctls = [{ name: "net.core.somaxconn", value: "64" }];
      await cluster.apply(podOf("unsafe", [shell(stay)], { securityContext: { sysctls } }));
      const { status } = await cluster.pod("unsafe", ({ status }) => status?.phase === "Failed");
      expect(status).toMatchObject({
        reason: "SysctlForbidden",
        message: expect.stringContaining('forbidden sysctl: "net.core.somaxconn" not allowlisted'),
      });
    });

    it("is not run as an image's root when it must not, nor by a name that is none, nor from an image that must be there", async () => {
      await cluster.apply(
        podOf("root-image", [shell(stay)], { securityContext: { runAsNonRoot: true } }),
        podOf("no-pull", [{ name: "main", image: "example.invalid/none:1", imagePullPolicy: "Never" }]),
        podOf("no-name", [{ name: "main", image: "example.invalid/NONE:1" }]),
      );
      await eventOf(
        cluster,
        "root-image",
        /^Failed: Error: container has runAsNonRoot and image will run as root \(pod: "root-image_default\(.*\)", container: main\)$/,
      );
      await eventOf(
        cluster,
        "no-pull",
        /^ErrImageNeverPull: Container image "example.invalid\/none:1" is not present with pull policy of Never$/,
      );
      await eventOf(cluster, "no-pull", /^Failed: Error: ErrImageNeverPull$/);
      await eventOf(
        cluster,
        "no-name",
        /^InspectFailed: Failed to apply default image tag "example.invalid\/NONE:1": couldn't parse image name/,
      );
      await eventOf(cluster, "no-name", /^Failed: Error: InvalidImageName$/);
      const waitsFor = (name: string, reason: string) =>
        cluster.pod(name, ({ status }) => found(status, "main")?.state?.waiting?.reason === reason);
      await waitsFor("root-image", "CreateContainerConfigError");
      await waitsFor("no-pull", "ErrImageNeverPull");
      await waitsFor("no-name", "InvalidImageName");
    });
  });
});
