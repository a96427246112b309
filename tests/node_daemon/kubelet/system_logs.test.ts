import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { StatusError } from "../../../core/api/status.ts";
import { sendSystemLog } from "../../../node_daemon/kubelet/server/system_logs.ts";

let machine = "";
const server = createServer((message, response) => {
  const { signal } = new AbortController();
  const path = (message.url ?? "").slice("/logs/".length);
  sendSystemLog(path, { folder: join(machine, "log"), response, signal }).catch((error: unknown) =>
    response.writeHead(error instanceof StatusError ? error.code : 500).end(),
  );
});

beforeAll(async () => {
  machine = await mkdtemp(join(tmpdir(), "wherry-logs-"));
  await mkdir(join(machine, "log", "apt"), { recursive: true });
  await writeFile(join(machine, "shadow"), "secret");
  await writeFile(join(machine, "log", "syslog"), "one\ntwo\n");
  await writeFile(join(machine, "log", "a <b>"), "");
  await writeFile(join(machine, "log", "apt", "history.log"), "installed\n");
  await symlink("../shadow", join(machine, "log", "outside"));
  await symlink("..", join(machine, "log", "up"));
  await symlink("apt/history.log", join(machine, "log", "history"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterAll(async () => {
  server.close();
  await rm(machine, { recursive: true, force: true });
});

/** As it stands: `fetch` would take the dots out of the path. */
function ask(path: string): Promise<{ readonly code: number | undefined; readonly text: string }> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path: `/logs/${path}`, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve({ code: response.statusCode, text }));
    });
    asked.on("error", reject).end();
  });
}

test("files are given, and folders as links that can be followed", async () => {
  expect(await ask("syslog")).toEqual({ code: 200, text: "one\ntwo\n" });
  expect(await ask("apt/history.log")).toEqual({ code: 200, text: "installed\n" });
  expect(await ask("history")).toEqual({ code: 200, text: "installed\n" });
  const { code, text } = await ask("");
  expect(code).toBe(200);
  expect(text).toContain('<a href="apt/">apt/</a>');
  expect(text).toContain('<a href="a%20%3Cb%3E">a &lt;b&gt;</a>');
});

test.each([
  "../shadow",
  "%2e%2e/shadow",
  "apt/../../shadow",
  "..%2fshadow",
  "outside",
  "up/shadow",
  "up/",
  "none",
  "%00",
  "%",
])("nothing outside the folder of the logs is shown: %s", async (path) => {
  const { code, text } = await ask(path);
  expect(code).toBe(404);
  expect(text).toBe("");
});
