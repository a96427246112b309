import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { never } from "../../../suites/runtime_suite.ts";
import { openPrograms, type Programs } from "./_fixture.ts";

const options = { signal: never };
const hello = `console.log("hello", ...process.argv.slice(2), process.env.NAME ?? "");`;

describe("npm: images", () => {
  afterEach(() => vi.unstubAllEnvs());

  async function open(): Promise<Programs> {
    const programs = await openPrograms();
    vi.stubEnv("npm_config_registry", programs.registry.url);
    vi.stubEnv("npm_config_cache", join(programs.folder, "cache"));
    const more = { scripts: { install: "touch ran", postinstall: "touch ran" } };
    await programs.registry.publish({ name: "greeter", version: "1.0.0", bin: { greeter: hello }, more });
    return programs;
  }

  it("runs the program of a package and no install script, and tells version and checksum as its id", async () => {
    await using programs = await open();
    const { runtime } = programs;
    expect(await runtime.images.find("npm:greeter@^1.0.0", options)).toBeUndefined();
    const id = await runtime.images.pull("npm:greeter@^1.0.0", options);
    expect(id).toMatch(/^npm:greeter@1\.0\.0#sha512-/);
    const env = [{ name: "NAME", value: "pod" }];
    expect(await programs.output("npm:greeter@^1.0.0", { args: ["to", "--you"], env })).toBe("hello to --you pod\n");
    const [container] = await runtime.listContainers(options);
    expect(container?.imageId).toBe(`process://${id}`);
    expect(await runtime.images.list(options)).toMatchObject([{ id, names: ["npm:greeter@^1.0.0"] }]);
    const files = await readdir(join(programs.folder, "runtime", "images"), { recursive: true });
    expect(files.filter((name) => name.endsWith("greeter.js"))).toHaveLength(1);
    expect(files.filter((name) => name.endsWith("/ran"))).toEqual([]);
  });

  it("asks nobody for what is there, and is told of a new version by the next pull only", async () => {
    await using programs = await open();
    const first = await programs.runtime.images.pull("npm:greeter", options);
    await programs.registry.publish({ name: "greeter", version: "1.1.0", bin: { greeter: hello } });
    const asked = programs.registry.asked.length;
    const runtime = await programs.reopen();
    expect(await runtime.images.find("npm:greeter", options)).toBe(first);
    expect(await programs.output("npm:greeter")).toBe("hello \n");
    expect(programs.registry.asked).toHaveLength(asked);
    expect(await runtime.images.pull("npm:greeter", options)).toMatch(/^npm:greeter@1\.1\.0#/);
    // What a container was made from stays.
    expect((await runtime.images.list(options)).map(({ names }) => names)).toEqual([[], ["npm:greeter"]]);
  });

  it("runs the program that is called as its package, or the one that the command names, and asks for that where it cannot choose", async () => {
    await using programs = await open();
    const bin = { tools: `console.log("own")`, other: `console.log("other")` };
    await programs.registry.publish({ name: "@team/tools", version: "2.0.0", bin });
    await programs.runtime.images.pull("npm:@team/tools", options);
    expect(await programs.output("npm:@team/tools")).toBe("own\n");
    expect(await programs.output("npm:@team/tools", { command: ["other"] })).toBe("other\n");
    await programs.registry.publish({ name: "several", version: "1.0.0", bin: { first: "", second: "" } });
    await programs.runtime.images.pull("npm:several", options);
    const started = programs.start("npm:several");
    await expect(started).rejects.toThrow('set "command" of container "main" to one of: first, second');
  });

  it("refuses to pull what the registry lacks, with npm's reason and nothing left behind", async () => {
    await using programs = await open();
    const pulled = programs.runtime.images.pull("npm:no-such-package", options);
    await expect(pulled).rejects.toMatchObject({
      reason: "ErrImagePull",
      message: expect.stringMatching(/^npm: E404: /),
    });
    const version = programs.runtime.images.pull("npm:greeter@9", options);
    await expect(version).rejects.toThrow("ETARGET");
    expect(await readdir(join(programs.folder, "runtime", "images", "programs"))).toEqual([]);
  });

  it("removes a program with its last name, and none that a container was made from", async () => {
    await using programs = await open();
    const { images } = programs.runtime;
    const id = await images.pull("npm:greeter", options);
    expect(await images.pull("npm:greeter@1.0.0", options)).toBe(id);
    await images.remove("npm:greeter", options);
    expect(await images.find("npm:greeter", options)).toBeUndefined();
    await programs.output("npm:greeter@1.0.0");
    await expect(images.remove("npm:greeter@1.0.0", options)).rejects.toThrow("a container was made from image");
    for (const { id: sandbox } of await programs.runtime.listSandboxes(options)) {
      await programs.runtime.removePodSandbox(sandbox, options);
    }
    await images.remove(id, options);
    expect(await images.list(options)).toEqual([]);
    expect(await readdir(join(programs.folder, "runtime", "images", "programs"))).toEqual([]);
  });

  it("refuses what is not the name of a package of a registry", async () => {
    await using programs = await openPrograms();
    const names = [
      "",
      "--version",
      "-g",
      "../greeter",
      "/etc",
      "file:/etc",
      "https://example.com/x.tgz",
      "git+ssh://example.com/x",
      "user/repository",
      "archive.tgz",
      "greeter@archive.tar.gz",
      "greeter@file:/etc",
      "greeter@npm:other",
      "greeter@1 --prefix=/",
      "greeter@",
      "greeter@1\0",
      "__proto__",
      "GREETER",
      "a".repeat(215),
      "a@".repeat(100_000),
    ];
    for (const name of names) {
      const refusal = programs.runtime.images.pull(`npm:${name}`, options);
      await expect(refusal, name.slice(0, 50)).rejects.toMatchObject({ reason: "InvalidImageName" });
    }
    expect(programs.registry.asked).toEqual([]);
  });
});
