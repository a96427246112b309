import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A package to be published: its programs by name, each a script for Node, and what else stands in its package.json. */
export interface TestPackage {
  readonly name: string;
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** A web server on loopback that is an npm registry, and serves files. */
export interface TestRegistry extends AsyncDisposable {
  readonly url: string;
  /** Paths that were asked for, in order. */
  readonly asked: readonly string[];
  publish(options: TestPackage): Promise<void>;
  /** Serves a text at a path. */
  serve(path: string, text: string): void;
}

/** @param folder where tarballs are made */
export async function openRegistry(folder: string): Promise<TestRegistry> {
  const files = new Map<string, { readonly type: string; readonly body: Buffer | string }>();
  const packages = new Map<string, { readonly versions: Record<string, object>; latest: string }>();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "");
    asked.push(path);
    const found = packages.get(path.slice(1));
    const file = files.get(path);
    if (found) {
      response.setHeader("content-type", "application/json");
      const { versions, latest } = found;
      response.end(JSON.stringify({ name: path.slice(1), versions, "dist-tags": { latest } }));
    } else if (file) {
      response.setHeader("content-type", file.type);
      response.end(file.body);
    } else {
      response.writeHead(404, { "content-type": "application/json" }).end('{"error":"not found"}');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    asked,
    serve: (path, text) => void files.set(path, { type: "application/typescript", body: text }),
    async publish({ name, version, bin, more = {} }) {
      const at = join(folder, `${name.replace("/", "_")}-${version}`);
      await mkdir(join(at, "package"), { recursive: true });
      const programs = Object.fromEntries(Object.keys(bin).map((program) => [program, `${program}.js`]));
      for (const [program, script] of Object.entries(bin)) {
        await writeFile(join(at, "package", `${program}.js`), `#!/usr/bin/env node\n${script}\n`);
      }
      const manifest = { name, version, bin: programs, ...more };
      await writeFile(join(at, "package", "package.json"), JSON.stringify(manifest));
      const tarball = join(at, "package.tgz");
      await run("tar", ["-czf", tarball, "-C", dirname(join(at, "package")), "package"]);
      const body = await readFile(tarball);
      await rm(at, { recursive: true });
      const path = `/${name}/-/${version}.tgz`;
      files.set(path, { type: "application/octet-stream", body });
      const integrity = `sha512-${createHash("sha512").update(body).digest("base64")}`;
      const found = packages.get(name) ?? { versions: {}, latest: version };
      found.versions[version] = { ...manifest, dist: { tarball: `${url}${path}`, integrity } };
      found.latest = version;
      packages.set(name, found);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
