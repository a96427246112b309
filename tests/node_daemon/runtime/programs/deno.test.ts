import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { denoPermissions } from "../../../../node_daemon/runtime/programs/deno.ts";
import { containerConfig, never } from "../../../suites/runtime_suite.ts";
import { openPrograms } from "./_fixture.ts";

const options = { signal: never };

/** Prints whether each thing that its arguments name may be done. */
const tries = `
import { attempt } from "./attempt.ts";
const [folder, readOnly, port, open] = Deno.args;
await attempt("own variable", () => Deno.env.get("GIVEN"));
await attempt("other variable", () => Deno.env.get("NOT_GIVEN"));
await attempt("read", () => Deno.readTextFile(folder + "/file"));
await attempt("write", () => Deno.writeTextFile(folder + "/file", "new"));
await attempt("read of read-only", () => Deno.readTextFile(readOnly + "/file"));
await attempt("write to read-only", () => Deno.writeTextFile(readOnly + "/file", "new"));
await attempt("read elsewhere", () => Deno.readTextFile("/etc/passwd"));
await attempt("program", () => new Deno.Command("true").output());
await attempt("listen", () => Deno.listen({ hostname: "127.1.2.3", port: Number(port) }).close());
await attempt("listen elsewhere", () => Deno.listen({ hostname: "127.1.2.3", port: 1 }).close());
await attempt("connect", async () => (await Deno.connect({ hostname: "127.0.0.1", port: Number(open) })).close());
await attempt("connect elsewhere", async () => (await Deno.connect({ hostname: "127.0.0.1", port: 1 })).close());
`;
const attempt = `
export async function attempt(what: string, work: () => unknown): Promise<void> {
  try {
    await work();
    console.log(what + ": yes");
  } catch (error) {
    console.log(what + ": " + (error instanceof Deno.errors.NotCapable ? "no" : String(error)));
  }
}
`;

describe("deno: images", () => {
  it("let a module do what its container's spec says, and nothing else", async () => {
    await using programs = await openPrograms();
    const { registry, runtime, folder } = programs;
    registry.serve("/main.ts", tries);
    registry.serve("/attempt.ts", attempt);
    const image = `deno:${registry.url}/main.ts`;
    const id = await runtime.images.pull(image, options);
    expect(id).toMatch(/^deno:http:.*#sha256-[0-9a-f]{64}$/);
    const asked = registry.asked.length;
    for (const name of ["a", "b"]) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, "file"), "old");
    }
    const port = Number(new URL(registry.url).port);
    const output = await programs.output(image, {
      args: ["./data", "./fixed", "18089", String(port)],
      env: [{ name: "GIVEN", value: "1" }],
      mounts: [
        { hostPath: join(folder, "a"), containerPath: "/data", readOnly: false },
        { hostPath: join(folder, "b"), containerPath: "/fixed", readOnly: true },
      ],
      network: { ports: [18_089], egress: [`127.0.0.1:${port}`] },
    });
    expect(output.trim().split("\n")).toEqual([
      "own variable: yes",
      "other variable: no",
      "read: yes",
      "write: yes",
      "read of read-only: yes",
      "write to read-only: no",
      "read elsewhere: no",
      "program: no",
      "listen: yes",
      "listen elsewhere: no",
      "connect: yes",
      "connect elsewhere: no",
    ]);
    // What was fetched is all that it needs.
    expect(registry.asked.slice(asked)).toEqual([]);
  });

  it("run a module of this machine with the settings beside it", async () => {
    await using programs = await openPrograms();
    const { folder, runtime } = programs;
    await writeFile(join(folder, "deno.json"), JSON.stringify({ imports: { word: "./word.ts" } }));
    await writeFile(join(folder, "word.ts"), `export const word: string = "from here";`);
    await writeFile(join(folder, "main.ts"), `import { word } from "word"; console.log(word, ...Deno.args);`);
    const image = `deno:${join(folder, "main.ts")}`;
    expect(await runtime.images.find(image, options)).toBeUndefined();
    await runtime.images.pull(image, options);
    expect(await programs.output(image, { args: ["--allow-all"] })).toBe("from here --allow-all\n");
  });

  it("refuse a command, and say why a pull failed", async () => {
    await using programs = await openPrograms();
    const { registry, runtime } = programs;
    registry.serve("/main.ts", "console.log(1);");
    const image = `deno:${registry.url}/main.ts`;
    await runtime.images.pull(image, options);
    await expect(programs.start(image, { command: ["sh"] })).rejects.toMatchObject({ reason: "CreateContainerError" });
    const missing = runtime.images.pull(`deno:${registry.url}/missing.ts`, options);
    await expect(missing).rejects.toMatchObject({
      reason: "ErrImagePull",
      message: expect.stringMatching(/^deno: Module not found/),
    });
  });

  it("refuse what is not the name of a module", async () => {
    await using programs = await openPrograms();
    const names = [
      "",
      "-A",
      "--allow-all",
      "main.ts",
      "../main.ts",
      "/srv/../etc/main.ts",
      "file:///etc/main.ts",
      "data:text/javascript,1",
      "https://",
      "https://example.com/a b.ts",
      "jsr:@scope/../x",
      "jsr:-A",
      "npm:",
      `npm:${"a".repeat(5000)}`,
    ];
    for (const name of names) {
      const refusal = programs.runtime.images.pull(`deno:${name}`, options);
      await expect(refusal, name.slice(0, 50)).rejects.toMatchObject({ reason: "InvalidImageName" });
    }
    expect(programs.registry.asked).toEqual([]);
  });
});

describe("denoPermissions()", () => {
  const permissions = (changes: Partial<Parameters<typeof denoPermissions>[0]>) =>
    denoPermissions({ config: containerConfig(""), variables: new Map(), podIP: "127.1.2.3", paths: [], ...changes });

  it("grants nothing where nothing is asked for: an empty list would grant everything", () => {
    expect(permissions({})).toEqual([]);
  });

  it("keeps a comma in a path from being read as a second path, and leaves out variables with odd names", () => {
    const granted = permissions({
      paths: [{ path: "/a,/etc", readOnly: true }],
      variables: new Map([
        ["A", ""],
        ["B,C", ""],
        ["", ""],
      ]),
    });
    expect(granted).toEqual(["--allow-read=/a,,/etc", "--allow-env=A"]);
  });

  it("lets a pod with an address of version 6 listen on it", () => {
    const config = containerConfig("", { network: { ports: [80], egress: ["example.com"] } });
    expect(permissions({ config, podIP: "fd00::1" })).toEqual([
      "--allow-net=0.0.0.0:80,[::]:80,[fd00::1]:80,example.com",
    ]);
  });
});
