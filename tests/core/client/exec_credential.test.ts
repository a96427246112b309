import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ExecCredentialOptions, execCredentials } from "../../../core/client/exec_credential.ts";
import type { PluginPolicy } from "../../../core/client/plugin_policy.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "exec-credential-"));
});
afterAll(() => rm(folder, { recursive: true }));

const v1 = "client.authentication.k8s.io/v1";
const future = "2999-01-01T00:00:00Z";

/** A plug-in that counts its calls, keeps what it was told and answers with `status`. */
async function plugin(name: string, status: object | string, apiVersion = v1): Promise<string> {
  const answer = typeof status === "string" ? status : JSON.stringify({ kind: "ExecCredential", apiVersion, status });
  const path = join(folder, name);
  await writeFile(
    path,
    `#!/bin/sh\necho call >>'${path}.calls'\nprintf '%s' "$KUBERNETES_EXEC_INFO" >'${path}.info'\nprintf '%s\\n' "$GREETING" >'${path}.env'\ncat <<'END'\n${answer}\nEND\n`,
  );
  await chmod(path, 0o700);
  return path;
}

const calls = async (path: string) => (await readFile(`${path}.calls`, "utf8")).trim().split("\n").length;

function options(more: Partial<ExecCredentialOptions> = {}): ExecCredentialOptions {
  const clock = new FakeClock();
  return { path: join(folder, "config"), cluster: undefined, clock, inputIsTerminal: false, ...more };
}

const base = { apiVersion: v1, interactiveMode: "Never" };

describe("execCredentials()", () => {
  it("asks once and keeps the answer until it expires or is forgotten", async () => {
    const clock = new FakeClock();
    const until = new Date(clock.now() + 60_000).toISOString();
    const path = await plugin("once", { token: "abc", expirationTimestamp: until });
    const source = execCredentials({ ...base, command: path }, options({ clock }));
    expect((await source.current()).token).toBe("abc");
    await source.current();
    expect(await calls(path)).toBe(1);
    await clock.advance(60_000);
    await source.current();
    expect(await calls(path)).toBe(2);
    source.forget();
    await source.current();
    expect(await calls(path)).toBe(3);
  });

  it("tells the plug-in its variables and, when wanted, the cluster", async () => {
    const path = await plugin("info", { token: "abc", expirationTimestamp: future });
    const cluster = { server: "https://a:1", "tls-server-name": "b" };
    const described = { ...base, command: path, provideClusterInfo: true, env: [{ name: "GREETING", value: "hello" }] };
    await execCredentials(described, options({ cluster, ca: "PEM" })).current();
    expect(await readFile(`${path}.env`, "utf8")).toBe("hello\n");
    expect(JSON.parse(await readFile(`${path}.info`, "utf8"))).toEqual({
      kind: "ExecCredential",
      apiVersion: v1,
      spec: {
        interactive: false,
        cluster: {
          server: "https://a:1",
          "tls-server-name": "b",
          "certificate-authority-data": Buffer.from("PEM").toString("base64"),
          config: null,
        },
      },
    });
  });

  it("finds a command with a slash from the kubeconfig's folder, and takes certificates", async () => {
    await plugin("near", { clientCertificateData: "C", clientKeyData: "K" });
    const found = await execCredentials({ ...base, command: "./near" }, options()).current();
    expect(found).toEqual({ cert: "C", key: "K" });
  });

  it.each([
    [{}, "exec plugin didn't return a token or cert/key pair"],
    [{ clientCertificateData: "C" }, "returned only certificate or key, not both"],
    ["token: abc", "decoding stdout: it is not JSON"],
    ['{"kind":"ExecCredential","apiVersion":"x/v1"}', "configured to use API version"],
    [`{"kind":"ExecCredential","apiVersion":"${v1}"}`, "didn't return a status field"],
  ])("refuses the answer %j", async (answer, message) => {
    const command = await plugin("wrong", answer);
    await expect(execCredentials({ ...base, command }, options()).current()).rejects.toThrow(message);
  });

  it("says how to install a plug-in that is not there, and what is wrong with a description", async () => {
    const missing = { ...base, command: "no-such-plugin", installHint: "Get it from example.com" };
    await expect(execCredentials(missing, options()).current()).rejects.toThrow(
      "getting credentials: exec: executable no-such-plugin not found\n\nGet it from example.com",
    );
    expect(() => execCredentials({ ...base, apiVersion: "a/v1", command: "x" }, options())).toThrow(
      'invalid apiVersion "a/v1"',
    );
    expect(() => execCredentials({ ...base, interactiveMode: "Always", command: "x" }, options())).toThrow(
      "standard input is not a terminal",
    );
    expect(() => execCredentials({ apiVersion: v1, command: "x" }, options())).toThrow("invalid interactiveMode");
  });

  it.each([
    [v1, "Never", true, false],
    [v1, "IfAvailable", true, true],
    [v1, "IfAvailable", false, false],
    [v1, "Always", true, true],
    ["client.authentication.k8s.io/v1beta1", undefined, true, true],
    ["client.authentication.k8s.io/v1beta1", undefined, false, false],
    ["client.authentication.k8s.io/v1beta1", "Never", true, false],
  ])(
    "%s with interactiveMode %s, a terminal: %s, may ask a person: %s",
    async (apiVersion, mode, isTerminal, wanted) => {
      const command = await plugin("asks", { token: "abc" }, apiVersion);
      const described = { apiVersion, command, ...(mode === undefined ? {} : { interactiveMode: mode }) };
      const { token } = await execCredentials(described, options({ inputIsTerminal: isTerminal })).current();
      expect(token).toBe("abc");
      expect(JSON.parse(await readFile(`${command}.info`, "utf8"))).toMatchObject({
        apiVersion,
        spec: { interactive: wanted },
      });
    },
  );

  it("runs what the policy permits, by its name on PATH or its whole path, and nothing else", async () => {
    const path = await plugin("permitted", { token: "abc" });
    const link = join(folder, "bin");
    await mkdir(link, { recursive: true });
    const named = join(link, "permitted-by-name");
    await writeFile(named, await readFile(path));
    await chmod(named, 0o700);
    const tokenOf = async (command: string, policy: PluginPolicy) =>
      (await execCredentials({ ...base, command }, options({ policy })).current()).token;
    const only = (...allowlist: string[]): PluginPolicy => ({ policy: "Allowlist", allowlist });
    const refused = `getting credentials: plugin path "${path}" is not permitted by the credential plugin allowlist`;
    await expect(tokenOf(path, only("other", path))).resolves.toBe("abc");
    await expect(tokenOf(path, { policy: "AllowAll" })).resolves.toBe("abc");
    await expect(tokenOf(path, { policy: "DenyAll" })).rejects.toThrow(
      `getting credentials: plugin "${path}" not allowed: policy set to "DenyAll"`,
    );
    // Neither the name of its file nor a name that is not there.
    await expect(tokenOf(path, only("permitted"))).rejects.toThrow(refused);
    await expect(tokenOf("./permitted", only("permitted"))).rejects.toThrow(refused);
    const before = process.env["PATH"];
    process.env["PATH"] = `${link}:${before}`;
    try {
      await expect(tokenOf("permitted-by-name", only("permitted-by-name"))).resolves.toBe("abc");
      await expect(tokenOf("permitted-by-name", only(named))).resolves.toBe("abc");
      await expect(tokenOf(named, only("permitted-by-name"))).resolves.toBe("abc");
    } finally {
      process.env["PATH"] = before;
    }
    // Of what was refused nothing was run.
    expect(await calls(path)).toBe(5);
  });
});
