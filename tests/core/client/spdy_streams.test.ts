import { describe, expect, it, onTestFinished } from "vitest";
import { StatusError } from "../../../core/api/status.ts";
import { channel, decodeFrames, encodeFrame } from "../../../core/client/channel_frames.ts";
import type { Client } from "../../../core/client/client.ts";
import { exec } from "../../../core/client/exec.ts";
import { openPortForward } from "../../../core/client/port_forward.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { dial } from "../../../core/platform/dial.ts";
import type { ByteStream } from "../../../core/platform/join_streams.ts";
import { SpdyConnection } from "../../../core/platform/spdy.ts";
import { listenTcp } from "../../../core/platform/tcp_listener.ts";
import { serveSpdyPortForward } from "../../../master_daemon/apiserver/streaming/port_forward.ts";
import { serveSpdyChannels } from "../../../master_daemon/apiserver/streaming/spdy_channels.ts";
import { duplexPair } from "../../master_daemon/apiserver/_api.ts";

const key = { namespace: "default", name: "web" };
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A client of a server that refuses WebSockets with `error`, and speaks SPDY when `serve` is given. */
function oldServer(error: Error, serve?: (transport: ByteStream) => Promise<void>) {
  const asked: string[] = [];
  const client = {
    upgrade: () => Promise.reject(error),
    async spdy(path: string) {
      asked.push(path);
      if (!serve) return undefined;
      // A socket tells of its end when all is read; pairs in memory do not.
      const listener = await listenTcp({ address: "127.0.0.1", port: 0 }, (far) => void serve(far));
      onTestFinished(() => listener.close());
      const options = { hostname: "127.0.0.1", port: listener.port, timeoutMs: 10_000, keepAliveProbeMs: 15_000 };
      const connection = new SpdyConnection(await dial(options), { role: "client", onStream() {} });
      return { protocol: "v4", connection };
    },
  } as unknown as Client;
  return { client, asked };
}

const refused = new StatusError(403, "Forbidden", "unable to upgrade: unable to negotiate protocol");

describe("exec() with a server that knows only SPDY", () => {
  it("passes input, both outputs and the exit code", async () => {
    const { client, asked } = oldServer(refused, async (transport) => {
      const [node, runtime] = duplexPair();
      const target = { kind: "channels", node, stdin: true, stdout: true, stderr: true, tty: false } as const;
      void serveSpdyChannels(transport, target, { clock: systemClock });
      const say = (number: number, payload: string) =>
        runtime.write(encodeFrame({ channel: number, payload: new TextEncoder().encode(payload) }));
      say(channel.stderr, "oh");
      let input = "";
      for await (const frame of decodeFrames(runtime.iterator({ destroyOnReturn: false }))) {
        if (frame.channel === channel.closeInput) break;
        input += text(frame.payload);
      }
      say(channel.stdout, input.toUpperCase());
      const details = { causes: [{ reason: "ExitCode", message: "7" }] };
      say(channel.status, JSON.stringify({ status: "Failure", reason: "NonZeroExitCode", details, code: 500 }));
    });
    const output = { stdout: "", stderr: "" };
    const code = await exec(client, key, {
      command: ["cat"],
      stdin: (async function* () {
        yield new TextEncoder().encode("hello");
      })(),
      stdout(bytes) {
        output.stdout += text(bytes);
      },
      stderr(bytes) {
        output.stderr += text(bytes);
      },
    });
    expect({ code, ...output }).toEqual({ code: 7, stdout: "HELLO", stderr: "oh" });
    expect(asked).toEqual(["/api/v1/namespaces/default/pods/web/exec?command=cat&stdin=true&stdout=true&stderr=true"]);
  });

  it("does not ask again where the pod is missing or the user unknown", async () => {
    for (const error of [
      new StatusError(404, "NotFound", 'pods "web" not found'),
      new StatusError(401, "Unauthorized", "Unauthorized"),
    ]) {
      const { client, asked } = oldServer(error);
      await expect(exec(client, key, { command: ["ls"] })).rejects.toBe(error);
      expect(asked).toEqual([]);
    }
  });

  it("says why where there is no SPDY either", async () => {
    await expect(exec(oldServer(refused).client, key, { command: ["ls"] })).rejects.toBe(refused);
  });
});

describe("openPortForward()", () => {
  const serving = (dial: (port: number) => Promise<ReturnType<typeof duplexPair>[0]>) =>
    oldServer(refused, (transport) =>
      serveSpdyPortForward(transport, { kind: "portforward", pod: "web", ports: [], dial } as never),
    ).client;

  it("joins a connection with a port of the pod, each end half-closing its own way", async () => {
    const client = serving(async (port) => {
      const [near, far] = duplexPair();
      far.on("data", (bytes: Uint8Array) => far.write(`${port}:${text(bytes)}`));
      far.on("end", () => far.end("bye"));
      return near;
    });
    const way = await openPortForward(client, key);
    const [local, program] = duplexPair();
    const forwarded = way.forward(local, 8080);
    program.end("hello");
    let answer = "";
    for await (const bytes of program) answer += text(bytes as Uint8Array);
    expect(answer).toBe("8080:hellobye");
    await forwarded;
    way.close();
    await way.closed;
  });

  it("tells what the node said of a port that nobody listens on", async () => {
    const client = serving(() => Promise.reject(new Error("connection refused")));
    const way = await openPortForward(client, key);
    const [local] = duplexPair();
    await expect(way.forward(local, 1)).rejects.toThrow("error forwarding port 1 to web: connection refused");
    expect(local.destroyed).toBe(true);
    way.close();
  });
});
