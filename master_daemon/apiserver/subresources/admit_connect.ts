import { asObject } from "../../../core/api/json_object.ts";
import type { Kind } from "../../../core/api/kind.ts";
import type { Json } from "../../../core/api/meta.ts";
import { node } from "../../../core/kinds/node.ts";
import { pod } from "../../../core/kinds/pod.ts";
import { service } from "../../../core/kinds/service.ts";
import { validate } from "../../admission/mod.ts";
import { booleanParameter } from "../query.ts";
import { type ResourceRequest, routeKey } from "../services.ts";

const kinds: readonly Kind[] = [pod, service, node];
const optionKinds: ReadonlyMap<string, string> = new Map([
  ["pods/exec", "PodExecOptions"],
  ["pods/attach", "PodAttachOptions"],
  ["pods/portforward", "PodPortForwardOptions"],
  ["pods/proxy", "PodProxyOptions"],
  ["services/proxy", "ServiceProxyOptions"],
  ["nodes/proxy", "NodeProxyOptions"],
]);

/**
 * Asks admission about a connection into the cluster: exec, attach, port-forward, proxy.
 *
 * @throws StatusError when it is refused
 */
export async function admitConnect(
  r: Pick<ResourceRequest, "services" | "route" | "query" | "user" | "warnings" | "annotations">,
): Promise<void> {
  const { services, route, user, warnings, annotations } = r;
  const { resource, subresource } = route;
  const of = kinds.find(({ plural }) => plural === resource);
  const optionsKind = optionKinds.get(`${resource}/${subresource}`);
  if (!of || !optionsKind) return;
  // What is judged is how the connection is to be, not what it is to.
  const kind: Kind = { ...of, kind: optionsKind };
  await validate(services.admission, {
    operation: "CONNECT",
    kind,
    key: routeKey({ route, kind }),
    subresource,
    user,
    dryRun: false,
    options: {},
    object: asObject({ apiVersion: "v1", kind: optionsKind, ...connectOptions(r) }),
    previous: undefined,
    onSettled() {},
    warn: (text) => warnings.push(text),
    annotate: (key, value) => annotations.set(key, value),
  });
}

function connectOptions({ route, query }: Pick<ResourceRequest, "route" | "query">): Readonly<Record<string, Json>> {
  const { subresource, proxyPath } = route;
  if (subresource === "proxy") return proxyPath ? { path: proxyPath } : {};
  if (subresource === "portforward") {
    const ports = query.getAll("ports").flatMap((text) => text.split(",").map(Number));
    return ports.length > 0 ? { ports: ports.filter(Number.isInteger) } : {};
  }
  const container = query.get("container");
  const command = query.getAll("command");
  return {
    ...Object.fromEntries(
      ["stdin", "stdout", "stderr", "tty"].flatMap((name) => (booleanParameter(query, name) ? [[name, true]] : [])),
    ),
    ...(container ? { container } : {}),
    ...(command.length > 0 ? { command } : {}),
  };
}
