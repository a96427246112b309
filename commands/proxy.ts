import { untilAborted } from "./daemon.ts";
import { proxyFilter } from "./proxy/filter.ts";
import { forward, forwardUpgrade, plainAnswer } from "./proxy/forward.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Serves the API on this machine, with the user's credentials. */
export const proxy: Verb = defineVerb({
  name: "proxy",
  group: "Look inside",
  summary: "Serve the API on this machine, with your credentials.",
  words: "[ignored...]",
  flags: {
    "accept-hosts": {
      type: "string",
      default: "^localhost$,^127\\.0\\.0\\.1$,^\\[::1\\]$",
      placeholder: "regexps",
      description: "Hosts that requests may be for.",
    },
    "accept-paths": { type: "string", default: "^.*", placeholder: "regexps", description: "Paths that are served." },
    "reject-methods": {
      type: "string",
      default: "^$",
      placeholder: "regexps",
      description: "Methods that are refused.",
    },
    "reject-paths": {
      type: "string",
      default: "^/api/.*/pods/.*/exec,^/api/.*/pods/.*/attach",
      placeholder: "regexps",
      description: "Paths that are refused all the same.",
    },
    "disable-filter": {
      type: "boolean",
      description: "Serve everything to everybody who reaches the port. Dangerous.",
    },
    address: { type: "string", default: "127.0.0.1", placeholder: "address", description: "Address to listen on." },
    port: {
      type: "number",
      short: "p",
      default: 8001,
      placeholder: "port",
      description: "Port; 0 takes any free one.",
    },
    "unix-socket": { type: "string", short: "u", placeholder: "path", description: "Unix socket to listen on." },
    "api-prefix": {
      type: "string",
      default: "/",
      placeholder: "path",
      description: "Path under which the API is served.",
    },
    www: { type: "string", short: "w", placeholder: "folder", description: "Folder whose files are served too." },
    "www-prefix": {
      type: "string",
      short: "P",
      default: "/static/",
      placeholder: "path",
      description: "Path under which those files are served.",
    },
    keepalive: { type: "duration", placeholder: "duration", description: "Accepted, and left to the system." },
    "append-server-path": { type: "boolean", description: "Accepted: the server's path is always appended." },
  },
  examples: [
    ["The whole API", "wherry proxy"],
    ["On any free port", "wherry proxy --port=0"],
  ],
  async run({ flags, env }) {
    if (flags.port !== 8001 && flags["unix-socket"])
      throw new UsageError("cannot set --unix-socket and --port at the same time");
    const client = await env.client();
    const filter = flags["disable-filter"] ? undefined : proxyFilter(flags);
    if (!filter && !flags["unix-socket"])
      env.terminal.warn("Request filter disabled, your proxy is vulnerable to XSRF attacks, please be cautious");
    const apiPrefix = slashed(flags["api-prefix"]);
    const filesPrefix = slashed(flags["www-prefix"]);
    const { serveHttp } = await import("../core/platform/http_server.ts");
    const where = flags["unix-socket"]
      ? { unixSocket: flags["unix-socket"] }
      : { address: flags.address, port: flags.port };
    const apiPath = (path: string) => path.slice(apiPrefix.length - 1);
    const server = await serveHttp(where, {
      async handle(request) {
        if (flags.www && request.path.startsWith(filesPrefix)) {
          const { staticFile } = await import("./proxy/static_file.ts");
          return await staticFile(flags.www, request.path.slice(filesPrefix.length));
        }
        if (!request.path.startsWith(apiPrefix)) return notFound;
        return await forward(client, { ...request, path: apiPath(request.path) }, filter);
      },
      async connect(request) {
        if (!request.path.startsWith(apiPrefix)) return { ...notFound, socket: undefined };
        return await forwardUpgrade(client, { ...request, path: apiPath(request.path) }, filter);
      },
    });
    try {
      await env.terminal.write(`Starting to serve on ${server.address}\n`);
      await untilAborted(env.signal);
      return 0;
    } finally {
      server.close();
    }
  },
});

const notFound = plainAnswer(404, "404 page not found\n");

function slashed(path: string): string {
  const begun = path.startsWith("/") ? path : `/${path}`;
  return begun.endsWith("/") ? begun : `${begun}/`;
}
