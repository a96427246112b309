import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { Agent, request } from "undici";
import { onTestFinished } from "vitest";
import type { Json, JsonObject } from "../../core/api/meta.ts";
import { systemClock } from "../../core/platform/clock.ts";
import { systemRandom } from "../../core/platform/random.ts";
import { silentLogger } from "../../core/util/log.ts";
import { type Master, startMaster } from "../../master_daemon/master.ts";
import type { MasterOptions } from "../../master_daemon/master_options.ts";

export const token = "security-token-1234567890";
export const bearer: Readonly<Record<string, string>> = { authorization: `Bearer ${token}` };

/** An answer, read whole. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** The body as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect.
  readonly json: any;
}

/** What a request may have besides method and path. */
export interface AskOptions {
  readonly body?: Json | string | Uint8Array | AsyncIterable<Uint8Array>;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** False: no token. */
  readonly isKnown?: boolean;
}

/** A master over TLS, and short ways to ask it. */
export interface Target {
  readonly master: Master;
  readonly ca: string;
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>;
  /** Sends text as it stands on a connection of its own, and gives what comes back until the connection ends. */
  raw(text: string | Uint8Array, options?: { readonly cert?: string; readonly key?: string }): Promise<string>;
  /** A connection of its own. */
  dial(options?: object): Promise<TLSSocket>;
  close(): Promise<void>;
}

export async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "wherry-security-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Starts a master that ends with `closes`, by default the test. */
export async function openMaster(
  options: Partial<MasterOptions> = {},
  closes: (close: () => Promise<void>) => void = onTestFinished,
): Promise<Target> {
  const master = await startMaster({
    listen: { port: 0 },
    tokens: new Map([[token, { username: "alice", groups: ["system:masters"] }]]),
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    ...options,
  });
  const ca = await master.ca();
  const dispatcher = new Agent({ connect: { ca }, bodyTimeout: 0, headersTimeout: 0, pipelining: 1 });
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    await dispatcher.destroy();
    await master[Symbol.asyncDispose]();
  };
  closes(close);
  const dial = (more: object = {}) =>
    new Promise<TLSSocket>((resolve, reject) => {
      const socket = connect({ port: master.port ?? 0, host: "127.0.0.1", ca, ALPNProtocols: ["http/1.1"], ...more });
      socket.on("error", reject);
      socket.once("secureConnect", () => resolve(socket));
    });
  return {
    master,
    ca,
    dial,
    async ask(method, path, { body, type = "application/json", headers = {}, isKnown = true } = {}) {
      const isBytes = typeof body === "string" || body instanceof Uint8Array;
      const isStream = typeof body === "object" && body !== null && Symbol.asyncIterator in body;
      const answer = await request(`${master.url}${path}`, {
        method: method as "GET",
        dispatcher,
        headers: { ...(isKnown ? bearer : {}), ...(body === undefined ? {} : { "content-type": type }), ...headers },
        body: body === undefined ? null : isBytes || isStream ? (body as string) : JSON.stringify(body),
      });
      const text = await answer.body.text();
      return {
        status: answer.statusCode,
        text,
        get json() {
          return JSON.parse(text);
        },
      };
    },
    async raw(text, more) {
      const socket = await dial(more);
      return new Promise((resolve) => {
        let received = "";
        socket.on("data", (part) => {
          received += part;
        });
        socket.removeAllListeners("error").on("error", () => {});
        socket.once("close", () => resolve(received));
        socket.write(text);
      });
    },
    close,
  };
}

export function configMap(name: string, data: Json = { a: "1" }, metadata: JsonObject = {}): JsonObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...metadata }, data };
}

export function podObject(name: string, spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { containers: [{ name: "main", image: "busybox", command: ["true"] }], ...spec },
  };
}

export const configMaps = "/api/v1/namespaces/default/configmaps";
export const pods = "/api/v1/namespaces/default/pods";

/** How many answers some received bytes hold. */
export function answersIn(text: string): number {
  return text.match(/HTTP\/1\.[01] \d\d\d/g)?.length ?? 0;
}
