import type { TlsSessions } from "../platform/dial.ts";
import { leavePrivateFile, readPrivateFile } from "../platform/files.ts";
import { sha256 } from "../platform/hash.ts";
import type { HttpTransportOptions } from "./http_transport.ts";
import { isLoopback } from "./proxy_settings.ts";

/**
 * The TLS sessions with a server, kept in a file of mode 0600: a program that resumes one need not read the authorities, which
 * takes longer than its request. Undefined where that would not do:
 *
 * - a session stands for the client's certificate too: none is kept where there is one;
 * - a server that forgot the session costs a second connection: only servers on this machine are so near;
 * - Deno's sockets do not resume.
 */
export function tlsSessions(path: string, options: HttpTransportOptions, url: URL): TlsSessions | undefined {
  const { ca, cert, key, insecureSkipTlsVerify, tlsServerName = "", proxy } = options;
  const isNear = url.protocol === "https:" && isLoopback(url.hostname) && !proxy;
  if ("Deno" in globalThis || !isNear || !ca || cert || key || insecureSkipTlsVerify) return undefined;
  // Whoever trusts somebody else, or expects another name, starts anew.
  const trust = sha256(JSON.stringify([url.origin, tlsServerName, Buffer.from(ca).toString("base64")]));
  return {
    read() {
      const [kept, session] = readPrivateFile(path)?.split("\n") ?? [];
      return kept === trust && session ? Buffer.from(session, "base64") : undefined;
    },
    write(session) {
      try {
        leavePrivateFile(path, `${trust}\n${Buffer.from(session).toString("base64")}`);
      } catch {
        // The next program does as this one.
      }
    },
  };
}
