import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { archivePrefix, cleanRemotePath, parseFileSpec } from "../../commands/cp/file_spec.ts";
import { type ArchiveSource, copyFromPod } from "../../commands/cp/from_pod.ts";
import { type ArchiveTarget, copyToPod } from "../../commands/cp/to_pod.ts";
import type { CommandEnv } from "../../commands/env.ts";
import { ConnectionError } from "../../core/client/connection_error.ts";
import type { ExecOptions } from "../../core/client/exec.ts";
import type { Terminal } from "../../core/platform/terminal.ts";
import { FakeClock } from "../../core/util/fake_clock.ts";
import { readTar, type TarHeader, tarEnd, tarHeader, tarPadding } from "../../core/util/tar.ts";
import { temporaryFolder } from "../e2e/harness.ts";

type Entry = Partial<TarHeader> & { readonly name: string; readonly text?: string };

function tarOf(...entries: readonly Entry[]): Uint8Array {
  const parts = entries.flatMap(({ text = "", ...header }) => {
    const content = Buffer.from(text);
    const plain = { type: "file", mode: 0o644, uid: 0, gid: 0, linkName: "", modified: 0 } as const;
    return [tarHeader({ ...plain, size: content.length, ...header }), content, tarPadding(content.length)];
  });
  return Buffer.concat([...parts, tarEnd]);
}

/** Copies what a container's tar gives into `to`. Each call of it is one of `calls`, told the command. */
async function copy(
  to: string,
  options: { readonly from?: string; readonly retries?: number },
  ...calls: readonly ((stdout: (bytes: Uint8Array) => Promise<void>, command: readonly string[]) => Promise<number>)[]
) {
  let text = "";
  const write = async (data: string | Uint8Array) => {
    text += typeof data === "string" ? data : new TextDecoder().decode(data);
  };
  const terminal = { write, writeError: write, warn: (line: string) => void write(`${line}\n`) } as unknown as Terminal;
  const env = { terminal, clock: new FakeClock(), signal: new AbortController().signal } as unknown as CommandEnv;
  const queue = [...calls];
  const remote: ArchiveSource = {
    namespace: "",
    pod: { apiVersion: "v1", kind: "Pod", metadata: { name: "web" }, spec: { containers: [] } },
    async run(command: readonly string[], { stdout }: Omit<ExecOptions, "command">) {
      const call = queue.shift();
      return (await call?.(async (bytes) => stdout?.(bytes), command)) ?? 0;
    },
  };
  const code = await copyFromPod(remote, { from: "/srv/site", to, retries: 0, ...options }, env).catch(
    (error: unknown) => String(error),
  );
  return { code, text: text.replaceAll(to, "TO") };
}

const gives = (bytes: Uint8Array) => async (stdout: (bytes: Uint8Array) => Promise<void>) => {
  await stdout(bytes);
  return 0;
};

describe("copyToPod()", () => {
  it("packs files with their permissions, links as they are, and folders that are empty", async () => {
    await using folder = temporaryFolder();
    const from = join(folder.path, "site");
    mkdirSync(join(from, "empty"), { recursive: true });
    writeFileSync(join(from, "run.sh"), "#!/bin/sh\n", { mode: 0o755 });
    symlinkSync("run.sh", join(from, "link"));
    const found: unknown[] = [];
    const commands: (readonly string[])[] = [];
    const remote: ArchiveTarget = {
      async run(command, { stdin }) {
        commands.push(command);
        if (!stdin) return 0;
        for await (const { name, type, mode, linkName, content } of readTar(stdin)) {
          let text = "";
          for await (const piece of content) text += Buffer.from(piece).toString();
          found.push([name, type, linkName, text, type === "file" ? mode : 0]);
        }
        return 0;
      },
    };
    const env = { signal: new AbortController().signal, terminal: {} } as unknown as CommandEnv;
    expect(await copyToPod(remote, { from, to: "/srv", noPreserve: true }, env)).toBe(0);
    expect(found).toEqual([
      ["site/empty", "folder", "", "", 0],
      ["site/link", "symlink", "run.sh", "", 0],
      ["site/run.sh", "file", "", "#!/bin/sh\n", 0o755],
    ]);
    expect(commands).toEqual([
      ["test", "-d", "/srv"],
      ["tar", "--no-same-permissions", "--no-same-owner", "-xmf", "-", "-C", "/srv"],
    ]);
  });
});

describe("parseFileSpec()", () => {
  it.each([
    ["/tmp/a/", { path: "/tmp/a" }],
    ["web:/tmp/a", { pod: { namespace: undefined, name: "web" }, path: "/tmp/a" }],
    ["prod/web:a:b", { pod: { namespace: "prod", name: "web" }, path: "a:b" }],
    ["web:/", { pod: { namespace: undefined, name: "web" }, path: "/" }],
  ])("reads %s", (text, spec) => {
    expect(parseFileSpec(text)).toEqual(spec);
  });

  it.each([":/tmp", "a/b/c:/tmp"])("refuses %s", (text) => {
    expect(() => parseFileSpec(text)).toThrow("filespec must match the canonical format");
  });
});

describe("archivePrefix()", () => {
  it.each([
    ["/srv//site/./", "srv/site"],
    ["../../etc/passwd", "etc/passwd"],
    ["/../a/../b", "b"],
    [".", ""],
    ["..", ""],
  ])("of %s is %j", (path, prefix) => {
    expect(archivePrefix(path)).toBe(prefix);
  });

  it("goes with cleanRemotePath(), which keeps ways up only where they lead somewhere", () => {
    expect(["a/../../b", "/../a", "./", "/"].map(cleanRemotePath)).toEqual(["../b", "/a", ".", "/"]);
  });
});

describe("copyFromPod()", () => {
  it("makes files, folders and second names of files", async () => {
    await using folder = temporaryFolder();
    const to = join(folder.path, "to");
    const bytes = tarOf(
      { name: "srv/site/", type: "folder" },
      { name: "srv/site/a", text: "one" },
      { name: "srv/site/d/b", text: "two" },
      { name: "srv/site/c", type: "hardlink", linkName: "srv/site/a" },
    );
    expect(await copy(to, {}, gives(bytes))).toEqual({ code: 0, text: "" });
    expect(readdirSync(to, { recursive: true }).sort()).toEqual(["a", "c", "d", "d/b"]);
    expect(readFileSync(join(to, "c"), "utf8")).toBe("one");
  });

  it("leaves out symbolic links and devices, and says so", async () => {
    await using folder = temporaryFolder();
    const to = join(folder.path, "to");
    const bytes = tarOf(
      { name: "srv/site/l", type: "symlink", linkName: "/etc" },
      { name: "srv/site/l/passwd", text: "mine" },
      { name: "srv/site/m", type: "symlink", linkName: "x" },
      { name: "srv/site/p", type: "other" },
    );
    expect(await copy(to, {}, gives(bytes))).toEqual({
      code: 0,
      text: [
        'warning: skipping symlink: "TO/l" -> "/etc" (consider using "wherry exec -n "" "web" -- tar cf - "/srv/site" | tar xf -")',
        'warning: skipping symlink: "TO/m" -> "x"',
        'warning: skipping special file: "TO/p"\n',
      ].join("\n"),
    });
    expect(readdirSync(to, { recursive: true }).sort()).toEqual(["l", "l/passwd"]);
  });

  it("writes nothing outside its destination: not by ways up, not through links that are there, not by hard links", async () => {
    await using folder = temporaryFolder();
    const to = join(folder.path, "to");
    mkdirSync(join(folder.path, "outside"));
    mkdirSync(to);
    writeFileSync(join(folder.path, "secret"), "secret");
    symlinkSync("../outside", join(to, "link"));
    symlinkSync("../outside/none", join(to, "dangling"));
    const bytes = tarOf(
      { name: "srv/site/../evil", text: "x" },
      { name: "srv/site/link/evil", text: "x" },
      { name: "srv/site/link/deeper/evil", text: "x" },
      { name: "srv/site/dangling", text: "x" },
      { name: "srv/site/second", type: "hardlink", linkName: "srv/site/../secret" },
      { name: "srv/site/third", type: "hardlink", linkName: "/etc/passwd" },
      { name: "srv/site/good", text: "good" },
    );
    const { code, text } = await copy(to, {}, gives(bytes));
    expect(code).toBe(0);
    expect(text.match(/outside target destination, skipping/g)).toHaveLength(4);
    expect(text.match(/skipping link/g)).toHaveLength(2);
    expect(readdirSync(folder.path).sort()).toEqual(["outside", "secret", "to"]);
    expect(readdirSync(join(folder.path, "outside"))).toEqual([]);
    expect(readdirSync(to).sort()).toEqual(["dangling", "good", "link"]);
  });

  it.each(["etc/passwd", "/srv/site", "srv/sites"])(
    "refuses an archive with %s, which was not asked for",
    async (name) => {
      await using folder = temporaryFolder();
      const { code } = await copy(join(folder.path, "to"), {}, gives(tarOf({ name, text: "x" })));
      expect(code).toBe("UsageError: tar contents corrupted");
      expect(readdirSync(folder.path)).toEqual([]);
    },
  );

  it("ends with tar's exit code", async () => {
    await using folder = temporaryFolder();
    const failed = await copy(join(folder.path, "to"), {}, async () => 2);
    expect(failed).toEqual({ code: 2, text: "command terminated with exit code 2\n" });
  });

  it("asks for the next piece when one is written", async () => {
    await using folder = temporaryFolder();
    const to = join(folder.path, "to");
    const bytes = tarOf({ name: "srv/site/a", text: "x".repeat(5000) });
    const { code } = await copy(to, {}, async (stdout) => {
      await stdout(bytes.subarray(0, 3000));
      expect(readFileSync(join(to, "a")).length).toBe(3000 - 512);
      await stdout(bytes.subarray(3000));
      return 0;
    });
    expect(code).toBe(0);
  });

  it("goes on behind what came when the connection is lost, as often as it may", async () => {
    await using folder = temporaryFolder();
    const to = join(folder.path, "to");
    const bytes = tarOf({ name: "srv/site/a", text: "x".repeat(5000) });
    const lost = (from: number, end: number) => async (stdout: (bytes: Uint8Array) => Promise<void>) => {
      await stdout(bytes.subarray(from, end));
      throw new ConnectionError("host:1", "ECONNRESET", "lost");
    };
    const commands: string[] = [];
    const rest = async (stdout: (bytes: Uint8Array) => Promise<void>, command: readonly string[]) => {
      commands.push(...command);
      return await gives(bytes.subarray(2000))(stdout);
    };
    expect(await copy(to, { retries: 3 }, lost(0, 1000), lost(1000, 2000), rest)).toEqual({
      code: 0,
      text: "Resuming copy at 1000 bytes, retry 1/3\nResuming copy at 2000 bytes, retry 2/3\n",
    });
    expect(commands).toEqual(["sh", "-c", "tar cf - '/srv/site' | tail -c+2001"]);
    expect(readFileSync(join(to, "a"), "utf8")).toBe("x".repeat(5000));

    const dropped = await copy(to, { retries: 1 }, lost(0, 1000), lost(1000, 2000));
    expect(dropped.text).toBe("Resuming copy at 1000 bytes, retry 1/1\nDropping out copy after 1 retries\n");
    expect(dropped.code).toContain("lost");
    expect((await copy(to, {}, lost(0, 1000))).text).toBe("");
  });
});
