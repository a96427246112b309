import { connect as connectTcp, isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { readUntil } from "./read_until.ts";
import { mendTlsReading } from "./tls_reading.ts";

/** Where {@linkcode dial} connects, and how. */
export interface DialOptions {
  readonly hostname: string;
  readonly port: number;
  /** Present: TLS is spoken. */
  readonly tls?: ConnectionOptions | undefined;
  /** `http://`, `https://` or `socks5://`, with a user where it asks for one. */
  readonly proxy?: URL | undefined;
  readonly timeoutMs: number;
  /** Idle milliseconds after which the system probes the peer. */
  readonly keepAliveProbeMs: number;
  /** TLS sessions with the server; it is checked again when it does not know the one that is kept. Default: none are kept. */
  readonly sessions?: TlsSessions | undefined;
}

/** Keeps the TLS session with a server for the next connection: who resumes it needs no certificates. It is a secret. */
export interface TlsSessions {
  /** The last one. */
  read(): Uint8Array | undefined;
  /** Called with a session of a server that was checked. */
  write(session: Uint8Array): void;
}

/** A connection, through a proxy where one is named. @throws Error the network's, or what the proxy said */
export async function dial(options: DialOptions): Promise<Socket> {
  const { tls, sessions } = options;
  if (!tls) return await connect(options);
  const session = sessions?.read();
  if (session) {
    const socket = await connect(options);
    // Only who knows the session gets in: nobody else's certificate can be right without an authority.
    const resumed = await secure(socket, options, { ...tls, ca: [], session: Buffer.from(session) }).catch(
      () => undefined,
    );
    if (resumed) return resumed;
  }
  return await secure(await connect(options), options, tls, sessions);
}

async function connect({ hostname, port, tls, proxy, keepAliveProbeMs, timeoutMs }: DialOptions): Promise<Socket> {
  const host = withoutBrackets(hostname);
  const socket = proxy ? await throughProxy(proxy, { host, port, timeoutMs }, tls) : await plain(host, port, timeoutMs);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, keepAliveProbeMs);
  return socket;
}

async function secure(
  socket: Socket,
  { hostname, timeoutMs }: DialOptions,
  tls: ConnectionOptions,
  sessions?: TlsSessions,
): Promise<Socket> {
  const host = withoutBrackets(hostname);
  const servername = tls.servername ?? (isIP(host) ? undefined : host);
  mendTlsReading();
  const secured = connectTls({
    ...tls,
    ...(servername ? { servername } : {}),
    socket,
    host,
    ALPNProtocols: ["http/1.1"],
  });
  if (sessions) secured.once("session", (session) => sessions.write(session));
  await happened(secured, "secureConnect", timeoutMs);
  return secured;
}

function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}

async function plain(host: string, port: number, timeoutMs: number): Promise<Socket> {
  const socket = connectTcp({ host, port });
  await happened(socket, "connect", timeoutMs);
  return socket;
}

/** As kubectl, a proxy that speaks TLS is checked as the server behind it is. */
async function throughProxy(
  proxy: URL,
  { host, port, timeoutMs }: Pick<Tunnel, "host" | "port" | "timeoutMs">,
  tls: ConnectionOptions = {},
): Promise<Socket> {
  const proxyHost = withoutBrackets(proxy.hostname);
  const isSocks = /^socks5h?:$/.test(proxy.protocol);
  const preset = isSocks ? 1080 : proxy.protocol === "https:" ? 443 : 80;
  let socket = await plain(proxyHost, Number(proxy.port) || preset, timeoutMs);
  if (proxy.protocol === "https:") {
    socket = connectTls({ ...(isIP(proxyHost) ? {} : { servername: proxyHost }), ...tls, socket, host: proxyHost });
    await happened(socket, "secureConnect", timeoutMs);
  }
  const user = decodeURIComponent(proxy.username);
  const password = decodeURIComponent(proxy.password);
  try {
    if (isSocks) await openSocks(socket, { host, port, user, password, timeoutMs });
    else await openTunnel(socket, { host, port, user, password, timeoutMs });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return socket;
}

interface Tunnel {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly timeoutMs: number;
}

/** @see https://www.rfc-editor.org/rfc/rfc9110#name-connect */
async function openTunnel(socket: Socket, { host, port, user, password, timeoutMs }: Tunnel): Promise<void> {
  const target = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const credentials = Buffer.from(`${user}:${password}`).toString("base64");
  socket.write(
    `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${user ? `Proxy-Authorization: Basic ${credentials}\r\n` : ""}\r\n`,
  );
  const head = await readUntil(
    socket,
    (bytes) => {
      const end = bytes.indexOf("\r\n\r\n");
      return end < 0 ? undefined : end + 4;
    },
    timeoutMs,
  );
  const [line = ""] = head.toString("latin1").split("\r\n", 1);
  if (!/^HTTP\/1\.[01] 200(?: |$)/.test(line))
    throw new Error(`the proxy refused: ${line.replace(/^HTTP\/1\.[01] /, "").replace(/[^ -~]/g, "") || "no answer"}`);
}

/** @see https://www.rfc-editor.org/rfc/rfc1928 and rfc1929 for the password */
async function openSocks(socket: Socket, { host, port, user, password, timeoutMs }: Tunnel): Promise<void> {
  const exactly = (count: number) =>
    readUntil(socket, (bytes) => (bytes.length >= count ? count : undefined), timeoutMs);
  socket.write(Uint8Array.of(5, 1, user ? 2 : 0));
  const [, method] = await exactly(2);
  if (method === 2) {
    const [name, word] = [Buffer.from(user).subarray(0, 255), Buffer.from(password).subarray(0, 255)];
    socket.write(Buffer.concat([Uint8Array.of(1, name.length), name, Uint8Array.of(word.length), word]));
    if ((await exactly(2))[1] !== 0) throw new Error("the proxy refused: wrong user or password");
  } else if (method !== 0) throw new Error("the proxy refused: it wants another way of authentication");
  const name = Buffer.from(host).subarray(0, 255);
  socket.write(Buffer.concat([Uint8Array.of(5, 1, 0, 3, name.length), name, Uint8Array.of(port >> 8, port & 0xff)]));
  const [, code, , kind, length = 0] = await exactly(5);
  if (code !== 0) throw new Error(`the proxy refused: SOCKS code ${code}`);
  await exactly((kind === 1 ? 4 : kind === 4 ? 16 : length + 1) - 1 + 2);
}

function happened(socket: Socket, event: "connect" | "secureConnect", timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error) => {
      socket.off(event, onEvent).off("error", done).off("timeout", onTimeout);
      socket.setTimeout(0);
      if (!error) return resolve();
      socket.destroy();
      reject(error);
    };
    const onEvent = () => done();
    const onTimeout = () => done(Object.assign(new Error("connect timed out"), { code: "ETIMEDOUT" }));
    socket.setTimeout(timeoutMs);
    socket.once(event, onEvent).once("error", done).once("timeout", onTimeout);
  });
}
