import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kubectl, run, wherry } from "../e2e/harness.ts";
import { missing } from "../require.ts";
import { dialects, type Interop, parse, startInterop } from "./_kubectl.ts";

const configMap = (name: string, data: Record<string, string>): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data,
});

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly fieldsV1: { readonly [field: string]: object };
}

const conflict =
  /^error: Apply failed with 1 conflict: conflict with "one": \.data\.a\nPlease review the fields above--they currently have other managers/;

/** Server-side apply by kubectl, of each kind that speaks differently, and by wherry's own command. */
describe.skipIf(missing("kubectl", kubectl))("kubectl apply --server-side", () => {
  let cluster: Interop;
  beforeAll(async () => {
    cluster = await startInterop();
    await cluster.namespace("ssa");
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  describe.each(dialects)("of $name", (client) => {
    const ns = { namespace: "ssa", client };
    const suffix = client.name.replaceAll(".", "-");
    const apply = (object: object, ...args: string[]) =>
      cluster.kubectl(["apply", "--server-side", ...args, "-f", "-"], { ...ns, input: object });
    const get = async (name: string) =>
      parse(await cluster.ok(["get", "cm", name, "-o", "json", "--show-managed-fields"], { namespace: "ssa" }));
    const owners = async (name: string): Promise<Record<string, object>> =>
      Object.fromEntries(
        ((await get(name)).metadata as unknown as { managedFields: readonly Entry[] }).managedFields.map(
          ({ manager, operation, fieldsV1 }) => [`${manager} ${operation}`, fieldsV1],
        ),
      );

    it("creates, changes, gives up, and takes over when forced", async () => {
      const name = `shared-${suffix}`;
      const first = await apply(configMap(name, { a: "1", b: "1" }), "--field-manager=one");
      expect(first.stdout).toBe(`configmap/${name} serverside-applied\n`);
      const refused = await apply(configMap(name, { a: "2" }), "--field-manager=two");
      expect(refused.code).not.toBe(0);
      expect(refused.stderr.replace(/^Warning.*\n/gm, "")).toMatch(conflict);
      const forced = await apply(configMap(name, { a: "2" }), "--field-manager=two", "--force-conflicts");
      expect(forced.stdout).toBe(`configmap/${name} serverside-applied\n`);
      expect(await owners(name)).toEqual({
        "one Apply": { "f:data": { "f:b": {} } },
        "two Apply": { "f:data": { "f:a": {} } },
      });
      await apply(configMap(name, {}), "--field-manager=one", "--force-conflicts");
      expect((await get(name)).data).toEqual({ a: "2" });
    });

    it("takes over what client-side apply made, and removes what the manifest gives up", async () => {
      const name = `migrated-${suffix}`;
      await cluster.ok(["apply", "-f", "-"], { ...ns, input: configMap(name, { a: "1", b: "1" }) });
      const moved = await apply(configMap(name, { a: "2", b: "1" }));
      expect(moved).toMatchObject({ code: 0, stdout: `configmap/${name} serverside-applied\n` });
      await apply(configMap(name, { a: "3" }));
      const { data } = await get(name);
      // From 1.26 on kubectl hands over what it had applied before.
      if (client.minor >= 26) expect(data).toEqual({ a: "3" });
      else expect(data).toEqual({ a: "3", b: "1" });
    });

    it("shows what it would change", async () => {
      const name = `diffed-${suffix}`;
      await apply(configMap(name, { a: "1" }));
      const { code, stdout } = await cluster.kubectl(["diff", "--server-side", "-f", "-"], {
        ...ns,
        input: configMap(name, { a: "2" }),
      });
      expect(code).toBe(1);
      expect(stdout).toMatch(/^-\s+a: "1"$/m);
      expect(stdout).toMatch(/^\+\s+a: "2"$/m);
      const dry = await apply(configMap(name, { a: "2" }), "--dry-run=server");
      expect(dry.stdout).toBe(`configmap/${name} serverside-applied (server dry run)\n`);
      expect((await get(name)).data).toEqual({ a: "1" });
    });

    it("keeps and shows what was applied last on the client's side", async () => {
      const name = `last-${suffix}`;
      const object = configMap(name, { a: "1" });
      await cluster.ok(["create", "-f", "-"], { ...ns, input: object });
      await cluster.ok(["apply", "set-last-applied", "--create-annotation", "-f", "-"], { ...ns, input: object });
      expect(await cluster.ok(["apply", "view-last-applied", `cm/${name}`], ns)).toContain('a: "1"');
    });
  });

  it.each(dialects.filter(({ minor }) => minor >= 27))("prunes by an ApplySet with $name", async (client) => {
    const suffix = client.name.replaceAll(".", "-");
    const set = `set-${suffix}`;
    const options = { namespace: "ssa", client, env: { KUBECTL_APPLYSET: "true" } };
    const apply = (...objects: object[]) =>
      cluster.ok(["apply", "--server-side", "--prune", `--applyset=configmaps/${set}`, "-f", "-"], {
        ...options,
        input: { apiVersion: "v1", kind: "List", items: objects },
      });
    await apply(configMap(`kept-${suffix}`, { a: "1" }), configMap(`gone-${suffix}`, { a: "1" }));
    await apply(configMap(`kept-${suffix}`, { a: "1" }));
    const names = await cluster.ok(["get", "cm", "-o", "name", "-l", "applyset.kubernetes.io/part-of"], options);
    expect(names).toContain(`configmap/kept-${suffix}\n`);
    expect(names).not.toContain(`configmap/gone-${suffix}\n`);
  });

  it("is the same with wherry's own command", async () => {
    const apply = (object: object, ...args: string[]) =>
      run([...wherry, "apply", "-n", "ssa", "--server-side", ...args, "-f", "-"], {
        env: cluster.env,
        input: JSON.stringify(object),
      });
    expect(await apply(configMap("own", { a: "1" }), "--field-manager=one")).toMatchObject({
      code: 0,
      stdout: "configmap/own serverside-applied\n",
    });
    const refused = await apply(configMap("own", { a: "2" }));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('Apply failed with 1 conflict: conflict with "one": .data.a');
    expect(refused.stderr).toContain("--force-conflicts");
    expect((await apply(configMap("own", { a: "2" }), "--force-conflicts")).code).toBe(0);
    const shown = await run([...wherry, "get", "cm", "own", "-n", "ssa", "-o", "yaml", "--show-managed-fields"], {
      env: cluster.env,
    });
    expect(shown.stdout).toContain("manager: kubectl");
    const hidden = await run([...wherry, "get", "cm", "own", "-n", "ssa", "-o", "json"], { env: cluster.env });
    expect(hidden.stdout).not.toContain("managedFields");
    const alone = await run([...wherry, "apply", "--force-conflicts", "-f", "-"], { env: cluster.env, input: "{}" });
    expect(alone.stderr).toContain("--force-conflicts only works with --server-side");
  });
});
