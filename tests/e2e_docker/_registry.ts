import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { start } from "../e2e/harness.ts";
import { engine, testImage } from "../suites/docker_image.ts";

/** Whom the registry lets in. */
export const login = { username: "robot", password: "s3cret" };
/** The password's bcrypt, as `htpasswd -B` makes it. */
const htpasswd = `${login.username}:$2y$05$wherrywherrywherrywhe.9mIWXv3bFiVIPqhrbszAacSwQwG99e2\n`;

/** A registry, whose users have names and passwords. Disposal ends it. */
export interface TestRegistry extends AsyncDisposable {
  /** Host and port. */
  readonly address: string;
  /** Puts an image, or the test image, into it under a name, and takes that name away from the engine. */
  push(name: string, image?: string): Promise<string>;
}

/** Whether there is a registry on this machine. */
export const hasRegistry: Promise<boolean> = new Promise((resolve) => {
  const child = spawn("docker-registry", ["--version"], { stdio: "ignore" });
  child.once("error", () => resolve(false));
  child.once("exit", (code) => resolve(code === 0));
});

/**
 * Starts a registry on a loopback port of its own, with what it keeps in `folder`: engines speak to it without TLS.
 *
 * @param options.from the engine that has what is put into it
 * @param options.open anybody may fetch and put
 */
export async function startRegistry(
  folder: string,
  { from = engine, open = false }: { readonly from?: Docker; readonly open?: boolean } = {},
): Promise<TestRegistry> {
  mkdirSync(folder, { recursive: true });
  const [users, config] = ["htpasswd", "config.json"].map((name) => join(folder, name)) as [string, string];
  writeFileSync(users, htpasswd);
  const settings = {
    version: "0.1",
    storage: { filesystem: { rootdirectory: join(folder, "data") } },
    http: { addr: "127.0.0.1:0", secret: "one" },
    ...(open ? {} : { auth: { htpasswd: { realm: "test", path: users } } }),
  };
  writeFileSync(config, JSON.stringify(settings)); // JSON is YAML.
  const running = start(["docker-registry", "serve", config]);
  const [, port] = await running.printed(/listening on 127\.0\.0\.1:(\d+)/);
  const address = `127.0.0.1:${port}`;
  return {
    address,
    async push(name, present = testImage) {
      const [repo, tag] = [`${address}/${name}`, "1"];
      await from.getImage(present).tag({ repo, tag });
      const image = from.getImage(`${repo}:${tag}`);
      const progress = (await image.push({ tag, authconfig: { ...login, serveraddress: address } })) as Readable;
      let text = "";
      for await (const chunk of progress) text += chunk;
      if (text.includes('"error"')) throw new Error(text);
      await image.remove();
      return `${repo}:${tag}`;
    },
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      for (const { RepoTags } of await from.listImages()) {
        for (const name of RepoTags ?? []) if (name.startsWith(`${address}/`)) await from.getImage(name).remove();
      }
    },
  };
}
