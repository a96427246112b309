import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { readBody } from "../../../core/client/transport.ts";
import type { Node } from "../../../core/kinds/node.ts";
import { servingCertificateAnnotation } from "../../../core/kinds/node_server.ts";
import {
  type CertificateAndKey,
  createAuthority,
  fingerprint,
  issueCertificate,
  selfSigned,
} from "../../../core/platform/certificates.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { tlsNodeConnector } from "../../../master_daemon/apiserver/node_connector.ts";

let authority: CertificateAndKey;
let client: CertificateAndKey;
let serving: CertificateAndKey;

beforeAll(async () => {
  const clock = systemClock;
  authority = await createAuthority({ commonName: "ca", clock });
  client = await issueCertificate(authority, { commonName: "kube-apiserver-kubelet-client", usage: "client", clock });
  serving = await selfSigned({ commonName: "n1", usage: "server", clock });
});

/** A node daemon: says who asked for what, and echoes upgraded connections. */
async function nodeDaemon(): Promise<(annotation?: string) => Node> {
  const server = createServer(
    { cert: serving.certificate, key: serving.key, ca: authority.certificate, requestCert: true },
    (request, response) =>
      response.end(`${(request.socket as TLSSocket).getPeerCertificate().subject.CN} ${request.url}`),
  );
  server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
    if (request.url === "/refuse") {
      const body = JSON.stringify({ kind: "Status", code: 400, reason: "BadRequest", message: "no such port" });
      socket.end(`HTTP/1.1 400 Bad Request\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
      return;
    }
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\nhi `,
    );
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return (annotation = fingerprint(serving.certificate)) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "n1", annotations: annotation ? { [servingCertificateAnnotation]: annotation } : {} },
    status: {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    },
  });
}

const signal = new AbortController().signal;

describe("tlsNodeConnector()", () => {
  it("asks the node as the client that it knows", async () => {
    const node = await nodeDaemon();
    const { status, body } = await tlsNodeConnector({ client }).request(node(), "/containerLogs/a/b/c?follow=true", {
      signal,
    });
    expect([status, new TextDecoder().decode(await readBody(body))]).toEqual([
      200,
      "kube-apiserver-kubelet-client /containerLogs/a/b/c?follow=true",
    ]);
  });

  it("upgrades, keeping half-close and what came with the head", async () => {
    const node = await nodeDaemon();
    const connection = await tlsNodeConnector({ client }).upgrade(
      node(),
      "/portForward/a/b?port=80",
      "wherry-bytes/1",
      { signal },
    );
    connection.end("there");
    const parts: Uint8Array[] = [];
    for await (const part of connection) parts.push(part);
    expect(Buffer.concat(parts).toString()).toBe("hi there");
  });

  it("throws the node's Status when it refuses", async () => {
    const node = await nodeDaemon();
    await expect(
      tlsNodeConnector({ client }).upgrade(node(), "/refuse", "wherry-bytes/1", { signal }),
    ).rejects.toMatchObject({ code: 400, message: "no such port" });
  });

  it("talks to nobody but the node whose certificate is known", async () => {
    const node = await nodeDaemon();
    const connector = tlsNodeConnector({ client });
    await expect(connector.request(node(""), "/", { signal })).rejects.toThrow(
      /lacks the annotation wherry\.dev\/serving-certificate-sha256/,
    );
    await expect(connector.request(node("00".repeat(32)), "/", { signal })).rejects.toThrow(
      /shows another certificate/,
    );
  });

  it("says which address cannot be reached", async () => {
    const node = await nodeDaemon();
    const present = node();
    const gone: Node = { ...present, status: { ...present.status, daemonEndpoints: { kubeletEndpoint: { Port: 1 } } } };
    await expect(tlsNodeConnector({ client }).request(gone, "/", { signal })).rejects.toThrow(
      /dial tcp 127\.0\.0\.1:1: .*ECONNREFUSED/,
    );
    const { status: _status, ...bare } = present;
    await expect(tlsNodeConnector({ client }).request(bare, "/", { signal })).rejects.toThrow(/no InternalIP/);
  });

  it("gives up when aborted", async () => {
    const node = await nodeDaemon();
    const controller = new AbortController();
    controller.abort(new Error("enough"));
    await expect(tlsNodeConnector({ client }).request(node(), "/", { signal: controller.signal })).rejects.toThrow(
      "enough",
    );
  });
});
