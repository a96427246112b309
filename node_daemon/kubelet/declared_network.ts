import type { Container, Pod } from "../../core/kinds/pod.ts";
import { type ContainerConfig, RuntimeFailure } from "../runtime/runtime.ts";

/** Annotation of pods: where their programs connect to, as `HOST[:PORT]`, separated by commas. */
const egressAnnotation = "wherry.dev/egress";

const maxLength = 4096;
/** A name (`*.example.com` for those below it), an IPv4 address or range, or an IPv6 address in brackets; and a port. */
const destination =
  /^(?:(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?(?:\/\d{1,2})?|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?$/;

/**
 * What a pod says of a container's network: the ports that it lists, and the pod's annotation.
 *
 * @throws RuntimeFailure CreateContainerConfigError when the annotation says something else
 */
export function declaredNetwork({ metadata }: Pod, { ports = [] }: Container): NonNullable<ContainerConfig["network"]> {
  const text = metadata.annotations?.[egressAnnotation] ?? "";
  const egress = text
    .slice(0, maxLength + 1)
    .split(",")
    .map((part) => part.trim());
  const wrong =
    text.length > maxLength
      ? "more than 4096 characters"
      : egress.find((part) => part !== "" && !destination.test(part));
  if (wrong !== undefined) {
    const message = `annotation ${egressAnnotation}: ${wrong.slice(0, 100)}: a list of HOST or HOST:PORT, separated by commas, is needed`;
    throw new RuntimeFailure("CreateContainerConfigError", message);
  }
  return { ports: ports.map(({ containerPort }) => containerPort), egress: egress.filter((part) => part !== "") };
}
