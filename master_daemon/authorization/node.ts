import { parseFieldSelector } from "../../core/api/fields.ts";
import { asJson } from "../../core/api/json_object.ts";
import type { JsonObject } from "../../core/api/meta.ts";
import { pod as podKind } from "../../core/kinds/pod.ts";
import type { Clock } from "../../core/util/clock.ts";
import { DisposalStack } from "../../core/util/disposal_stack.ts";
import type { Logger } from "../../core/util/log.ts";
import { followRegistry } from "../registry/follow.ts";
import type { Registries } from "../registry/registry.ts";
import { type Authorizer, type Decision, noRules, type ResourceAttributes } from "./authorizer.ts";
import { clusterRoles } from "./bootstrap/cluster_roles.ts";
import { parseRules } from "./bootstrap/policy.ts";
import { NodeGraph, type NodeResource } from "./node_graph.ts";
import { nodeNameOf } from "./node_identity.ts";
import { ruleAllows } from "./rules.ts";

/** What the node authorizer works with. */
export interface NodeAuthorizerOptions {
  readonly registries: Registries;
  readonly clock: Clock;
  readonly log: Logger;
}

const allowed: Decision = { allowed: true };
const no = (reason: string): Decision => ({ allowed: false, reason });

/**
 * Allows a node what it needs for the pods that are bound to it: `--authorization-mode=Node`. What it knows of pods is
 * gathered when the first node asks.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/node/
 */
export function nodeAuthorizer(options: NodeAuthorizerOptions): Authorizer & AsyncDisposable {
  const rules = parseRules(clusterRoles["system:node"] ?? "");
  const parts = new DisposalStack();
  let opened: Promise<NodeGraph> | undefined;
  const graph = () => {
    opened ??= openGraph(options, parts);
    return opened;
  };
  return {
    async authorize(user, attributes) {
      const node = nodeNameOf(user);
      if (node === undefined) return { allowed: false };
      if (node === "") return no(`unknown node for user ${JSON.stringify(user.username)}`);
      if (attributes.type === "resource") {
        const judge = judges.get(`${attributes.group}/${attributes.resource}`);
        if (judge) return judge({ node, attributes, graph, options });
      }
      return rules.some((rule) => ruleAllows(rule, attributes)) ? allowed : { allowed: false };
    },
    rulesFor: async (user) =>
      nodeNameOf(user) === undefined
        ? noRules
        : { ...noRules, incomplete: true, error: "node authorizer does not support user rule resolution" },
    [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
  };
}

async function openGraph({ registries, clock, log }: NodeAuthorizerOptions, parts: DisposalStack): Promise<NodeGraph> {
  const graph = new NodeGraph();
  parts.use(
    await followRegistry({
      registry: registries.for(podKind),
      onPresent: ({ object }) => graph.setPod(object),
      onGone: ({ key }) => graph.deletePod(key.namespace ?? "", key.name),
      onRestart: () => graph.clearPods(),
      clock,
      log,
    }),
  );
  const volumes = registries.kinds.find(({ group, plural }) => group === "" && plural === "persistentvolumes");
  if (volumes)
    parts.use(
      await followRegistry({
        registry: registries.for(volumes),
        onPresent: ({ object }) => graph.setVolume(object),
        onGone: ({ key }) => graph.deleteVolume(key.name),
        onRestart: () => graph.clearVolumes(),
        clock,
        log,
      }),
    );
  return graph;
}

interface Question {
  readonly node: string;
  readonly attributes: ResourceAttributes;
  graph(): Promise<NodeGraph>;
  readonly options: NodeAuthorizerOptions;
}

type Judge = (question: Question) => Decision | Promise<Decision>;

/** Resources of which a node may have some only. The others are as the role `system:node` says. */
const judges: ReadonlyMap<string, Judge> = new Map<string, Judge>([
  ["/secrets", (question) => readOne(question, "secrets")],
  ["/configmaps", (question) => readOne(question, "configmaps")],
  ["/persistentvolumeclaims", claim],
  ["/persistentvolumes", volume],
  ["/serviceaccounts", token],
  ["/nodes", ownNode],
  ["/pods", ownPods],
  ["resource.k8s.io/resourceclaims", (question) => getOne(question, "resourceclaims")],
  ["storage.k8s.io/volumeattachments", attachment],
  ["storage.k8s.io/csinodes", csiNode],
  ["coordination.k8s.io/leases", lease],
  ["resource.k8s.io/resourceslices", resourceSlice],
]);

function unrelated(node: string): Decision {
  return no(`no relationship found between node '${node}' and this object`);
}

async function related({ node, attributes, graph }: Question, resource: NodeResource): Promise<Decision> {
  const { namespace = "", name } = attributes;
  if (!name) return no("No Object name found");
  return (await graph()).needs(node, resource, namespace, name) ? allowed : unrelated(node);
}

function readOne(question: Question, resource: NodeResource): Decision | Promise<Decision> {
  const { verb, subresource, namespace } = question.attributes;
  if (!["get", "list", "watch"].includes(verb)) return no("can only read resources of this type");
  if (subresource) return no("cannot read subresource");
  if (!namespace) return no("can only read namespaced object of this type");
  return related(question, resource);
}

function getOne(question: Question, resource: NodeResource): Decision | Promise<Decision> {
  return onlyGet(question) ?? related(question, resource);
}

function onlyGet({ attributes: { verb, subresource } }: Question): Decision | undefined {
  if (verb !== "get") return no("can only get individual resources of this type");
  return subresource ? no("cannot get subresource") : undefined;
}

function claim(question: Question): Decision | Promise<Decision> {
  const { verb, subresource } = question.attributes;
  if (subresource !== "status") return getOne(question, "persistentvolumeclaims");
  if (!["get", "update", "patch"].includes(verb)) return no("can only get/update/patch this type");
  return related(question, "persistentvolumeclaims");
}

async function volume(question: Question): Promise<Decision> {
  const { node, attributes, graph } = question;
  const refused = onlyGet(question);
  if (refused) return refused;
  if (!attributes.name) return no("No Object name found");
  return (await graph()).needsVolume(node, attributes.name) ? allowed : unrelated(node);
}

async function attachment(question: Question): Promise<Decision> {
  const { node, attributes, options } = question;
  const refused = onlyGet(question);
  if (refused) return refused;
  const kind = options.registries.kinds.find(({ plural }) => plural === "volumeattachments");
  const found =
    kind &&
    (await options.registries
      .for(kind)
      .get({ name: attributes.name ?? "" })
      .catch(() => undefined));
  const spec = asJson(found?.object)?.["spec"] as JsonObject | undefined;
  return spec?.["nodeName"] === node ? allowed : unrelated(node);
}

function token(question: Question): Decision | Promise<Decision> {
  const { verb, subresource, name } = question.attributes;
  if (verb !== "create" || !name) return no("can only create tokens for individual service accounts");
  if (subresource !== "token") return no("can only create token subresource of serviceaccount");
  return related(question, "serviceaccounts");
}

const objectVerbs = ["get", "create", "update", "patch", "delete"];

function lease({ node, attributes: { verb, namespace, name } }: Question): Decision {
  if (!objectVerbs.includes(verb)) return no("can only get, create, update, patch, or delete a node lease");
  if (namespace !== "kube-node-lease") return no('can only access leases in the "kube-node-lease" system namespace');
  // The name of what is created is not known yet: the plug-in NodeRestriction looks at it.
  if (verb !== "create" && name !== node)
    return no("can only access node lease with the same name as the requesting node");
  return allowed;
}

function csiNode({ node, attributes: { verb, subresource, name } }: Question): Decision {
  if (!objectVerbs.includes(verb)) return no("can only get, create, update, patch, or delete a CSINode");
  if (subresource) return no("cannot authorize CSINode subresources");
  if (verb !== "create" && name !== node)
    return no("can only access CSINode with the same name as the requesting node");
  return allowed;
}

function resourceSlice({ node, attributes: { verb, subresource, fieldSelector } }: Question): Decision {
  if (subresource) return no("cannot authorize ResourceSlice subresources");
  if (objectVerbs.includes(verb)) return allowed;
  if (selects(fieldSelector, "spec.nodeName", node)) return allowed;
  return no("can only list/watch/deletecollection resourceslices with nodeName field selector");
}

function ownNode({ node, attributes: { verb, subresource, name } }: Question): Decision {
  if (subresource === "status" && ["update", "patch"].includes(verb)) return allowed;
  if (subresource) return { allowed: false };
  if (["create", "update", "patch"].includes(verb)) return allowed;
  if (!["get", "list", "watch"].includes(verb)) return { allowed: false };
  if (name === node) return allowed;
  const which = name ? `read '${name}'` : "read all nodes";
  return no(`node '${node}' cannot ${which}, only its own Node object`);
}

function ownPods(question: Question): Decision | Promise<Decision> {
  const { node, attributes } = question;
  const { verb, subresource, fieldSelector } = attributes;
  if (subresource === "status") return ["update", "patch"].includes(verb) ? allowed : { allowed: false };
  if (subresource === "eviction") return verb === "create" ? allowed : { allowed: false };
  if (subresource) return { allowed: false };
  if (verb === "create" || verb === "delete") return allowed;
  if (verb === "get" || (attributes.name && ["list", "watch"].includes(verb))) return related(question, "pods");
  if (!["list", "watch"].includes(verb)) return { allowed: false };
  if (selects(fieldSelector, "spec.nodeName", node)) return allowed;
  return no("can only list/watch pods with spec.nodeName field selector");
}

function selects(fieldSelector: string | undefined, field: string, value: string): boolean {
  try {
    return fieldSelector !== undefined && parseFieldSelector(fieldSelector).exact(field) === value;
  } catch {
    return false;
  }
}
