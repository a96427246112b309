import type { KubeObject } from "../core/api/meta.ts";
import type { Pod } from "../core/kinds/pod.ts";
import { objectOf, podOf } from "./pods.ts";
import { forwardPorts } from "./streams/forward_ports.ts";
import { listenAddresses, podPorts } from "./streams/forwarded_ports.ts";
import { podRunningTimeoutFlag, podRunningTimeoutMs } from "./streams/running_timeout.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Forwards ports of this machine to those of a pod. */
export const portForward: Verb = defineVerb({
  name: "port-forward",
  group: "Look inside",
  summary: "Forward local ports to a pod.",
  description:
    "When the pod ends, the ports stay open and lead to the next pod of the same object; a pod that was named itself has none.",
  words: "[words...]",
  flags: {
    address: { type: "list", placeholder: "address", description: "Addresses to listen on; default localhost." },
    ...podRunningTimeoutFlag("1m0s"),
  },
  examples: [
    ["The same port", "wherry port-forward pod/web 5000"],
    ["Another port, of any pod of a service", "wherry port-forward svc/web 8080:http"],
    ["A free port of this machine", "wherry port-forward deploy/web :5000"],
  ],
  async run({ flags, words, env }) {
    const [target, ...wanted] = words;
    if (target === undefined || wanted.length === 0)
      throw new UsageError(
        "TYPE/NAME and list of ports are required for port-forward\nSee 'wherry port-forward -h' for help and examples",
      );
    const timeoutMs = podRunningTimeoutMs(flags, "port-forward");
    const client = await env.client();
    const choose = async (object: KubeObject): Promise<Pod> => {
      const pod = await podOf(client, object, env, { cannot: "cannot attach to", timeoutMs });
      if (pod.status?.phase !== "Running")
        throw new UsageError(
          `unable to forward port because pod is not running. Current status=${pod.status?.phase ?? ""}`,
        );
      return pod;
    };
    const object = await objectOf(client, [target], env);
    const pod = await choose(object);
    const ports = podPorts(wanted, object, pod);
    const addresses = listenAddresses(flags.address.flatMap((text) => text.split(",")));
    const next = object.kind === "Pod" ? undefined : () => choose(object);
    await forwardPorts({ client, env, pod, next, ports, addresses });
    return 0;
  },
});
