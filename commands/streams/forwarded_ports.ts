import type { KubeObject } from "../../core/api/meta.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import { UsageError } from "../verb.ts";

/** A port of this machine (0: any free one) and the pod's port behind it. */
export interface ForwardedPort {
  readonly local: number;
  readonly remote: number;
}

/** An address to listen on. Of `localhost`, which is two, one is enough. */
export interface ListenAddress {
  readonly address: string;
  readonly need: "all" | "any";
}

/** The addresses that `--address` names, sorted. @throws UsageError for what is no address */
export function listenAddresses(texts: readonly string[]): readonly ListenAddress[] {
  const found = new Map<string, ListenAddress>();
  for (const text of texts.length > 0 ? texts : ["localhost"]) {
    if (text === "localhost") {
      for (const address of ["127.0.0.1", "::1"]) if (!found.has(address)) found.set(address, { address, need: "any" });
    } else if (isAddress(text)) found.set(text, { address: text, need: "all" });
    else throw new UsageError(`${text} is not a valid IP`);
  }
  return [...found.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
}

function isAddress(text: string): boolean {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return text.split(".").every((part) => Number(part) <= 255);
  return text.includes(":") && /^[0-9a-fA-F:.]+$/.test(text) && URL.canParse(`http://[${text}]`);
}

interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly protocol?: string;
  readonly targetPort?: number | string;
}

/**
 * What `5000`, `8888:5000`, `:5000` and `8080:http` mean for a pod, or for the service that leads to it.
 *
 * @throws UsageError with kubectl's words
 * @see k8s.io/kubectl/pkg/cmd/portforward
 */
export function podPorts(wanted: readonly string[], object: KubeObject, pod: Pod): readonly ForwardedPort[] {
  const service = object.kind === "Service" ? object : undefined;
  return wanted.map((text) => {
    const parts = text.split(":");
    // With more than two parts the first is both, as in kubectl.
    const [local = "", remote = ""] = parts.length === 2 ? parts : [parts[0], parts[0]];
    if (/^\d+$/.test(local)) portNumber("local", local);
    const { own, target } = service ? servicePort(service, pod, remote) : podPort(pod, remote);
    const wantedLocal = local === remote && !/^\d+$/.test(remote) ? String(own) : local || "0";
    if (target === 0) throw new UsageError("remote port must be > 0");
    return { local: portNumber("local", wantedLocal), remote: target };
  });
}

interface Found {
  /** The port behind which it is found: the service's own, or the pod's. */
  readonly own: number;
  readonly target: number;
}

function portNumber(which: "local" | "remote", text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text))
    throw new UsageError(
      `error parsing ${which} port '${text}': strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  if (number > 65535)
    throw new UsageError(
      `error parsing ${which} port '${text}': strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`,
    );
  return number;
}

function podPort(pod: Pod, text: string): Found {
  const ports = pod.spec.containers.flatMap((container) => container.ports ?? []);
  if (/^\d+$/.test(text)) {
    const number = portNumber("remote", text);
    refuseUdp(
      ports.filter(({ containerPort }) => containerPort === number),
      text,
    );
    return { own: number, target: number };
  }
  const found = ports.find(({ name }) => name === text);
  if (!found) throw new UsageError(`Pod '${pod.metadata.name}' does not have a named port '${text}'`);
  refuseUdp(
    ports.filter(({ containerPort }) => containerPort === found.containerPort),
    text,
  );
  return { own: found.containerPort, target: found.containerPort };
}

function servicePort(service: KubeObject, pod: Pod, text: string): Found {
  const { ports = [], clusterIP } =
    (service as { spec?: { ports?: readonly ServicePort[]; clusterIP?: string } }).spec ?? {};
  const isNumber = /^\d+$/.test(text);
  const found = ports.filter((port) => (isNumber ? port.port === portNumber("remote", text) : port.name === text));
  const [first] = found;
  if (!first)
    throw new UsageError(
      isNumber
        ? `Service ${service.metadata.name} does not have a service port ${text}`
        : `Service '${service.metadata.name}' does not have a named port '${text}'`,
    );
  refuseUdp(found, text);
  const { port, targetPort = port } = first;
  // Nobody stands between a headless service and its pods.
  if (clusterIP === "None") return { own: port, target: port };
  if (typeof targetPort === "number") return { own: port, target: targetPort || port };
  return { own: port, target: podPort(pod, targetPort).target };
}

function refuseUdp(ports: readonly { readonly protocol?: string }[], text: string): void {
  if (ports.length > 0 && ports.every(({ protocol }) => protocol === "UDP"))
    throw new UsageError(`UDP protocol is not supported for ${text}`);
}
