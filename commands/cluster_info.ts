import { service } from "../core/kinds/service.ts";
import { dump } from "./cluster_info/dump.ts";
import { defineVerb, type Verb } from "./verb.ts";

/** Says where the cluster answers. */
export const clusterInfo: Verb = defineVerb({
  name: "cluster-info",
  group: "See",
  summary: "Show where the control plane and the cluster's own services answer.",
  words: "[ignored...]",
  flags: {},
  examples: [["Where it all is", "wherry cluster-info"]],
  verbs: [dump],
  async run({ env }) {
    const client = await env.client();
    const server = (await env.server()) ?? "";
    const green = (text: string) =>
      env.terminal.outputIsTerminal && !env.terminal.noColour ? `\x1b[32m${text}\x1b[0m` : text;
    const { items } = await client.list(service, {
      namespace: "kube-system",
      labelSelector: "kubernetes.io/cluster-service=true",
      signal: env.signal,
    });
    const lines = [`${green("Kubernetes control plane")} is running at ${server}`];
    for (const { metadata, spec, status } of items) {
      const [ingress] = status?.loadBalancer?.ingress ?? [];
      const [port] = spec?.ports ?? [];
      const { name = "", namespace, labels = {} } = metadata;
      const secure = port?.name === "https" || port?.port === 443;
      const target = `${secure ? "https:" : ""}${name}${secure || port?.name ? `:${port?.name ?? ""}` : ""}`;
      const link = ingress
        ? (spec?.ports ?? []).map(({ port }) => `http://${ingress.ip || ingress.hostname}:${port} `).join("")
        : `${server}/api/v1/namespaces/${namespace}/services/${target}/proxy`;
      lines.push(`${green(labels["kubernetes.io/name"] || name)} is running at ${link}`);
    }
    await env.terminal.write(
      `${lines.join("\n")}\n\nTo further debug and diagnose cluster problems, use 'wherry cluster-info dump'.\n`,
    );
    return 0;
  },
});
