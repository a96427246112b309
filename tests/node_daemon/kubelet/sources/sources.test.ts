import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { Pod } from "../../../../core/kinds/pod.ts";
import { FakeClock } from "../../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../../core/util/log.ts";
import { fileSource } from "../../../../node_daemon/kubelet/sources/file.ts";
import { httpSource } from "../../../../node_daemon/kubelet/sources/http.ts";
import { startPodEndpoint } from "../../../../node_daemon/kubelet/sources/server.ts";
import type { PodSource } from "../../../../node_daemon/kubelet/sources/source.ts";
import { patienceMs } from "../../../patience.ts";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "wherry-sources-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const manifest = (name: string, image = "i") =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { containers: [{ name: "c", image }] },
  });

/** Follows a source, and waits for what it tells. */
function follow(source: PodSource) {
  const clock = new FakeClock();
  const controller = new AbortController();
  const warnings: string[] = [];
  let pods: readonly Pod[] | undefined;
  const log = { ...silentLogger, warn: (_: string, fields: object = {}) => warnings.push(JSON.stringify(fields)) };
  const onPods = (next: readonly Pod[]) => {
    pods = next;
  };
  const duplicates: string[] = [];
  const onDuplicate = ({ spec }: Pod) => duplicates.push(spec.containers[0]?.image ?? "");
  const { signal } = controller;
  const followed = source.follow({ nodeName: "n", clock, log, onPods, onDuplicate, signal }).catch(() => {});
  onTestFinished(async () => {
    controller.abort();
    await followed;
  });
  const names = () => pods?.map(({ metadata }) => metadata.name).sort();
  return {
    warnings,
    names,
    duplicates,
    /** Moves time by `stepMs` at each look. */
    async until(check: () => boolean, stepMs: number) {
      for (const end = performance.now() + patienceMs; performance.now() < end; ) {
        if (check()) return;
        await clock.advance(stepMs);
        await stat(root);
      }
      throw new Error(`never came true; ${JSON.stringify(names())} ${warnings.join("; ")}`);
    },
  };
}

describe("fileSource()", () => {
  it("tells of a folder's files as they come, change and go, without waiting for the next look", async () => {
    const path = join(root, "pods");
    await mkdir(path);
    await writeFile(join(path, "a.yaml"), manifest("a"));
    await writeFile(join(path, ".hidden"), manifest("hidden"));
    const source = follow(fileSource({ path, checkMs: Number.MAX_SAFE_INTEGER }));
    await source.until(() => String(source.names()) === "a-n", 1);
    await writeFile(join(root, "b"), manifest("b"));
    await rename(join(root, "b"), join(path, "b.json"));
    await source.until(() => String(source.names()) === "a-n,b-n", 50);
    await rm(join(path, "a.yaml"));
    await source.until(() => String(source.names()) === "b-n", 50);
  });

  it("waits for a folder that is not there yet", async () => {
    const path = join(root, "pods");
    const source = follow(fileSource({ path, checkMs: 20_000 }));
    await source.until(() => source.names()?.length === 0, 1);
    await mkdir(path);
    await writeFile(join(path, "a.yaml"), manifest("a"));
    await source.until(() => String(source.names()) === "a-n", 500);
  });

  it("says once what it cannot read, and runs the rest", async () => {
    await writeFile(join(root, "bad.yaml"), "kind: [");
    await writeFile(join(root, "good.yaml"), manifest("good"));
    const source = follow(fileSource({ path: root, checkMs: 1000 }));
    await source.until(() => String(source.names()) === "good-n", 1);
    let looks = 0;
    await source.until(() => looks++ > 20, 1000);
    expect(source.warnings).toHaveLength(1);
    expect(source.warnings[0]).toContain("bad.yaml");
  });

  it("says once which pod has the name of another, and runs the first", async () => {
    await writeFile(join(root, "a.yaml"), manifest("same", "first"));
    await writeFile(join(root, "b.yaml"), manifest("same", "second"));
    const source = follow(fileSource({ path: root, checkMs: 1000 }));
    await source.until(() => source.duplicates.length > 0, 1);
    let looks = 0;
    await source.until(() => looks++ > 20, 1000);
    expect(source.names()).toEqual(["same-n"]);
    expect(source.duplicates).toEqual(["second"]);
    expect(source.warnings).toEqual([expect.stringContaining("b.yaml: there is another of that name")]);
  });
});

describe("httpSource()", () => {
  it("asks with the last ETag, and keeps its pods while the server fails", async () => {
    const state = { text: manifest("a"), etag: '"1"', status: 200 };
    const seen: { readonly token: unknown; readonly etag: unknown; readonly status: number }[] = [];
    const server = createServer(({ headers }, response) => {
      const status = state.status === 200 && headers["if-none-match"] === state.etag ? 304 : state.status;
      seen.push({ token: headers["x-token"], etag: headers["if-none-match"], status });
      response.writeHead(status, { etag: state.etag }).end(status === 200 ? state.text : "");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/pods?secret=1`;
    // Time goes by slowly: an answer must not be late by the source's clock.
    const source = follow(httpSource({ url, headers: [["X-Token", "t"]], checkMs: 20 }));
    await source.until(() => String(source.names()) === "a-n", 1);
    expect(seen[0]).toEqual({ token: "t", etag: undefined, status: 200 });
    await source.until(() => seen.length > 1, 1);
    expect(seen[1]).toEqual({ token: "t", etag: '"1"', status: 304 });
    state.status = 500;
    await source.until(() => source.warnings.length > 0, 1);
    expect(source.warnings[0]).toContain("the server answers 500");
    expect(source.warnings[0]).not.toContain("secret");
    expect(source.names()).toEqual(["a-n"]);
    Object.assign(state, { status: 200, text: manifest("b"), etag: '"2"' });
    await source.until(() => String(source.names()) === "b-n", 1);
  });

  it("says once which pod has the name of another, however often the answer comes", async () => {
    let answers = 0;
    const texts = [manifest("same", "first"), manifest("same", "second"), manifest("same", "third")];
    const server = createServer((_, response) => {
      answers++;
      response.end(texts.join("\n---\n"));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const source = follow(httpSource({ url, headers: [], checkMs: 20 }));
    await source.until(() => answers > 2, 1);
    expect(source.names()).toEqual(["same-n"]);
    expect(source.duplicates).toEqual(["second", "third"]);
  });
});

describe("startPodEndpoint()", () => {
  async function ask(socket: string, method: string, path: string, body = "") {
    const sent = request({ socketPath: socket, method, path, agent: false });
    sent.end(body);
    const [response] = await once(sent, "response");
    let text = "";
    for await (const chunk of response) text += chunk;
    return [response.statusCode, text.trim()];
  }

  it("takes a pod, keeps it, and lets it go", async () => {
    const [socket, folder] = [join(root, "s"), join(root, "manifests")];
    await using _endpoint = await startPodEndpoint({ socket, folder, nodeName: "n", log: silentLogger });
    expect((await stat(socket)).mode & 0o777).toBe(0o600);
    expect(await ask(socket, "PUT", "/pods/a", manifest("a"))).toEqual([200, "pod a accepted"]);
    expect(await ask(socket, "GET", "/pods")).toEqual([200, "a"]);
    expect(await readdir(folder)).toEqual(["a.yaml"]);
    expect(await ask(socket, "DELETE", "/pods/a")).toEqual([200, "pod a deleted"]);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    ["PUT", "/pods/a", "kind: Secret", 422],
    ["PUT", "/pods/b", manifest("a"), 422],
    ["PUT", "/pods/..%2fx", manifest("a"), 404],
    ["PUT", "/pods/../../x", manifest("a"), 404],
    ["POST", "/pods/a", manifest("a"), 405],
    ["GET", "/", "", 404],
    ["PUT", "/pods/a", " ".repeat(4 * 1024 * 1024), 413],
  ])("refuses %s %s (%#)", async (method, path, body, status) => {
    const [socket, folder] = [join(root, "s"), join(root, "manifests")];
    await using _endpoint = await startPodEndpoint({ socket, folder, nodeName: "n", log: silentLogger });
    expect((await ask(socket, method, path, body))[0]).toBe(status);
    expect(await readdir(folder)).toEqual([]);
  });
});
