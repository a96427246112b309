import { readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runCli } from "../../commands/run_cli.ts";
import type { Terminal } from "../../core/platform/terminal.ts";
import { gitVersion } from "../../core/version.ts";
import { temporaryFolder } from "../e2e/harness.ts";

const folder = temporaryFolder();
writeFileSync(join(folder.path, "none"), "apiVersion: v1\nkind: Config\n");
afterAll(() => folder[Symbol.asyncDispose]());

async function wherry(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const said = { stdout: "", stderr: "" };
  const terminal: Terminal = {
    input: (async function* () {})(),
    inputIsTerminal: false,
    outputIsTerminal: false,
    async write(data) {
      said.stdout += typeof data === "string" ? data : new TextDecoder().decode(data);
    },
    async writeError() {},
    warn(line) {
      said.stderr += `${line}\n`;
    },
    size: () => undefined,
    onResize: () => () => {},
    raw: () => () => {},
  };
  const line = [`--kubeconfig=${join(folder.path, "none")}`, ...args];
  return { code: await runCli(line, { terminal, signal: new AbortController().signal }), ...said };
}

describe("--profile", () => {
  it("writes what the processor was busy with, for the owner's eyes", async () => {
    const path = join(folder.path, "cpu");
    const { code, stderr } = await wherry("version", "--client", "--profile=cpu", `--profile-output=${path}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ nodes: expect.any(Array) });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("refuses those of programs in Go", async () => {
    expect(await wherry("version", "--client", "--profile=mutex")).toMatchObject({
      code: 1,
      stderr: 'error: the profile "mutex" is one of programs in Go: cpu and heap are what there is here\n',
    });
  });

  it("does not stop a verb whose own --profile is another thing", async () => {
    const { stderr } = await wherry("debug", "web", "--profile=x", "--image=x");
    expect(stderr).toBe("error: unknown profile: x\n");
  });
});

describe("--match-server-version", () => {
  it.each([
    [gitVersion, 0, ""],
    ["v1.30.0", 1, `error: server version (v1.30.0) differs from client version (${gitVersion})!\n`],
  ])("with a server that says %s ends with %d", async (version, code, stderr) => {
    const server = createServer((_request, response) => response.end(JSON.stringify({ gitVersion: version })));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const args = ["get", "--raw=/", `--server=http://127.0.0.1:${port}`, "--match-server-version"];
      expect(await wherry(...args)).toMatchObject({ code, stderr });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
