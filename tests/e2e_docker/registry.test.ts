import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../core/platform/clock.ts";
import { findDocker } from "../../node_daemon/runtime/find_docker.ts";
import { missing } from "../require.ts";
import { eventOf } from "../suites/pod_contract_suite.ts";
import { type DockerCluster, dockerFolder, podOf, shell, startOnDocker, stay } from "./_cluster.ts";
import { hasRegistry, login, startRegistry, type TestRegistry } from "./_registry.ts";

const isMissing =
  missing("docker", await findDocker({ clock: systemClock })) || missing("docker-registry", await hasRegistry);

// On Node only: it is the engine that asks the registry.
describe.skipIf("Deno" in globalThis || isMissing)("images of a registry that asks for a password", () => {
  const folder = dockerFolder();
  let cluster: DockerCluster;
  let registry: TestRegistry;
  beforeAll(async () => {
    registry = await startRegistry(join(folder.path, "registry"));
    cluster = await startOnDocker(folder.path);
    await cluster.apply(
      secret("json", "kubernetes.io/dockerconfigjson", ".dockerconfigjson", { auths: { [registry.address]: login } }),
      secret("cfg", "kubernetes.io/dockercfg", ".dockercfg", {
        [`https://${registry.address}/v1/`]: { auth: btoa(`${login.username}:${login.password}`) },
      }),
      secret("wrong", "kubernetes.io/dockerconfigjson", ".dockerconfigjson", {
        auths: { [registry.address]: { ...login, password: "guess" } },
      }),
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "puller" }, imagePullSecrets: [{ name: "json" }] },
    );
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await registry?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const secret = (name: string, type: string, key: string, content: object) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name },
    type,
    stringData: { [key]: JSON.stringify(content) },
  });
  const podFrom = (name: string, image: string, imagePullPolicy: string, spec: object = {}) =>
    podOf(name, [shell(stay, { image, imagePullPolicy })], spec);
  const by = (name: string) => ({ imagePullSecrets: [{ name }] });
  const waiting = (name: string, wanted: RegExp) =>
    cluster.pod(name, ({ status }) => wanted.test(status?.containerStatuses?.[0]?.state?.waiting?.reason ?? ""));

  it("are fetched with a Secret of either type, the pod's or its account's, as the policy says", async () => {
    const [json, cfg, account] = await Promise.all(
      ["team/json", "team/cfg", "team/account"].map((name) => registry.push(name)),
    );
    await cluster.apply(
      podFrom("json", json ?? "", "Always", by("json")),
      podFrom("cfg", cfg ?? "", "IfNotPresent", by("cfg")),
      podFrom("account", account ?? "", "IfNotPresent", { serviceAccountName: "puller" }),
    );
    for (const name of ["json", "cfg", "account"]) await cluster.ready(name);
    for (const [name, image] of [
      ["json", json],
      ["cfg", cfg],
      ["account", account],
    ] as const) {
      await eventOf(cluster, name, new RegExp(`^Pulling: Pulling image "${image}"$`));
      const pulled = `^Pulled: Successfully pulled image "${image}" in (\\S+) \\(\\1 including waiting\\)\\. Image size: \\d+ bytes\\.$`;
      await eventOf(cluster, name, new RegExp(pulled));
    }
    const { status } = await cluster.ready("json");
    expect(status?.containerStatuses?.[0]).toMatchObject({ image: json, imageID: expect.stringMatching(/^docker/) });
  });

  it("are not fetched with a wrong password, without one, or with a Secret that is not there: in the kubelet's words", async () => {
    const image = await registry.push("team/closed");
    await cluster.apply(
      podFrom("wrong", image, "IfNotPresent", by("wrong")),
      podFrom("none", image, "IfNotPresent"),
      podFrom("absent", image, "Always", by("nowhere")),
      podFrom("never", image, "Never", by("json")),
    );
    await eventOf(
      cluster,
      "absent",
      /^FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets \(nowhere\); attempting to pull the image may not succeed\.$/,
    );
    for (const name of ["wrong", "none", "absent"]) {
      await eventOf(cluster, name, new RegExp(`^Failed: Failed to pull image "${image}": .*(auth|denied)`));
      await eventOf(cluster, name, /^Failed: Error: ErrImagePull$/);
      await eventOf(cluster, name, new RegExp(`^BackOff: Back-off pulling image "${image}"$`));
      await eventOf(cluster, name, /^Failed: Error: ImagePullBackOff$/);
      const { status } = await waiting(name, /^ImagePullBackOff$/);
      expect(status?.phase).toBe("Pending");
      expect(status?.containerStatuses?.[0]?.state?.waiting?.message).toMatch(
        new RegExp(`^Back-off pulling image "${image}": ErrImagePull: .*(auth|denied)`),
      );
    }
    await waiting("never", /^ErrImageNeverPull$/);
    expect(JSON.stringify(await cluster.ok("get", "events", "-o", "json"))).not.toContain("guess");
  });

  it("are asked for again by Always, and not by the others, once they are there", async () => {
    const image = await registry.push("team/kept");
    await cluster.apply(podFrom("first", image, "IfNotPresent", by("json")));
    await cluster.ready("first");
    await cluster.apply(
      podFrom("present", image, "IfNotPresent"),
      podFrom("present-never", image, "Never"),
      podFrom("always", image, "Always", by("wrong")),
    );
    for (const name of ["present", "present-never"]) {
      await cluster.ready(name);
      await eventOf(cluster, name, new RegExp(`^Pulled: Container image "${image}" already present on machine$`));
    }
    await eventOf(cluster, "always", new RegExp(`^Failed: Failed to pull image "${image}": `));
    await waiting("always", /^(ErrImagePull|ImagePullBackOff)$/);
  });
});
