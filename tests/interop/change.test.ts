import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kubectl } from "../e2e/harness.ts";
import { missing } from "../require.ts";
import { dialects, type Interop, parse, shellDeployment, shellPod, startInterop, stay } from "./_kubectl.ts";

const configMap = (name: string, data: Record<string, string>): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data,
});

/** What kubectl changes in objects: create, apply, diff, edit, patch, replace, label, set, scale, expose, run. */
describe.skipIf(missing("kubectl", kubectl))("kubectl changes", () => {
  let cluster: Interop;
  const ns = { namespace: "change" };
  const dataOf = async (name: string) => parse(await cluster.ok(["get", "cm", name, "-o", "json"], ns)).data;
  const specOf = async (name: string) => parse(await cluster.ok(["get", "deploy", name, "-o", "json"], ns)).spec;
  beforeAll(async () => {
    cluster = await startInterop();
    await cluster.namespace("change");
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it("apply creates, leaves alone, changes, and takes away what the manifest no longer says", async () => {
    const apply = (data: Record<string, string>) =>
      cluster.ok(["apply", "-f", "-"], { ...ns, input: configMap("applied", data) });
    expect(await apply({ a: "1", b: "2" })).toBe("configmap/applied created\n");
    expect(await apply({ a: "1", b: "2" })).toBe("configmap/applied unchanged\n");
    await cluster.ok(["patch", "cm", "applied", "-p", '{"data":{"theirs":"x"}}'], ns);
    expect(await apply({ a: "3" })).toBe("configmap/applied configured\n");
    expect(await dataOf("applied")).toEqual({ a: "3", theirs: "x" });
    expect(await cluster.ok(["apply", "view-last-applied", "cm/applied", "-o", "json"], ns)).toContain('"a": "3"');
  });

  it("apply merges containers, ports and environment by their keys", async () => {
    const manifest = (containers: object[]) => ({
      ...shellDeployment("merged", stay, 0),
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: "merged" } },
        template: { metadata: { labels: { app: "merged" } }, spec: { containers } },
      },
    });
    const one = {
      name: "one",
      image: "a:1",
      env: [
        { name: "A", value: "1" },
        { name: "B", value: "2" },
      ],
    };
    const two = { name: "two", image: "b:1" };
    const apply = (containers: object[]) => cluster.ok(["apply", "-f", "-"], { ...ns, input: manifest(containers) });
    await apply([one, two]);
    await cluster.ok(["set", "env", "deploy/merged", "-c", "one", "C=3"], ns);
    expect(await apply([two, { ...one, env: [{ name: "B", value: "4" }] }])).toBe(
      "deployment.apps/merged configured\n",
    );
    expect(await specOf("merged")).toMatchObject({
      template: {
        spec: {
          containers: [
            { name: "two" },
            {
              name: "one",
              env: expect.arrayContaining([
                { name: "B", value: "4" },
                { name: "C", value: "3" },
              ]),
            },
          ],
        },
      },
    });
    await apply([one]);
    expect((await cluster.ok(["get", "deploy", "merged", "-o", "jsonpath={..containers[*].name}"], ns)).trim()).toBe(
      "one",
    );
  });

  it.each(dialects.map((client) => [client.name, client] as const))(
    "%s applies examples/hello.yaml, twice, and takes it away",
    async (name, client) => {
      const options = { client, namespace: await cluster.namespace(`hello-${name.replaceAll(".", "-")}`) };
      // The example's node port is taken by one cluster at a time.
      const text = readFileSync(join(import.meta.dirname, "../../examples/hello.yaml"), "utf8").replace(
        /^ +nodePort: .*$/m,
        "",
      );
      const file = cluster.file(`${name}.yaml`, text);
      const said = (outcome: string) =>
        `configmap/hello ${outcome}\ndeployment.apps/hello ${outcome}\nservice/hello ${outcome}\n`;
      expect((await cluster.kubectl(["diff", "-f", file], options)).code).toBe(1);
      expect(await cluster.ok(["apply", "-f", file], options)).toBe(said("created"));
      expect(await cluster.ok(["apply", "-f", file], options)).toBe(said("unchanged"));
      expect((await cluster.kubectl(["diff", "-f", file], options)).code).toBe(0);
      await cluster.ok(["rollout", "status", "deploy/hello", "--timeout=60s"], options);
      await cluster.ok(["delete", "-f", file], options);
      expect((await cluster.kubectl(["get", "deploy,svc,cm", "-o", "name"], options)).stdout).not.toContain("hello");
    },
  );

  it("diff shows what apply would change, and exits with 1", async () => {
    await cluster.ok(["apply", "-f", "-"], { ...ns, input: configMap("differs", { a: "1", b: "2" }) });
    const { code, stdout } = await cluster.kubectl(["diff", "-f", "-"], {
      ...ns,
      input: configMap("differs", { a: "3" }),
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^- {2}a: "1"\n- {2}b: "2"\n\+ {2}a: "3"$/m);
    expect(await dataOf("differs")).toEqual({ a: "1", b: "2" });
    expect(
      (await cluster.kubectl(["diff", "-f", "-"], { ...ns, input: configMap("differs", { a: "1", b: "2" }) })).code,
    ).toBe(0);
  });

  it("create says when it exists, and when its namespace does not", async () => {
    const input = configMap("once", {});
    expect(await cluster.ok(["create", "-f", "-"], { ...ns, input })).toBe("configmap/once created\n");
    expect(await cluster.fails(["create", "-f", "-"], { ...ns, input })).toMatch(
      /^Error from server \(AlreadyExists\): error when creating "STDIN": configmaps "once" already exists$/m,
    );
    expect(await cluster.fails(["create", "-f", "-"], { namespace: "none", input })).toMatch(
      /^Error from server \(NotFound\): error when creating "STDIN": namespaces "none" not found$/m,
    );
  });

  it("replace puts the whole object, and --force puts a new one", async () => {
    await cluster.ok(["create", "-f", "-"], { ...ns, input: configMap("whole", { a: "1" }) });
    const uid = async () => parse(await cluster.ok(["get", "cm", "whole", "-o", "json"], ns)).metadata.uid;
    const before = await uid();
    expect(await cluster.ok(["replace", "-f", "-"], { ...ns, input: configMap("whole", { b: "2" }) })).toBe(
      "configmap/whole replaced\n",
    );
    expect([await dataOf("whole"), await uid()]).toEqual([{ b: "2" }, before]);
    await cluster.ok(["replace", "--force", "-f", "-"], { ...ns, input: configMap("whole", { c: "3" }) });
    expect(await dataOf("whole")).toEqual({ c: "3" });
    expect(await uid()).not.toBe(before);
    const stale = { ...configMap("whole", {}), metadata: { name: "whole", resourceVersion: "1" } };
    expect(await cluster.fails(["replace", "-f", "-"], { ...ns, input: stale })).toMatch(
      /Operation cannot be fulfilled on configmaps "whole": the object has been modified; please apply your changes to the latest version and try again/,
    );
  });

  it.each([
    ["strategic", { spec: { template: { spec: { containers: [{ name: "main", image: "strategic:2" }] } } } }],
    ["merge", { spec: { template: { spec: { containers: [{ name: "main", image: "merge:2" }] } } } }],
    ["json", [{ op: "replace", path: "/spec/template/spec/containers/0/image", value: "json:2" }]],
  ])("patch --type=%s changes one field", async (type, patch) => {
    const name = `patched-${type}`;
    await cluster.ok(["create", "-f", "-"], { ...ns, input: shellDeployment(name, stay, 0) });
    expect(await cluster.ok(["patch", "deploy", name, `--type=${type}`, "-p", JSON.stringify(patch)], ns)).toBe(
      `deployment.apps/${name} patched\n`,
    );
    const { template } = (await specOf(name)) as { template: { spec: { containers: readonly object[] } } };
    expect(template.spec.containers).toMatchObject([{ name: "main", image: `${type}:2` }]);
    // A merge patch replaces the whole list, a strategic one the entry with the same name.
    expect(Object.hasOwn(template.spec.containers[0] ?? {}, "command")).toBe(type !== "merge");
  });

  it("patch says no change, and what does not fit", async () => {
    await cluster.ok(["create", "-f", "-"], { ...ns, input: configMap("still", { a: "1" }) });
    expect(await cluster.ok(["patch", "cm", "still", "-p", '{"data":{"a":"1"}}'], ns)).toBe(
      "configmap/still patched (no change)\n",
    );
    const wrong = '[{"op":"test","path":"/data/a","value":"2"}]';
    expect(await cluster.fails(["patch", "cm", "still", "--type=json", "-p", wrong], ns)).toMatch(
      /the server rejected our request due to an error in our request/,
    );
    expect(
      await cluster.ok(
        ["patch", "deploy", "patched-json", "--subresource=scale", "--type=merge", "-p", '{"spec":{"replicas":1}}'],
        ns,
      ),
    ).toMatch(/patched/);
    expect(await specOf("patched-json")).toMatchObject({ replicas: 1 });
  });

  it("edit saves what the editor wrote", async () => {
    await cluster.ok(["create", "-f", "-"], { ...ns, input: configMap("edited", { mood: "calm" }) });
    const editor = (expression: string) => ({ ...ns, env: { KUBE_EDITOR: `sed -i -e ${expression}` } });
    expect(await cluster.ok(["edit", "cm/edited"], editor("s/calm/glad/"))).toBe("configmap/edited edited\n");
    expect(await dataOf("edited")).toEqual({ mood: "glad" });
    expect((await cluster.kubectl(["edit", "cm/edited"], editor("s/none/none/"))).stderr).toContain(
      "Edit cancelled, no changes made.",
    );
    expect((await cluster.kubectl(["edit", "cm/edited"], editor("s/name:.edited/name:-other/"))).code).toBe(1);
  });

  it("label and annotate add, refuse to overwrite, and take away", async () => {
    await cluster.ok(["create", "-f", "-"], { ...ns, input: configMap("marked", {}) });
    for (const [verb, field] of [
      ["label", "labels"],
      ["annotate", "annotations"],
    ] as const) {
      await cluster.ok([verb, "cm", "marked", "tier=one"], ns);
      expect(await cluster.fails([verb, "cm", "marked", "tier=two"], ns)).toMatch(/--overwrite is false/);
      await cluster.ok([verb, "cm", "marked", "tier=two", "other=x", "--overwrite"], ns);
      await cluster.ok([verb, "cm", "marked", "other-"], ns);
      expect(parse(await cluster.ok(["get", "cm", "marked", "-o", "json"], ns)).metadata[field]).toEqual({
        tier: "two",
      });
    }
    expect(await cluster.fails(["label", "cm", "marked", "bad=-no-"], ns)).toMatch(/Invalid value|invalid label value/);
  });

  it("scale follows the count that is there", async () => {
    await cluster.ok(["create", "-f", "-"], { ...ns, input: shellDeployment("scaled", stay, 1) });
    expect(await cluster.ok(["scale", "deploy/scaled", "--replicas=3"], ns)).toBe("deployment.apps/scaled scaled\n");
    await cluster.ok(["wait", "deploy/scaled", "--for=jsonpath={.status.readyReplicas}=3", "--timeout=60s"], ns);
    expect(await cluster.fails(["scale", "deploy/scaled", "--replicas=1", "--current-replicas=2"], ns)).toMatch(
      /Expected replicas to be 2, was 3/,
    );
    await cluster.ok(["scale", "deploy/scaled", "--replicas=0", "--current-replicas=3"], ns);
    await cluster.ok(["wait", "pod", "-l", "app=scaled", "--for=delete", "--timeout=60s"], ns);
    expect(parse(await cluster.ok(["get", "deploy", "scaled", "--subresource=scale", "-o", "json"], ns))).toMatchObject(
      {
        kind: "Scale",
        spec: { replicas: 0 },
        status: { selector: "app=scaled" },
      },
    );
  });

  it("set image, env and resources change the template", async () => {
    await cluster.ok(["create", "-f", "-"], { ...ns, input: shellDeployment("set", stay, 0) });
    expect(await cluster.ok(["set", "image", "deploy/set", "main=shell:2"], ns)).toBe(
      "deployment.apps/set image updated\n",
    );
    await cluster.ok(["set", "env", "deploy/set", "COLOUR=blue"], ns);
    await cluster.ok(["set", "resources", "deploy/set", "--limits=cpu=200m,memory=64Mi"], ns);
    expect(await specOf("set")).toMatchObject({
      template: {
        spec: {
          containers: [
            {
              image: "shell:2",
              env: [{ name: "COLOUR", value: "blue" }],
              resources: { limits: { cpu: "200m", memory: "64Mi" } },
            },
          ],
        },
      },
    });
    expect(await cluster.ok(["set", "env", "deploy/set", "--list"], ns)).toContain("COLOUR=blue");
  });

  it("expose makes a service with an address of its own", async () => {
    await cluster.ok(["create", "-f", "-"], { ...ns, input: shellDeployment("exposed", stay, 0) });
    expect(
      await cluster.ok(["expose", "deploy/exposed", "--port=80", "--target-port=8080", "--type=NodePort"], ns),
    ).toBe("service/exposed exposed\n");
    expect(parse(await cluster.ok(["get", "svc", "exposed", "-o", "json"], ns)).spec).toMatchObject({
      type: "NodePort",
      selector: { app: "exposed" },
      clusterIP: expect.stringMatching(/^127\./),
      ports: [{ port: 80, targetPort: 8080, nodePort: expect.any(Number) }],
    });
  });

  it("run starts a pod, shows its output and removes it", async () => {
    expect(
      await cluster.ok(
        ["run", "job", "--image=shell:1", "--restart=Never", "--command", "--", "sh", "-c", "exit 0"],
        ns,
      ),
    ).toBe("pod/job created\n");
    await cluster.ok(["wait", "pod/job", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s"], ns);
    const piped = await cluster.ok(
      ["run", "piped", "--image=shell:1", "--restart=Never", "-i", "--rm", "--quiet", "--command", "--", "cat"],
      { ...ns, input: "over there\n" },
    );
    expect(piped).toContain("over there");
    expect(await cluster.ok(["get", "pods", "--ignore-not-found", "piped"], ns)).toBe("");
  });

  it("--dry-run=server answers as if, and changes nothing", async () => {
    expect(await cluster.ok(["apply", "--dry-run=server", "-f", "-"], { ...ns, input: configMap("dry", {}) })).toBe(
      "configmap/dry created (server dry run)\n",
    );
    expect(
      parse(
        await cluster.ok(["create", "--dry-run=server", "-o", "json", "-f", "-"], {
          ...ns,
          input: shellPod("dry", stay),
        }),
      ).spec,
    ).toMatchObject({
      restartPolicy: "Always",
    });
    expect(await cluster.ok(["get", "cm,pods", "dry", "--ignore-not-found"], ns)).toBe("");
    await cluster.ok(["create", "-f", "-"], { ...ns, input: configMap("dry", { a: "1" }) });
    for (const args of [
      ["delete", "cm", "dry"],
      ["label", "cm", "dry", "x=y"],
      ["annotate", "cm", "dry", "x=y"],
    ])
      expect(await cluster.ok([...args, "--dry-run=server"], ns)).toContain("(server dry run)");
    await cluster.ok(["patch", "cm", "dry", "-p", '{"data":{"a":"2"}}', "--dry-run=server"], ns);
    expect(parse(await cluster.ok(["get", "cm", "dry", "-o", "json"], ns))).toMatchObject({ data: { a: "1" } });
  });

  it("validation by the server names unknown fields", async () => {
    const input = {
      ...shellPod("odd", stay),
      spec: { containers: [{ name: "a", image: "b", imagePulPolicy: "Never" }], colour: 1 },
    };
    expect(await cluster.fails(["create", "--validate=strict", "-f", "-"], { ...ns, input })).toMatch(
      /^Error from server \(BadRequest\): error when creating "STDIN": Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec\.colour", unknown field "spec\.containers\[0\]\.imagePulPolicy"$/m,
    );
    const warned = await cluster.kubectl(["create", "--validate=warn", "--dry-run=server", "-f", "-"], {
      ...ns,
      input,
    });
    expect(warned.code).toBe(0);
    expect(warned.stderr).toContain('Warning: unknown field "spec.containers[0].imagePulPolicy"');
  });

  it.each<[string, object, string | RegExp]>([
    [
      "a missing image",
      {
        ...shellDeployment("bad", stay),
        spec: {
          selector: { matchLabels: { a: "b" } },
          template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "main" }] } },
        },
      },
      'The Deployment "bad" is invalid: spec.template.spec.containers[0].image: Required value\n',
    ],
    [
      "a selector that misses its own pods",
      {
        ...shellDeployment("bad", stay),
        spec: {
          selector: { matchLabels: { a: "c" } },
          template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "main", image: "i" }] } },
        },
      },
      /^The Deployment "bad" is invalid: spec\.template\.metadata\.labels: Invalid value: .*: `selector` does not match template `labels`\n$/,
    ],
    [
      "a bad name",
      configMap("Big_Name", {}),
      /^The ConfigMap "Big_Name" is invalid: metadata\.name: Invalid value: "Big_Name": a lowercase RFC 1123 subdomain must consist of/,
    ],
    [
      "two errors",
      { ...shellPod("bad", stay), spec: { containers: [{ image: "x" }, { name: "ok" }] } },
      /^The Pod "bad" is invalid: \n\* spec\.containers\[0\]\.name: Required value\n\* spec\.containers\[1\]\.image: Required value\n$/,
    ],
    [
      "a wrong type",
      { ...shellDeployment("bad", stay), spec: { replicas: "three" } },
      /^Error from server \(BadRequest\): error when creating "STDIN": Deployment in version "v1" cannot be handled as a Deployment: /,
    ],
  ])("create refuses %s as Kubernetes does", async (_what, input, message) => {
    expect(await cluster.fails(["create", "-f", "-"], { ...ns, input })).toEqual(
      typeof message === "string" ? message : expect.stringMatching(message),
    );
  });

  it("create refuses an unknown kind", async () => {
    const input = { apiVersion: "apps/v1", kind: "Gizmo", metadata: { name: "x" } };
    // Else kubectl looks for a CustomResourceDefinition first.
    expect(await cluster.fails(["create", "--validate=false", "-f", "-"], { ...ns, input })).toMatch(
      /no matches for kind "Gizmo" in version "apps\/v1"\nensure CRDs are installed first\n$/,
    );
  });

  it("create refuses what is no YAML", async () => {
    expect(await cluster.fails(["create", "-f", "-"], { ...ns, input: "apiVersion: v1\nkind: [\n" })).toMatch(
      /^error: error parsing STDIN: error converting YAML to JSON/,
    );
  });
});
