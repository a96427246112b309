import type { JsonObject } from "../../core/api/meta.ts";
import { UsageError, type Verb } from "../verb.ts";
import { generatorVerb, listFlag, textFlag } from "./generator.ts";

// Without an end, as kubectl's: what follows is not looked at.
const rulePattern = /^[\w*\-.]*\/.*=[\w-]+:[\w-]+(,tls=?([\w-]+)?)?/;
const maxRuleLength = 4096;

/** Makes an ingress. */
export const createIngress: Verb = generatorVerb({
  name: "ingress",
  aliases: ["ing"],
  summary: "Create an ingress.",
  flags: {
    class: textFlag("Ingress class.", "name"),
    rule: listFlag(
      "host/path=service:port[,tls[=secret]]; a path that ends in * is a prefix. May be repeated.",
      "rule",
    ),
    "default-backend": textFlag("Service for what no rule takes, NAME:PORT.", "service"),
    annotation: listFlag("Annotation, KEY=VALUE; may be repeated.", "annotation"),
  },
  examples: [["One host", `wherry create ingress web --rule="example.com/*=web:80"`]],
  namespaced: true,
  failure: "failed to create ingress: ",
  make({ name, flags }) {
    const backend = flags["default-backend"];
    if (!backend && flags.rule.length === 0)
      throw new UsageError(
        "not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)",
      );
    for (const rule of flags.rule)
      if (rule.length > maxRuleLength || !rulePattern.test(rule))
        throw new UsageError(
          `rule ${rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]`,
        );
    for (const annotation of flags.annotation)
      if (!annotation.includes("="))
        throw new UsageError(`annotation ${annotation} is invalid and should be in format key=[value]`);
    if (backend && backend.split(":").length !== 2)
      throw new UsageError("default-backend should be in format servicename:serviceport");
    const annotations = flags.annotation.map((text) => {
      const equals = text.indexOf("=");
      return [text.slice(0, equals), text.slice(equals + 1)] as const;
    });
    const rules = rulesOf(flags.rule);
    const tls = tlsOf(flags.rule);
    return {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: { ...(annotations.length > 0 ? { annotations: Object.fromEntries(annotations) } : {}), name },
      spec: {
        ...(backend ? { defaultBackend: backendOf(backend) } : {}),
        ...(flags.class ? { ingressClassName: flags.class } : {}),
        ...(rules.length > 0 ? { rules } : {}),
        ...(tls.length > 0 ? { tls } : {}),
      },
      status: { loadBalancer: {} },
    };
  },
});

/** A rule for each host, its paths in order. */
function rulesOf(texts: readonly string[]): readonly JsonObject[] {
  const byHost = new Map<string, JsonObject[]>();
  for (const text of texts) {
    const [rule = ""] = text.split(",", 1);
    const slash = rule.indexOf("/");
    const host = rule.slice(0, slash);
    const [path = "", service = ""] = rule.slice(slash).split("=");
    const prefix = path.endsWith("*");
    byHost.set(host, [
      ...(byHost.get(host) ?? []),
      { backend: backendOf(service), path: prefix ? path.slice(0, -1) : path, pathType: prefix ? "Prefix" : "Exact" },
    ]);
  }
  return [...byHost].map(([host, paths]) => ({ ...(host ? { host } : {}), http: { paths } }));
}

/** The hosts of each secret; a host counts once. */
function tlsOf(texts: readonly string[]): readonly JsonObject[] {
  const bySecret = new Map<string, string[]>();
  const seen = new Set<string>();
  for (const text of texts) {
    const parts = text.split(",");
    const [rule = "", tls] = parts;
    if (parts.length !== 2 || tls === undefined) continue;
    const [host = ""] = rule.split("/", 1);
    const secret = tls.split("=")[1] ?? "";
    if (seen.has(host)) continue;
    seen.add(host);
    const hosts = bySecret.get(secret);
    if (hosts) hosts.push(host);
    else if (host || secret) bySecret.set(secret, host ? [host] : []);
  }
  return [...bySecret].map(([secretName, hosts]) => ({
    ...(hosts.length > 0 ? { hosts } : {}),
    ...(secretName ? { secretName } : {}),
  }));
}

function backendOf(text: string): JsonObject {
  const [name = "", port = ""] = text.split(":");
  return { service: { name, port: /^\d{1,10}$/.test(port) ? { number: Number(port) } : { name: port } } };
}
