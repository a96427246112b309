/**
 * Writes dist/k8s-schema.json.gz: the OpenAPI definitions of the kinds that wherry serves and of everything they reach.
 *
 * The type declarations of the development dependency kubernetes-models are read as text; nothing of it is imported.
 * To serve another kind, add it to `kinds`. Descriptions are Apache-2.0 text of the Kubernetes authors,
 * packaged by kubernetes-models (MIT): the NOTICE file says so.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import ts from "typescript-api";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const models = join(root, "node_modules/kubernetes-models");
const machinery = join(root, "node_modules/@kubernetes-models/apimachinery");

/** The kinds that are served, by the folder of their declarations below `models`. Each brings its list along. */
const kinds = {
  v1: "ComponentStatus ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolume PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota Secret Service ServiceAccount",
  "admissionregistration.k8s.io/v1":
    "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration",
  "apiextensions.k8s.io/v1": "CustomResourceDefinition",
  "apiregistration.k8s.io/v1": "APIService",
  "apps/v1": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
  "autoscaling/v1": "HorizontalPodAutoscaler",
  "autoscaling/v2": "HorizontalPodAutoscaler",
  "batch/v1": "CronJob Job",
  "certificates.k8s.io/v1": "CertificateSigningRequest",
  "coordination.k8s.io/v1": "Lease",
  "discovery.k8s.io/v1": "EndpointSlice",
  "events.k8s.io/v1": "Event",
  "flowcontrol.apiserver.k8s.io/v1": "FlowSchema PriorityLevelConfiguration",
  "networking.k8s.io/v1": "IPAddress Ingress IngressClass NetworkPolicy ServiceCIDR",
  "node.k8s.io/v1": "RuntimeClass",
  "policy/v1": "PodDisruptionBudget",
  "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding Role RoleBinding",
  "resource.k8s.io/v1": "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice",
  "scheduling.k8s.io/v1": "PriorityClass",
  "storage.k8s.io/v1": "CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment VolumeAttributesClass",
};

/** What is sent, but never listed. */
const others = {
  v1: "Binding",
  "authentication.k8s.io/v1": "SelfSubjectReview TokenRequest TokenReview",
  "authorization.k8s.io/v1":
    "LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
  "autoscaling/v1": "Scale",
  "policy/v1": "Eviction",
};

const filesOf = (table) =>
  Object.entries(table).flatMap(([folder, names]) => names.split(" ").map((name) => join(models, folder, name)));

/** Files of the definitions to start from, below `models` or `machinery`. */
const roots = [
  ...filesOf(kinds).flatMap((file) => [file, `${file}List`]),
  ...filesOf(others),
  ..."APIGroup APIGroupList APIResourceList APIVersions DeleteOptions Patch Status WatchEvent"
    .split(" ")
    .map((name) => join(machinery, "apis/meta/v1", name)),
];

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";

const apiextensions = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1";

/** Definitions that the declarations cannot express. */
const leaves = {
  "io.k8s.apimachinery.pkg.api.resource.Quantity": {
    description:
      "An amount of a resource: a decimal number with an optional binary (Ki, Mi, Gi, …) or decimal (n, u, m, k, M, G, …) suffix.",
    oneOf: [{ type: "string" }, { type: "number" }],
  },
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
    description: "An int32 or a string: a number or a percentage, a port number or a port name.",
    format: "int-or-string",
    oneOf: [{ type: "integer" }, { type: "string" }],
  },
  [`${meta}.Time`]: { description: "A moment in RFC 3339 form.", type: "string", format: "date-time" },
  [`${meta}.MicroTime`]: {
    description: "A moment in RFC 3339 form with microseconds.",
    type: "string",
    format: "date-time",
  },
  [`${apiextensions}.JSON`]: { description: "Any JSON value." },
  [`${apiextensions}.JSONSchemaPropsOrArray`]: { description: "A schema, or a list of schemas." },
  [`${apiextensions}.JSONSchemaPropsOrBool`]: { description: "A schema, or whether anything goes." },
  [`${apiextensions}.JSONSchemaPropsOrStringArray`]: { description: "A schema, or a list of names." },
};

/** The API of metrics-server, for which there are no declarations. */
const metrics = "io.k8s.metrics.pkg.apis.metrics.v1beta1";
const metricsDefinitions = {
  [`${metrics}.ContainerMetrics`]: {
    description: "What a container uses.",
    type: "object",
    properties: { name: { type: "string", description: "Name of the container." }, usage: usageOf("container") },
    required: ["name", "usage"],
  },
  ...metricsKind("NodeMetrics", "node", { usage: usageOf("node") }),
  ...metricsKind("PodMetrics", "pod", {
    containers: {
      type: "array",
      description: "The containers that run.",
      items: { $ref: `${metrics}.ContainerMetrics` },
    },
  }),
};

function usageOf(what) {
  return {
    type: "object",
    description: `CPU and memory that the ${what} uses.`,
    additionalProperties: { $ref: "io.k8s.apimachinery.pkg.api.resource.Quantity" },
  };
}

/** A kind of that API, and its list. */
function metricsKind(kind, what, properties) {
  const text = (description) => ({ type: "string", description });
  const own = {
    apiVersion: text("Version of the API that the object is written in."),
    kind: text("Kind of the object."),
  };
  const gvk = (name) => ({
    "x-kubernetes-group-version-kind": [{ group: "metrics.k8s.io", version: "v1beta1", kind: name }],
  });
  return {
    [`${metrics}.${kind}`]: {
      description: `What a ${what} uses, measured over a window of time that ends at the timestamp.`,
      type: "object",
      properties: {
        ...own,
        metadata: { $ref: `${meta}.ObjectMeta`, description: `Name and labels of the ${what}.` },
        timestamp: { $ref: `${meta}.Time`, description: "End of the window." },
        window: text("Length of the window, such as 15s."),
        ...properties,
      },
      required: ["timestamp", "window", ...Object.keys(properties)],
      ...gvk(kind),
    },
    [`${metrics}.${kind}List`]: {
      description: `What several ${what}s use.`,
      type: "object",
      properties: {
        ...own,
        metadata: { $ref: `${meta}.ListMeta`, description: "Metadata of the list." },
        items: { type: "array", description: `One entry for each ${what}.`, items: { $ref: `${metrics}.${kind}` } },
      },
      required: ["items"],
      ...gvk(`${kind}List`),
    },
  };
}

/** Kinds whose declarations do not carry the group, version and kind as literal types. */
const extraKinds = new Map([
  [`${meta}.Status`, { group: "", version: "v1", kind: "Status" }],
  [`${meta}.DeleteOptions`, { group: "", version: "v1", kind: "DeleteOptions" }],
]);

/** Numbers that are not int32, as `Type.field`; `*Status.` stands for every type of that ending. */
const int64 = new Set([
  "ObjectMeta.generation",
  "ObjectMeta.deletionGracePeriodSeconds",
  "DeleteOptions.gracePeriodSeconds",
  "ListMeta.remainingItemCount",
  "Condition.observedGeneration",
  "PodCondition.observedGeneration",
  "*Status.observedGeneration",
  "ContainerImage.sizeBytes",
  "LinuxContainerUser.uid",
  "LinuxContainerUser.gid",
  "LinuxContainerUser.supplementalGroups",
  "NodeSwapStatus.capacity",
  "PodSecurityContext.fsGroup",
  "PodSecurityContext.runAsGroup",
  "PodSecurityContext.runAsUser",
  "PodSecurityContext.supplementalGroups",
  "SecurityContext.runAsGroup",
  "SecurityContext.runAsUser",
  "PodSpec.activeDeadlineSeconds",
  "PodSpec.terminationGracePeriodSeconds",
  "Probe.terminationGracePeriodSeconds",
  "ServiceAccountTokenProjection.expirationSeconds",
  "SleepAction.seconds",
  "Toleration.tolerationSeconds",
  "ControllerRevision.revision",
  "JobSpec.activeDeadlineSeconds",
  "CronJobSpec.startingDeadlineSeconds",
  "TokenRequestSpec.expirationSeconds",
  "TokenRequest.expirationSeconds",
  "CSIDriverSpec.nodeAllocatableUpdatePeriodSeconds",
  "CustomResourceDefinitionCondition.observedGeneration",
  "DeviceAttribute.int",
  "DeviceAttribute.ints",
  "DeviceSubRequest.count",
  "ExactDeviceRequest.count",
  "DeviceToleration.tolerationSeconds",
  "ResourcePool.generation",
  "ResourcePool.resourceSliceCount",
  ..."Items Length Properties".split(" ").flatMap((of) => [`JSONSchemaProps.max${of}`, `JSONSchemaProps.min${of}`]),
]);
const double = new Set(["JSONSchemaProps.maximum", "JSONSchemaProps.minimum", "JSONSchemaProps.multipleOf"]);
const base64 = new Set([
  "Secret.data",
  "ConfigMap.binaryData",
  "CertificateSigningRequestSpec.request",
  "CertificateSigningRequestStatus.certificate",
  "WebhookClientConfig.caBundle",
  "APIServiceSpec.caBundle",
]);

/** Fields whose declarations repeat another definition instead of naming it, and its file. */
const repeated = new Map([["StatefulSetSpec.volumeClaimTemplates", join(models, "v1/PersistentVolumeClaim")]]);

/** Folders whose definitions are not below `io.k8s.api`. */
const packages = new Map([
  ["apiextensions.k8s.io", "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions"],
  ["apiregistration.k8s.io", "io.k8s.kube-aggregator.pkg.apis.apiregistration"],
]);

/** Facts that clients need and the declarations lack. */
const defaults = new Map([["PodSpec.securityContext", {}]]);

/** The definition id of a declaration file, without its extension. */
function idOf(path) {
  const inMachinery = !relative(machinery, path).startsWith("..");
  const parts = relative(inMachinery ? machinery : models, path).split("/");
  if (inMachinery) return `io.k8s.apimachinery.pkg.${parts.join(".")}`;
  if (parts.length === 2) return `io.k8s.api.core.${parts.join(".")}`;
  const [group = "", ...rest] = parts;
  return [packages.get(group) ?? `io.k8s.api.${group.split(".")[0]}`, ...rest].join(".");
}

/** Reads one declaration file. Returns its definition and the files that it refers to. */
function readDefinition(path) {
  const id = idOf(path);
  const name = id.slice(id.lastIndexOf(".") + 1);
  const source = ts.createSourceFile(
    `${path}.d.ts`,
    readFileSync(`${path}.d.ts`, "utf8"),
    ts.ScriptTarget.Latest,
    true,
  );
  const imports = new Map([[`I${name}`, path]]);
  let definition;
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) {
      for (const { name: local } of statement.importClause?.namedBindings?.elements ?? []) {
        imports.set(local.text, resolveImport(statement.moduleSpecifier.text, path));
      }
    } else if (ts.isInterfaceDeclaration(statement) && statement.name.text === `I${name}`) {
      definition = interfaceSchema(statement);
    } else if (ts.isTypeAliasDeclaration(statement) && statement.name.text === `I${name}` && !leaves[id]) {
      definition = describe(typeSchema(statement.type, name, ""), statement);
    }
  }
  const used = new Set();
  definition = leaves[id] ?? definition;
  if (!definition) throw new Error(`Cannot read ${path}: no interface I${name}`);
  return { id, definition, used: [...collect(definition, used)] };

  function collect(schema, into) {
    JSON.stringify(schema, (key, value) => {
      if (key === "$ref") into.add([...imports.values()].find((file) => idOf(file) === value));
      return value;
    });
    return into;
  }

  function interfaceSchema(declaration) {
    const properties = {};
    const required = [];
    const kind = {};
    for (const member of declaration.members) {
      if (!ts.isPropertySignature(member)) {
        if (ts.isIndexSignatureDeclaration(member)) continue;
        throw new Error(`Cannot read a member of ${id}: ${member.getText()}`);
      }
      const field = member.name.text;
      const literal =
        ts.isLiteralTypeNode(member.type) && ts.isStringLiteral(member.type.literal)
          ? member.type.literal.text
          : undefined;
      if (literal !== undefined && (field === "apiVersion" || field === "kind")) {
        kind[field] = literal;
        properties[field] = {
          type: "string",
          description:
            field === "kind"
              ? "The kind of object this is, in CamelCase. Cannot be changed."
              : "APIVersion defines the group and version of the schema that this object is written in, e.g. apps/v1.",
        };
        continue;
      }
      properties[field] = describe(typeSchema(member.type, name, field), member);
      if (defaults.has(`${name}.${field}`)) properties[field].default = defaults.get(`${name}.${field}`);
      if (!member.questionToken) required.push(field);
    }
    const slash = (kind.apiVersion ?? "").lastIndexOf("/");
    const gvk = kind.kind
      ? {
          group: kind.apiVersion.slice(0, Math.max(slash, 0)),
          version: kind.apiVersion.slice(slash + 1),
          kind: kind.kind,
        }
      : extraKinds.get(id);
    return describe(
      {
        type: "object",
        ...(Object.keys(properties).length > 0 ? { properties } : {}),
        ...(required.length > 0 ? { required: required.sort() } : {}),
        ...(gvk ? { "x-kubernetes-group-version-kind": [gvk] } : {}),
      },
      declaration,
    );
  }

  function typeSchema(type, owner, field) {
    if (type.kind === ts.SyntaxKind.StringKeyword)
      return base64.has(`${owner}.${field}`) ? { type: "string", format: "byte" } : { type: "string" };
    if (type.kind === ts.SyntaxKind.BooleanKeyword) return { type: "boolean" };
    if (type.kind === ts.SyntaxKind.NumberKeyword) return numberSchema(owner, field);
    if (ts.isArrayTypeNode(type)) return { type: "array", items: typeSchema(type.elementType, owner, field) };
    if (ts.isParenthesizedTypeNode(type)) return typeSchema(type.type, owner, field);
    if (ts.isTypeLiteralNode(type)) {
      const file = repeated.get(`${owner}.${field}`);
      if (file) {
        imports.set(field, file);
        return { $ref: idOf(file) };
      }
      const [index] = type.members;
      if (!index) return { type: "object" };
      if (type.members.length === 1 && ts.isIndexSignatureDeclaration(index))
        return { type: "object", additionalProperties: typeSchema(index.type, owner, field) };
    }
    if (ts.isUnionTypeNode(type) && type.types.every((t) => ts.isLiteralTypeNode(t) && ts.isStringLiteral(t.literal)))
      return { type: "string", enum: type.types.map((t) => t.literal.text) };
    if (ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal))
      return { type: "string", enum: [type.literal.text] };
    if (ts.isTypeReferenceNode(type)) {
      const reference = type.typeName.getText();
      if (reference === "Array") return { type: "array", items: typeSchema(type.typeArguments[0], owner, field) };
      const file = imports.get(reference);
      if (file) return { $ref: idOf(file) };
    }
    throw new Error(`Cannot read the type of ${id}.${field}: ${type.getText()}`);
  }
}

function numberSchema(owner, field) {
  if (double.has(`${owner}.${field}`)) return { type: "number", format: "double" };
  return { type: "integer", format: isInt64(owner, field) ? "int64" : "int32" };
}

function isInt64(owner, field) {
  return int64.has(`${owner}.${field}`) || (owner.endsWith("Status") && int64.has(`*Status.${field}`));
}

/** The file that an import means, without its extension. */
function resolveImport(specifier, from) {
  const prefix = "@kubernetes-models/apimachinery/";
  if (specifier.startsWith(prefix)) return join(machinery, specifier.slice(prefix.length));
  return join(dirname(from), specifier.replace(/\.js$/, ""));
}

/** `schema` with the text of the node's comment. */
function describe(schema, node) {
  const [comment] = ts.getJSDocCommentsAndTags(node);
  const text = typeof comment?.comment === "string" ? comment.comment : ts.getTextOfJSDocComment(comment?.comment);
  const description = text?.replaceAll("\\*", "*").replaceAll("*\\/", "*/").trim();
  return description ? { description, ...schema } : schema;
}

/** The definitions of all served kinds, by id. */
export function apiDefinitions() {
  const definitions = { ...metricsDefinitions };
  const open = [...roots];
  while (open.length > 0) {
    const path = open.pop();
    if (definitions[idOf(path)]) continue;
    const { id, definition, used } = readDefinition(path);
    definitions[id] = definition;
    open.push(...used.filter((file) => file !== undefined));
  }
  return { definitions: Object.fromEntries(Object.entries(definitions).sort(([a], [b]) => (a < b ? -1 : 1))) };
}

/** Writes the packaged file; its folder is made where it is missing. */
export function generateSchema(file = join(root, "dist", "k8s-schema.json.gz")) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, gzipSync(formatSchema(apiDefinitions()), { level: 9 }));
}

/** JSON, a definition on each line, in ASCII: `loadSchema()` reads it piece by piece. */
export function formatSchema({ definitions }) {
  const lines = Object.entries(definitions).map(([id, node]) => `"${id}":${JSON.stringify(node)}`);
  return `{"definitions":{\n${lines.join(",\n")}\n}}\n`.replace(
    /[^\0-\x7f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) generateSchema();
