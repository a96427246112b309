import { dnsSubdomainError } from "../../core/api/kind.ts";
import type { JsonObject } from "../../core/api/meta.ts";
import type { FlagOf, FlagTable } from "../../core/flags/flag.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { type GeneratorCall, generatorVerb, listFlag, split, textFlag } from "./generator.ts";

const tcpFlag: { readonly tcp: FlagOf<"list"> } = { tcp: listFlag("Ports, PORT or PORT:TARGET.", "ports") };

/** What the types of services differ in. */
interface ServiceType<F extends FlagTable> {
  readonly type: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName";
  readonly flags: F;
  readonly required?: readonly string[];
  readonly example: readonly [what: string, line: string];
  /** What the type's own flags put into the spec, and the port that nodes open. @throws UsageError */
  details?(flags: GeneratorCall<F & typeof tcpFlag>["flags"]): {
    readonly spec: JsonObject;
    readonly nodePort?: number;
  };
}

/** Makes a service; the kinds of services are verbs of their own. */
export const createService: Verb = defineVerb({
  name: "service",
  aliases: ["svc"],
  group: "Change",
  summary: "Create a service.",
  flags: {},
  verbs: [
    serviceVerb({
      type: "ClusterIP",
      flags: { clusterip: textFlag("Address of the service, or None.", "address") },
      example: ["Port 80, on 8080 in the pods", "wherry create service clusterip web --tcp=80:8080"],
      details: ({ clusterip }) => ({ spec: clusterip ? { clusterIP: clusterip } : {} }),
    }),
    serviceVerb({
      type: "NodePort",
      flags: { "node-port": { type: "number", default: 0, placeholder: "port", description: "Port on each node." } },
      example: ["On a port of one's choice", "wherry create service nodeport web --tcp=80 --node-port=30080"],
      details: ({ "node-port": nodePort }) => ({ spec: {}, nodePort }),
    }),
    serviceVerb({
      type: "LoadBalancer",
      flags: {},
      example: ["Two ports", "wherry create service loadbalancer web --tcp=80:8080 --tcp=443:8443"],
    }),
    serviceVerb({
      type: "ExternalName",
      flags: { "external-name": textFlag("Name that it stands for.", "name") },
      required: ["external-name"],
      example: ["A name outside", "wherry create service externalname database --external-name=db.example.com"],
      details({ "external-name": externalName = "" }) {
        if (dnsSubdomainError(externalName) !== undefined)
          throw new UsageError(`invalid service external name ${externalName}`);
        return { spec: { externalName } };
      },
    }),
  ],
});

function serviceVerb<const F extends FlagTable>({ type, flags, required, example, details }: ServiceType<F>): Verb {
  return generatorVerb<F & typeof tcpFlag>({
    name: type.toLowerCase(),
    summary: `Create a service of type ${type}.`,
    flags: { ...flags, ...tcpFlag },
    ...(required ? { required } : {}),
    examples: [example],
    namespaced: true,
    failure: `failed to create ${type} service: `,
    make(call) {
      const { name } = call;
      const tcp = split((call.flags as { readonly tcp: readonly string[] }).tcp);
      const { spec: own = {}, nodePort = 0 } = details?.(call.flags) ?? {};
      if (own["clusterIP"] !== "None" && tcp.length === 0 && type !== "ExternalName")
        throw new UsageError("at least one tcp port specifier must be provided");
      const ports = tcp.map((text) => ({
        name: text.replaceAll(":", "-"),
        ...(nodePort ? { nodePort } : {}),
        ...portsOf(text),
        protocol: "TCP",
      }));
      return {
        apiVersion: "v1",
        kind: "Service",
        metadata: { labels: { app: name }, name },
        spec: { ...own, ...(ports.length > 0 ? { ports } : {}), selector: { app: name }, type },
        status: { loadBalancer: {} },
      };
    },
  });
}

function portsOf(text: string): { readonly port: number; readonly targetPort: number | string } {
  const [first = "", second] = text.split(":");
  if (!/^\d{1,9}$/.test(first)) throw new UsageError(`strconv.ParseUint: parsing "${first}": invalid syntax`);
  const port = Number(first);
  if (port > 65535) throw new UsageError(`strconv.ParseUint: parsing "${first}": value out of range`);
  if (second === undefined) return { port, targetPort: port };
  if (!/^-?\d+$/.test(second)) {
    if (!/^[a-z0-9-]{1,15}$/.test(second) || !/[a-z]/.test(second) || /--|^-|-$/.test(second))
      throw new UsageError(portNameError(second));
    return { port, targetPort: second };
  }
  if (Number(second) < 1 || Number(second) > 65535) throw new UsageError("must be between 1 and 65535, inclusive");
  return { port, targetPort: Number(second) };
}

/** @see k8s.io/apimachinery/pkg/util/validation IsValidPortName */
function portNameError(name: string): string {
  const errors: string[] = [];
  if (name.length > 15) errors.push("must be no more than 15 characters");
  if (!/^[-a-z0-9]+$/.test(name)) errors.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(name)) errors.push("must contain at least one letter (a-z)");
  if (name.includes("--")) errors.push("must not contain consecutive hyphens");
  if (name.startsWith("-") || name.endsWith("-")) errors.push("must not begin or end with a hyphen");
  return errors.join(",");
}
