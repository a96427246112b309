import { chmod, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { StatusError } from "../../../core/api/status.ts";
import { ConnectionError } from "../../../core/client/connection_error.ts";
import { type HttpTransportOptions, httpTransport } from "../../../core/client/http_transport.ts";
import { type ApiRequest, readBody, type Transport } from "../../../core/client/transport.ts";
import { createAuthority, issueCertificate } from "../../../core/platform/certificates.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { deferred } from "../../../core/util/deferred.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  while (closers.length > 0) await closers.pop()?.();
});

const get = (path: string, headers: Record<string, string> = {}): ApiRequest => ({ method: "GET", path, headers });
const never = new AbortController().signal;

async function listen(server: Server, port = 0): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  closers.push(() => stop(server));
  return (server.address() as AddressInfo).port;
}

/** Ends a server and its connections. */
async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

async function serve(
  handle: RequestListener,
  options: Partial<HttpTransportOptions> = {},
): Promise<{ readonly transport: Transport; readonly server: Server; readonly port: number }> {
  const server = createServer(handle);
  const port = await listen(server);
  const transport = httpTransport({ server: `http://127.0.0.1:${port}`, ...options });
  closers.push(() => transport[Symbol.asyncDispose]());
  return { transport, server, port };
}

async function text(body: ApiRequest["body"]): Promise<string> {
  return new TextDecoder().decode(await readBody(body));
}

/** Undici's connections, and those of the runtime's own client. */
const engines = [
  ["of a daemon", false],
  ["of a command", true],
] as const;

describe.each(engines)("httpTransport() %s", (_name, shortLived) => {
  it("sends method, path, headers and body below the server's own path, and gives back the answer", async () => {
    const { port } = await serve(
      async (request, response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        response.appendHeader("warning", '299 - "a"').appendHeader("warning", '299 - "b"');
        response.writeHead(201, { "x-seen": `${request.method} ${request.url}` });
        response.end(`${request.headers["user-agent"]} ${request.headers["x-mine"]} ${Buffer.concat(chunks)}`);
      },
      { shortLived },
    );
    const transport = httpTransport({ shortLived, server: `127.0.0.1:${port}/prefix/`, userAgent: "me/1" });
    closers.push(() => transport[Symbol.asyncDispose]());
    const body = new TextEncoder().encode("payload");
    const request: ApiRequest = { method: "POST", path: "/api?x=1", headers: { "x-mine": "yes" }, body };
    const answer = await transport.request(request, { signal: never });
    expect(answer.status).toBe(201);
    expect(answer.headers["x-seen"]).toBe("POST /prefix/api?x=1");
    expect(answer.headers["warning"]).toEqual(['299 - "a"', '299 - "b"']);
    expect(await text(answer.body)).toBe("me/1 yes payload");
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode("in ");
      yield new TextEncoder().encode("pieces");
    }
    const streamed = await transport.request({ ...request, body: pieces() }, { signal: never });
    expect(await text(streamed.body)).toBe("me/1 yes in pieces");
  });

  it("streams a watch piece by piece, and stops it when aborted", async () => {
    const closed = deferred();
    const { transport } = await serve(
      (request, response) => {
        request.on("close", () => closed.resolve());
        response.writeHead(200);
        response.write("one");
      },
      { shortLived },
    );
    const controller = new AbortController();
    const { body } = await transport.request(get("/api/v1/pods?watch=true"), { signal: controller.signal });
    const iterator = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    expect(await text((await iterator.next()).value as Uint8Array)).toBe("one");
    const next = iterator.next();
    controller.abort(new Error("enough"));
    await expect(next).rejects.toThrow("enough");
    await closed.promise;
  });

  it("closes the connection of an answer that nobody reads to its end", async () => {
    const closed = deferred();
    const { transport } = await serve(
      (request, response) => {
        request.on("close", () => closed.resolve());
        response.writeHead(200);
        response.write("one");
      },
      { shortLived },
    );
    const { body } = await transport.request(get("/log?follow=true"), { signal: never });
    for await (const _ of body as AsyncIterable<Uint8Array>) break;
    await closed.promise;
  });

  it("says in one line which server refused", async () => {
    const { transport, server, port } = await serve(() => {}, { shortLived });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const error = await transport.request(get("/"), { signal: never }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConnectionError);
    expect((error as ConnectionError).message).toBe(
      `The connection to the server 127.0.0.1:${port} was refused - did you specify the right host or port?`,
    );
    expect((error as ConnectionError).code).toBe("ECONNREFUSED");
    const upgrade = transport.upgrade(get("/"), { protocols: ["v5.channel.k8s.io"], signal: never });
    await expect(upgrade).rejects.toThrow("did you specify the right host or port?");
  });

  it("tells a connection that is lost in the middle of an answer", async () => {
    const { transport, port } = await serve(
      (_request, response) => {
        response.writeHead(200);
        response.write("half", () => response.socket?.destroy());
      },
      { shortLived },
    );
    const { body } = await transport.request(get("/api?watch=true"), { signal: never });
    await expect(text(body)).rejects.toThrow(`The connection to the server 127.0.0.1:${port} was lost`);
  });

  it("asks once more when the server closed a kept connection under a GET, never for a POST", async () => {
    let connections = 0;
    const answeredClosed = deferred();
    const server = createTcpServer((socket: Socket) => {
      connections++;
      socket.on("error", () => {});
      if (connections === 2) socket.once("close", () => answeredClosed.resolve());
      socket.once("data", () => {
        if (connections === 1) socket.destroy();
        else socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    const transport = httpTransport({
      shortLived,
      server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    });
    closers.push(() => transport[Symbol.asyncDispose]());
    expect(await text((await transport.request(get("/"), { signal: never })).body)).toBe("ok");
    // Until then the connection may be taken for one that is kept.
    await answeredClosed.promise;
    connections = 0;
    await expect(transport.request({ ...get("/"), method: "POST" }, { signal: never })).rejects.toThrow("was lost");
    expect(connections).toBe(1);
  });

  it("sends the body of a DELETE, and no body with its length for a POST without one", async () => {
    const { transport } = await serve(
      async (request, response) => {
        let body = "";
        for await (const chunk of request) body += String(chunk);
        response.end(`${request.headers["content-length"]} ${request.headers["transfer-encoding"]} ${body}`);
      },
      { shortLived },
    );
    const ask = async (method: ApiRequest["method"], body?: ApiRequest["body"]) =>
      await text((await transport.request({ ...get("/"), method, body }, { signal: never })).body);
    const bytes = new TextEncoder().encode("{}");
    expect(await ask("DELETE", bytes)).toBe("2 undefined {}");
    expect(await ask("POST")).toBe("0 undefined ");
    expect(await ask("GET")).toBe("undefined undefined ");
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield bytes;
    }
    expect(await ask("DELETE", pieces())).toBe("undefined chunked {}");
  });

  it("ends when nothing more of an answer comes, but not while its reader takes his time", async () => {
    const { transport, port } = await serve(
      (_request, response) => {
        response.writeHead(200);
        response.write("one");
      },
      { shortLived, requestTimeoutMs: 100 },
    );
    const { body } = await transport.request(get("/"), { signal: never });
    const iterator = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    expect(await text((await iterator.next()).value as Uint8Array)).toBe("one");
    await expect(iterator.next()).rejects.toThrow(`The server 127.0.0.1:${port} did not answer in time`);
    const watched = await transport.request(get("/?watch=true"), { signal: never });
    const watch = (watched.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    await watch.next();
    const later = watch.next().then(() => "more");
    expect(await Promise.race([later, systemClock.sleep(300).then(() => "quiet")])).toBe("quiet");
  });

  // undici opens another where the one it has is just being given back.
  it.runIf(shortLived)("keeps a connection for the next request", async () => {
    const ports = new Set<number | undefined>();
    const { transport } = await serve(
      (request, response) => {
        ports.add(request.socket.remotePort);
        response.end("ok");
      },
      { shortLived },
    );
    for (let turn = 0; turn < 3; turn++)
      expect(await text((await transport.request(get("/"), { signal: never })).body)).toBe("ok");
    expect(ports.size).toBe(1);
  });

  it("does not answer in time when the head takes longer than requestTimeoutMs", async () => {
    const { transport } = await serve(() => {}, { shortLived, requestTimeoutMs: 100 });
    await expect(transport.request(get("/"), { signal: never })).rejects.toThrow("did not answer in time");
  });

  it("rejects a server that is no URL", () => {
    expect(() => httpTransport({ server: "ftp://a" })).toThrow("must be an http:// or https:// URL");
    expect(() => httpTransport({ server: "http://" })).toThrow(TypeError);
  });

  it("sends no credentials over http", async () => {
    const { transport } = await serve((request, response) => response.end(String(request.headers.authorization)), {
      shortLived,
      token: "secret",
    });
    expect(await text((await transport.request(get("/"), { signal: never })).body)).toBe("undefined");
  });
});

describe.each(engines)("httpTransport() %s over TLS", (_name, shortLived) => {
  interface TlsServer {
    readonly server: Server;
    readonly port: number;
    readonly ca: string;
    readonly certificate: { readonly cert: string; readonly key: string };
    readonly seen: IncomingMessage[];
  }

  async function serveTls(wanted = 0): Promise<TlsServer> {
    const authority = await createAuthority({ commonName: "ca", clock: systemClock });
    const issued = await issueCertificate(authority, {
      commonName: "server",
      ipAddresses: ["127.0.0.1"],
      dnsNames: ["api"],
      usage: "server",
      clock: systemClock,
    });
    const seen: IncomingMessage[] = [];
    const certificate = { cert: issued.certificate, key: issued.key };
    const server = createTlsServer(certificate, (request, response) => {
      seen.push(request);
      response.end("ok");
    }) as unknown as Server;
    return { server, port: await listen(server, wanted), ca: authority.certificate, certificate, seen };
  }

  function connect(options: HttpTransportOptions): Transport {
    const transport = httpTransport({ shortLived, ...options });
    closers.push(() => transport[Symbol.asyncDispose]());
    return transport;
  }

  it("trusts the given authority, and sends token and impersonation", async () => {
    const { port, ca, seen } = await serveTls();
    let turn = 0;
    const transport = connect({
      server: `https://127.0.0.1:${port}`,
      ca,
      token: async () => `token-${++turn}`,
      impersonate: { user: "alice", groups: ["a", "b"], extra: { "x/y": ["1"] } },
    });
    for (let count = 0; count < 2; count++)
      expect(await text((await transport.request(get("/"), { signal: never })).body)).toBe("ok");
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(["Bearer token-1", "Bearer token-2"]);
    const raw = seen[0]?.rawHeaders ?? [];
    expect(raw.filter((_, at) => raw[at - 1]?.toLowerCase() === "impersonate-group")).toEqual(["a", "b"]);
    expect(seen[0]?.headers).toMatchObject({ "impersonate-user": "alice", "impersonate-extra-x%2fy": "1" });
    const basic = connect({ server: `127.0.0.1:${port}`, ca, username: "ü", password: "p" });
    await basic.request(get("/"), { signal: never });
    expect(seen[2]?.headers.authorization).toBe(`Basic ${Buffer.from("ü:p").toString("base64")}`);
  });

  it("shows the client's certificate, and says when the server wants none such", async () => {
    const authority = await createAuthority({ commonName: "ca", clock: systemClock });
    const issue = (usage: "server" | "client", commonName: string) =>
      issueCertificate(authority, { commonName, ipAddresses: ["127.0.0.1"], usage, clock: systemClock });
    const [own, alice] = await Promise.all([issue("server", "server"), issue("client", "alice")]);
    const port = await listen(
      createTlsServer(
        { cert: own.certificate, key: own.key, ca: authority.certificate, requestCert: true },
        (request, response) => response.end((request.socket as TLSSocket).getPeerCertificate().subject?.CN ?? "nobody"),
      ) as unknown as Server,
    );
    const server = `https://127.0.0.1:${port}`;
    const ca = authority.certificate;
    const asked = async (options: Partial<HttpTransportOptions>) =>
      await text((await connect({ server, ca, ...options }).request(get("/"), { signal: never })).body);
    expect(await asked({ cert: alice.certificate, key: alice.key })).toBe("alice");
    await expect(asked({ cert: alice.certificate, key: "no key" })).rejects.toThrow(ConnectionError);
  });

  it.each(["http", "https"])("goes through a proxy by %s, which sees nothing of it", async (scheme) => {
    const { port, ca, certificate } = await serveTls();
    const seen: string[] = [];
    const proxy = scheme === "http" ? createServer() : (createTlsServer(certificate) as unknown as Server);
    proxy.on("connect", (request, socket, head) => {
      seen.push(`${request.url} ${request.headers["proxy-authorization"]}`);
      const target = connectTcp(port, "127.0.0.1", () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
      target.write(head);
      for (const side of [socket, target]) side.on("error", () => {});
      target.pipe(socket).pipe(target);
    });
    const through = new URL(`${scheme}://me:secret@127.0.0.1:${await listen(proxy)}`);
    const transport = connect({ server: "https://api:6443", ca, proxy: through, token: "hidden" });
    for (let turn = 0; turn < 2; turn++)
      expect(await text((await transport.request(get("/"), { signal: never })).body)).toBe("ok");
    expect(seen[0]).toBe(`api:6443 Basic ${Buffer.from("me:secret").toString("base64")}`);
  });

  // Deno's sockets do not resume sessions: nothing is kept there.
  it.skipIf("Deno" in globalThis)(
    "resumes the session that an earlier program kept with a server it checked",
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "wherry-sessions-"));
      closers.push(() => rm(folder, { recursive: true, force: true }));
      const sessionPath = join(folder, "below", "x.session");
      const { server, port, ca, certificate, seen } = await serveTls();
      const options = { server: `https://127.0.0.1:${port}`, ca, sessionPath };
      /** Whether the request of a new program went over a resumed session. */
      const resumes = async (more: Partial<HttpTransportOptions> = {}, at = seen) => {
        await text((await connect({ ...options, ...more }).request(get("/"), { signal: never })).body);
        return (at.at(-1)?.socket as TLSSocket | undefined)?.isSessionReused();
      };
      const kept = () => vi.waitFor(() => readFile(sessionPath, "utf8"), { timeout: 20_000 });
      expect(await resumes()).toBe(false);
      const first = await kept();
      expect((await stat(sessionPath)).mode & 0o777).toBe(0o600);
      expect(await resumes()).toBe(true);
      // What others could have written counts for nothing, nor does it for who trusts another authority.
      await chmod(sessionPath, 0o644);
      expect(await resumes()).toBe(false);
      await vi.waitFor(async () => expect(await kept()).not.toBe(first), { timeout: 20_000 });
      const stranger = await serveTls();
      await expect(resumes({ ca: stranger.ca })).rejects.toThrow("certificate signed by unknown authority");
      expect(await resumes({ tlsServerName: "api" })).toBe(false);
      // Another one in its place is not let in; itself is, when it has forgotten.
      await stop(server);
      const impostor = await serveTls(port);
      await expect(resumes()).rejects.toThrow("certificate signed by unknown authority");
      expect(impostor.seen).toEqual([]);
      await stop(impostor.server);
      const again: IncomingMessage[] = [];
      const restarted = createTlsServer(certificate, (request, response) => {
        again.push(request);
        response.end("ok");
      });
      await listen(restarted as unknown as Server, port);
      expect(await resumes({}, again)).toBe(false);
      // A session would stand for the client's certificate as well.
      await rm(sessionPath);
      expect(await resumes({ cert: certificate.cert, key: certificate.key }, again)).toBe(false);
      await expect(stat(sessionPath)).rejects.toThrow("ENOENT");
    },
  );

  it("says what is wrong with a certificate, unless told not to look", async () => {
    const { port, ca } = await serveTls();
    const server = `https://127.0.0.1:${port}`;
    await expect(connect({ server }).request(get("/"), { signal: never })).rejects.toThrow(
      `Unable to connect to the server 127.0.0.1:${port}: certificate signed by unknown authority`,
    );
    await expect(connect({ server, ca, tlsServerName: "other" }).request(get("/"), { signal: never })).rejects.toThrow(
      "its certificate is not for",
    );
    expect((await connect({ server, ca, tlsServerName: "api" }).request(get("/"), { signal: never })).status).toBe(200);
    expect((await connect({ server, insecureSkipTlsVerify: true }).request(get("/"), { signal: never })).status).toBe(
      200,
    );
  });
});

describe("httpTransport().upgrade()", () => {
  async function serveSockets(onSocket: (socket: WebSocket, request: IncomingMessage) => void): Promise<Transport> {
    const { transport, server } = await serve((_request, response) => response.end());
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => "v5.channel.k8s.io" });
    server.on("upgrade", (request, socket, head) => {
      if (request.url?.includes("refuse")) {
        const body = JSON.stringify(StatusError.forbidden({ group: "", plural: "pods" }, "web", "no").status);
        socket.end(
          `HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        );
      } else sockets.handleUpgrade(request, socket, head, (webSocket) => onSocket(webSocket, request));
    });
    return transport;
  }
  const protocols = ["v5.channel.k8s.io"];

  it("exchanges messages, whatever their size, until one side closes", async () => {
    const transport = await serveSockets((socket) => {
      socket.on("message", (data: Buffer) => {
        if (data.length === 0) socket.close(1000);
        else socket.send(data);
      });
    });
    const stream = await transport.upgrade(get("/exec?command=a"), { protocols, signal: never });
    expect(stream.protocol).toBe("v5.channel.k8s.io");
    const sizes = [1, 70_000, 3_000_000, 5];
    void (async () => {
      for (const size of sizes) await stream.send(new Uint8Array(size).fill(7));
      await stream.send(new Uint8Array());
    })();
    const seen: number[] = [];
    for await (const message of stream) seen.push(message.length);
    expect(seen).toEqual(sizes);
    await expect(stream.send(Uint8Array.of(1))).rejects.toThrow();
  });

  it("throws the Status of a refusal", async () => {
    const transport = await serveSockets(() => {});
    await expect(transport.upgrade(get("/refuse"), { protocols, signal: never })).rejects.toMatchObject({
      code: 403,
      reason: "Forbidden",
      message: 'pods "web" is forbidden: no',
    });
  });

  it("ends when aborted, and throws when the connection is lost", async () => {
    const transport = await serveSockets((socket, request) => {
      if (request.url?.includes("lose")) socket.terminate();
    });
    const controller = new AbortController();
    const stream = await transport.upgrade(get("/exec"), { protocols, signal: controller.signal });
    const ended = (async () => {
      for await (const _ of stream);
      return "ended";
    })();
    controller.abort(new Error("enough"));
    expect(await ended).toBe("ended");
    await expect(stream.send(Uint8Array.of(1))).rejects.toThrow("enough");
    const lost = await transport.upgrade(get("/lose"), { protocols, signal: never });
    await expect(
      (async () => {
        for await (const _ of lost);
      })(),
    ).rejects.toThrow("was lost");
  });
});
