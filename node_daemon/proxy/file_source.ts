import { watch } from "node:fs";
import { isIP } from "node:net";
import { basename, dirname } from "node:path";
import { parse } from "@std/yaml";
import { readTextFile } from "../../core/platform/files.ts";
import { DisposalStack } from "../../core/util/disposal_stack.ts";
import { errorMessage } from "../../core/util/log.ts";
import { balancers } from "./balancers/mod.ts";
import { Proxier, type ProxierOptions } from "./proxier.ts";
import type { Endpoint, ProxyRule } from "./rules.ts";

/** Options of {@linkcode startFileProxy}. */
export interface FileProxyOptions extends ProxierOptions {
  /** YAML file that {@linkcode parseProxyFile} reads. Followed: a change applies at once. */
  readonly path: string;
}

/** Serves what a file lists, without a cluster. @throws SyntaxError when the file cannot be read as it stands at the start */
export async function startFileProxy(options: FileProxyOptions): Promise<AsyncDisposable> {
  const { path, log, clock } = options;
  const parts = new DisposalStack();
  const proxier = parts.use(new Proxier(options));
  const load = async () => {
    const text = await readTextFile(path);
    if (text === undefined) throw new Error(`Cannot read the proxy file: there is no file ${path}`);
    await proxier.apply(path, parseProxyFile(text));
  };
  await load();

  let cancel = () => {};
  parts.defer(() => cancel());
  // The folder is watched, not the file: editors replace files, and a watch on the old one would see nothing.
  const watcher = watch(dirname(path), (_event, name) => {
    if (name !== null && name !== basename(path)) return;
    cancel();
    cancel = clock.schedule(50, () => {
      load().then(
        () => log.info("Read the services again", { path }),
        (error: unknown) =>
          log.error("Cannot read the services; the last ones stay", { path, error: errorMessage(error) }),
      );
    });
  });
  parts.defer(() => watcher.close());
  return parts;
}

/**
 * Rules of a proxy file:
 *
 * ```yaml
 * services:
 *   - name: web
 *     listen: 127.0.0.1:8080
 *     protocol: TCP          # or UDP; default TCP
 *     balancer: round-robin  # or random; default: the proxy's
 *     affinitySeconds: 600   # default: none
 *     endpoints: [127.0.0.1:9001, 127.0.0.1:9002]
 * ```
 *
 * @throws SyntaxError naming the field and what it may be
 */
export function parseProxyFile(text: string): readonly ProxyRule[] {
  const file = record(parse(text), "file");
  return list(file["services"], "services").map((entry, index) => {
    const field = `services[${index}]`;
    const { name, listen, protocol = "TCP", balancer, affinitySeconds, endpoints } = record(entry, field);
    if (typeof name !== "string" || !name) throw invalid(`${field}.name`, "a name is required");
    if (protocol !== "TCP" && protocol !== "UDP") throw invalid(`${field}.protocol`, "must be TCP or UDP");
    if (balancer !== undefined && (typeof balancer !== "string" || !balancers.has(balancer))) {
      throw invalid(`${field}.balancer`, `must be one of ${[...balancers.keys()].join(", ")}`);
    }
    if (affinitySeconds !== undefined && (typeof affinitySeconds !== "number" || !(affinitySeconds > 0))) {
      throw invalid(`${field}.affinitySeconds`, "must be a number of seconds above 0");
    }
    const { ip: address, port } = hostPort(listen, `${field}.listen`);
    return {
      service: name,
      protocol,
      address,
      port,
      balancer,
      affinityTimeoutMs: affinitySeconds === undefined ? undefined : affinitySeconds * 1000,
      endpoints: list(endpoints, `${field}.endpoints`).map((value, at) => hostPort(value, `${field}.endpoints[${at}]`)),
    };
  });
}

function hostPort(value: unknown, field: string): Endpoint {
  const [, bracketed, plain, digits = ""] =
    (typeof value === "string" && /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(value)) || [];
  const ip = bracketed ?? plain ?? "";
  const port = Number(digits);
  if (!isIP(ip) || port < 1 || port > 65_535) throw invalid(field, "must be ADDRESS:PORT, e.g. 127.0.0.1:8080");
  return { ip, port };
}

function record(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(field, "must be a map");
  return value as Record<string, unknown>;
}

function list(value: unknown, field: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(field, "must be a list");
  return value;
}

function invalid(field: string, remedy: string): SyntaxError {
  return new SyntaxError(`Cannot read the proxy file: ${field}: ${remedy}`);
}
