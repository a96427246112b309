import { asJson, asObject } from "../core/api/json_object.ts";
import type { LabelSelector } from "../core/api/labels.ts";
import type { JsonObject, KubeObject, StringMap } from "../core/api/meta.ts";
import { applyJsonPatch, applyMergePatch, applyStrategicPatch } from "../core/api/patch/mod.ts";
import { parseYaml } from "../core/api/yaml.ts";
import type { Container } from "../core/kinds/pod.ts";
import { type Service, service as serviceKind } from "../core/kinds/service.ts";
import { recordFlag } from "./change_cause.ts";
import { textFlag } from "./create/generator.ts";
import { intOrText } from "./create/pod_disruption_budget.ts";
import { manifestFlags } from "./manifests.ts";
import { objectPrinter, printFlags } from "./output/object_printer.ts";
import { groupKind } from "./rollout/progress.ts";
import { withSavedStruct } from "./saved_struct.ts";
import { findTargets } from "./targets.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";
import { dryRunFlag, dryRunOf, fieldManagerFlag, saveConfigFlag, structPrinterOptions } from "./write_flags.ts";

const exposable: ReadonlySet<string> = new Set([
  "ReplicationController",
  "Service",
  "Pod",
  "Deployment.apps",
  "ReplicaSet.apps",
]);
const maxNameLength = 63;

/** Makes a service for a workload. */
export const expose: Verb = defineVerb({
  name: "expose",
  group: "Change",
  summary: "Make a service for a workload.",
  words: "[type] [names...]",
  flags: {
    ...manifestFlags,
    ...printFlags,
    ...dryRunFlag,
    ...saveConfigFlag,
    ...fieldManagerFlag("kubectl-expose"),
    ...recordFlag,
    protocol: textFlag("Protocol of the ports; default TCP, or that of the workload's.", "protocol"),
    port: textFlag("Port of the service; default: the ports of the workload.", "port"),
    type: textFlag("Type of the service: ClusterIP, NodePort, LoadBalancer or ExternalName.", "type"),
    "load-balancer-ip": textFlag("Address of the load balancer.", "address"),
    selector: textFlag("Labels of the pods; default: those that the workload selects.", "labels"),
    labels: { type: "string", short: "l", placeholder: "labels", description: "Labels of the service." },
    "target-port": textFlag("Name or number of the port in the pods.", "port"),
    "external-ip": textFlag("One more address that leads to the service.", "address"),
    name: textFlag("Name of the service; default: that of the workload.", "name"),
    "session-affinity": textFlag("None or ClientIP.", "affinity"),
    "cluster-ip": textFlag("Address of the service, or None.", "address"),
    overrides: textFlag("JSON to change the service with.", "json"),
    "override-type": {
      type: "string",
      default: "merge",
      placeholder: "type",
      description: "How --overrides is to be read: merge, strategic or json.",
    },
  },
  examples: [["Port 80, on 8080 in the pods", "wherry expose deploy/web --port=80 --target-port=8080"]],
  async run({ flags, words, env }) {
    const dryRun = dryRunOf(flags, env);
    const print = await objectPrinter(flags, structPrinterOptions(dryRun, env));
    const targets = await findTargets({ words, manifests: flags }, env);
    await targets.visitLoaded(async ({ resource, key, object }) => {
      const kind = groupKind({
        apiVersion: resource.group ? `${resource.group}/${resource.version}` : "v1",
        kind: resource.kind,
      });
      if (!exposable.has(kind)) throw new UsageError(`cannot expose a ${kind}`);
      const made = overridden(serviceFor(object, key.name.slice(0, maxNameLength), flags), flags);
      const namespace = await env.namespace();
      if (dryRun === "client")
        return await print(env.namespaceGiven ? withNamespaceOf(made, namespace) : made, "exposed");
      const client = await env.client();
      const wanted = withNamespaceOf(await withSavedStruct(made, flags["save-config"]), namespace);
      const created = await client.create(serviceKind, wanted as Service, {
        dryRun: dryRun === "server",
        fieldManager: flags["field-manager"],
        signal: env.signal,
      });
      await print(created, "exposed");
    });
    return 0;
  },
});

interface ExposeFlags {
  readonly protocol: string | undefined;
  readonly port: string | undefined;
  readonly type: string | undefined;
  readonly "load-balancer-ip": string | undefined;
  readonly selector: string | undefined;
  readonly labels: string | undefined;
  readonly "target-port": string | undefined;
  readonly "external-ip": string | undefined;
  readonly name: string | undefined;
  readonly "session-affinity": string | undefined;
  readonly "cluster-ip": string | undefined;
}

interface Workload extends KubeObject {
  readonly spec?: {
    readonly selector?: LabelSelector | StringMap;
    readonly template?: { readonly metadata?: { readonly labels?: StringMap }; readonly spec?: PodSpecPart };
    readonly ports?: readonly { readonly port: number; readonly protocol?: string }[];
  } & PodSpecPart;
}

interface PodSpecPart {
  readonly containers?: readonly Container[];
}

interface FoundPort {
  readonly port: number;
  readonly protocols: readonly string[];
}

/** The service for an object. Pure. @throws UsageError when something is missing that nothing can be told from */
function serviceFor(object: KubeObject, defaultName: string, flags: ExposeFlags): KubeObject {
  const selector = flags.selector ? parseLabels(flags.selector) : selectorOf(object);
  const found = portsOf(object as Workload);
  const headless = flags["cluster-ip"] === "None";
  if (!flags.port && found.length === 0 && !headless)
    throw new UsageError("couldn't find port via --port flag or introspection");
  const labels = flags.labels ? parseLabels(flags.labels) : object.metadata.labels;
  const affinity = flags["session-affinity"];
  if (affinity && affinity !== "None" && affinity !== "ClientIP")
    throw new UsageError(`unknown session affinity: ${affinity}`);
  const ports = servicePorts(flags, found);
  return asObject({
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...(labels && Object.keys(labels).length > 0 ? { labels } : {}), name: flags.name || defaultName },
    spec: {
      ...(flags["cluster-ip"] ? { clusterIP: flags["cluster-ip"] } : {}),
      ...(flags["external-ip"] ? { externalIPs: [flags["external-ip"]] } : {}),
      ...(flags.type === "LoadBalancer" && flags["load-balancer-ip"]
        ? { loadBalancerIP: flags["load-balancer-ip"] }
        : {}),
      ...(ports.length > 0 ? { ports } : {}),
      selector,
      ...(affinity ? { sessionAffinity: affinity } : {}),
      ...(flags.type ? { type: flags.type } : {}),
    },
    status: { loadBalancer: {} },
  });
}

function servicePorts(flags: ExposeFlags, found: readonly FoundPort[]): readonly JsonObject[] {
  const wanted = flags.port ? flags.port.split(",") : found.map(({ port }) => String(port));
  const target = flags["target-port"];
  return wanted.flatMap((text, index) => {
    if (!/^[-+]?\d{1,10}$/.test(text)) throw new UsageError(`strconv.Atoi: parsing "${text}": invalid syntax`);
    const port = Number(text);
    const known = found.find((one) => one.port === port)?.protocols ?? [];
    const protocols = flags.protocol ? [flags.protocol] : known.length > 0 ? known : ["TCP"];
    const name = wanted.length > 1 ? `port-${index + 1}` : undefined;
    return protocols.map((protocol) => ({
      ...(protocols.length > 1 ? { name: `port-${index + 1}-${protocol.toLowerCase()}` } : name ? { name } : {}),
      port,
      protocol,
      targetPort: target ? intOrText(target) : port,
    }));
  });
}

function selectorOf(object: KubeObject): StringMap {
  const missing = (why: string) =>
    new UsageError(`couldn't retrieve selectors via --selector flag or introspection: ${why}`);
  const { kind, metadata, spec } = object as Workload;
  if (kind === "Pod") {
    if (!metadata.labels || Object.keys(metadata.labels).length === 0)
      throw missing("the pod has no labels and cannot be exposed");
    return metadata.labels;
  }
  if (kind === "Service") {
    if (!spec?.selector) throw missing("the service has no pod selector set");
    return spec.selector as StringMap;
  }
  if (kind === "ReplicationController") return (spec?.selector ?? {}) as StringMap;
  const { matchLabels = {}, matchExpressions = [] } = (spec?.selector ?? {}) as LabelSelector;
  if (Object.keys(matchLabels).length === 0)
    throw missing(
      `invalid ${kind === "Deployment" ? "deployment" : "replicaset"}: no selectors, therefore cannot be exposed`,
    );
  if (matchExpressions.length > 0) {
    const shown = matchExpressions.map(
      ({ key, operator, values = [] }) => `{Key:${key} Operator:${operator} Values:[${values.join(" ")}]}`,
    );
    throw missing(`couldn't convert expressions - "[${shown.join(" ")}]" to map-based selector format`);
  }
  return matchLabels;
}

function portsOf({ kind, spec = {} }: Workload): readonly FoundPort[] {
  const all =
    kind === "Service"
      ? (spec.ports ?? []).map(({ port, protocol = "TCP" }) => ({ port, protocol }))
      : ((spec.template?.spec ?? spec).containers ?? []).flatMap(({ ports = [] }) =>
          ports.map(({ containerPort, protocol = "TCP" }) => ({ port: containerPort, protocol })),
        );
  const byPort = new Map<number, string[]>();
  for (const { port, protocol } of all) {
    const known = byPort.get(port) ?? [];
    byPort.set(port, known.includes(protocol) ? known : [...known, protocol]);
  }
  return [...byPort].map(([port, protocols]) => ({ port, protocols }));
}

/** `a=b,c=d`. @throws UsageError for another form */
function parseLabels(text: string): StringMap {
  return Object.fromEntries(
    text.split(",").map((pair) => {
      const [key = "", value, ...more] = pair.split("=");
      if (value === undefined || more.length > 0) throw new UsageError(`unexpected label spec: ${pair}`);
      if (key === "") throw new UsageError("unexpected empty label key");
      return [key, value];
    }),
  );
}

function withNamespaceOf(object: KubeObject, namespace: string): KubeObject {
  return { ...object, metadata: { ...object.metadata, namespace } };
}

function overridden(
  object: KubeObject,
  { overrides, "override-type": type }: { readonly overrides: string | undefined; readonly "override-type": string },
): KubeObject {
  if (!overrides) return object;
  const patch = parseYaml(overrides, "overrides") as JsonObject;
  const from = asJson(object);
  if (type === "strategic") return asObject(applyStrategicPatch(from, patch, "io.k8s.api.core.v1.Service"));
  if (type === "json") return asObject(applyJsonPatch(from, patch));
  if (type !== "merge") throw new UsageError(`invalid override type: ${type}`);
  return asObject(applyMergePatch(from, patch));
}
