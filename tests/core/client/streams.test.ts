import { describe, expect, it } from "vitest";
import { StatusError } from "../../../core/api/status.ts";
import { createClient } from "../../../core/client/create_client.ts";
import { exec } from "../../../core/client/exec.ts";
import { inProcessTransport } from "../../../core/client/in_process_transport.ts";
import { logLines, logs } from "../../../core/client/logs.ts";
import type { MessageStream } from "../../../core/client/transport.ts";
import { AsyncQueue } from "../../../core/util/async_queue.ts";
import { answer, fakeApi, settle } from "./fake_api.ts";

const key = { namespace: "shop", name: "web" };
const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield encode(text);
}

describe("logs()", () => {
  it("asks for what is set, and yields the bytes as they come", async () => {
    const { client, requests } = fakeApi(() => ({ status: 200, headers: {}, body: chunks("a", "b") }));
    let seen = "";
    const options = { container: "c", follow: true, previous: false, tailLines: 0, timestamps: true };
    for await (const bytes of logs(client, key, options)) seen += decode(bytes);
    expect(seen).toBe("ab");
    expect(requests[0]?.path).toBe("/api/v1/namespaces/shop/pods/web/log");
    expect(`${requests[0]?.query}`).toBe("container=c&follow=true&tailLines=0&timestamps=true");
  });

  it("throws the Status of a refusal", async () => {
    const status = StatusError.badRequest(
      "a container name must be specified for pod web, choose one of: [a b]",
    ).status;
    const { client } = fakeApi(() => answer(400, status));
    await expect(logs(client, key).next()).rejects.toMatchObject({ reason: "BadRequest", message: status.message });
  });

  it("splits lines, however the bytes are cut", async () => {
    const bytes = encode("ä\nb\n\nlast");
    async function* cut(): AsyncGenerator<Uint8Array> {
      for (const byte of bytes) yield Uint8Array.of(byte);
    }
    const { client } = fakeApi(() => ({ status: 200, headers: {}, body: cut() }));
    const lines: string[] = [];
    for await (const line of logLines(client, key)) lines.push(line);
    expect(lines).toEqual(["ä", "b", "", "last"]);
  });

  it("ends when aborted", async () => {
    const { client } = fakeApi((_, signal) => {
      const queue = new AsyncQueue<Uint8Array>();
      signal.addEventListener("abort", () => queue.fail(signal.reason));
      return { status: 200, headers: {}, body: queue };
    });
    const controller = new AbortController();
    const reading = (async () => {
      for await (const _ of logs(client, key, { follow: true, signal: controller.signal }));
      return "ended";
    })();
    await settle();
    controller.abort();
    expect(await reading).toBe("ended");
  });
});

/** The server's end of one exec. */
function setUp() {
  const toClient = new AsyncQueue<Uint8Array>();
  const sent: Uint8Array[] = [];
  const asked: { path: string; protocols: readonly string[] }[] = [];
  const stream: MessageStream = {
    protocol: "v5.channel.k8s.io",
    send: async (message) => void sent.push(message),
    close: () => toClient.end(),
    [Symbol.asyncIterator]: () => toClient[Symbol.asyncIterator](),
  };
  const client = createClient(
    inProcessTransport(async () => answer(500, ""), {
      user: { username: "test", groups: [] },
      upgrade: async ({ path }, { protocols }) => {
        asked.push({ path, protocols });
        return stream;
      },
    }),
  );
  const say = (channel: number, text: string) => toClient.push(Uint8Array.of(channel, ...encode(text)));
  const finish = (status: object) =>
    say(3, JSON.stringify({ kind: "Status", apiVersion: "v1", metadata: {}, ...status }));
  return { client, toClient, sent, asked, say, finish };
}

describe("exec()", () => {
  it("speaks v5.channel.k8s.io and returns the exit code", async () => {
    const { client, asked, sent, say, finish } = setUp();
    const out: string[] = [];
    async function* sizes() {
      yield { width: 80, height: 24 };
    }
    const running = exec(client, key, {
      container: "c",
      command: ["sh", "-c", "exit 7"],
      stdin: chunks("in", ""),
      stdout: (bytes) => void out.push(`out ${decode(bytes)}`),
      stderr: (bytes) => void out.push(`err ${decode(bytes)}`),
      resize: sizes(),
    });
    await settle();
    expect(asked).toEqual([
      {
        path: "/api/v1/namespaces/shop/pods/web/exec?command=sh&command=-c&command=exit+7&container=c&stdin=true&stdout=true&stderr=true",
        protocols: ["v5.channel.k8s.io"],
      },
    ]);
    expect(sent.map((bytes) => [bytes[0], decode(bytes.subarray(1))])).toEqual([
      [4, '{"Width":80,"Height":24}'],
      [0, "in"],
      [255, "\0"],
    ]);
    say(1, "hello");
    say(2, "oops");
    say(1, "");
    finish({
      status: "Failure",
      reason: "NonZeroExitCode",
      message: "command terminated with non-zero exit code: exit status 7",
      details: { causes: [{ reason: "ExitCode", message: "7" }] },
      code: 500,
    });
    expect(await running).toBe(7);
    expect(out).toEqual(["out hello", "err oops"]);
  });

  it("returns 0 on success though its input goes on", async () => {
    const { client, asked, finish } = setUp();
    const stdin = new AsyncQueue<Uint8Array>();
    const running = exec(client, key, { command: ["true"], tty: true, stdin, stdout: () => {}, stderr: () => {} });
    await settle();
    expect(asked[0]?.path).toContain("?command=true&stdin=true&stdout=true&tty=true");
    finish({ status: "Success" });
    expect(await running).toBe(0);
  });

  it("throws what kept the command from starting, a lost connection, and a failing input", async () => {
    const broken = setUp();
    const running = exec(broken.client, key, { command: ["none"] });
    broken.finish({ status: "Failure", reason: "InternalError", message: "no such file", code: 500 });
    await expect(running).rejects.toMatchObject({ code: 500, message: "no such file" });
    const lost = setUp();
    const cut = exec(lost.client, key, { command: ["sleep"] });
    lost.toClient.end();
    await expect(cut).rejects.toThrow("The connection ended before the command did");
    const failing = new AsyncQueue<Uint8Array>();
    failing.fail(new Error("disk"));
    await expect(exec(setUp().client, key, { command: ["cat"], stdin: failing })).rejects.toThrow("disk");
  });
});

describe("inProcessTransport()", () => {
  it("aborts every request under way with the signal that they follow, also after a stream was closed twice", async () => {
    const ended = new AsyncQueue<Uint8Array>();
    const transport = inProcessTransport(() => new Promise(() => {}), {
      user: { username: "test", groups: [] },
      upgrade: async (_request, { protocols: [protocol = ""] }) => ({
        protocol,
        send: async () => {},
        close: () => ended.end(),
        [Symbol.asyncIterator]: () => ended[Symbol.asyncIterator](),
      }),
    });
    const controller = new AbortController();
    const { signal } = controller;
    const request = { method: "GET", path: "/", headers: {} } as const;
    const first = await transport.upgrade(request, { protocols: ["a"], signal });
    first.close();
    const waiting = Promise.allSettled([1, 2].map(() => transport.request(request, { signal })));
    first.close();
    controller.abort(new Error("enough"));
    expect(await waiting).toEqual([1, 2].map(() => ({ status: "rejected", reason: new Error("enough") })));
    await expect(transport.request(request, { signal })).rejects.toThrow("enough");
    await transport[Symbol.asyncDispose]();
  });
});
