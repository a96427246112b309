import type { KubeconfigCluster } from "../../core/client/kubeconfig.ts";
import { compact } from "../../core/util/compact.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { fileMembers, onlyWord, openKubeconfig, withRelativePaths } from "./_kubeconfig.ts";

/** Sets members of a cluster. */
export const setCluster: Verb = defineVerb({
  name: "set-cluster",
  group: "Settings",
  summary: "Set a cluster of the kubeconfig.",
  description: "What is not said stays as it is.",
  words: "[name...]",
  flags: {
    server: { type: "string", placeholder: "url", description: "Address of its API server." },
    "certificate-authority": {
      type: "string",
      placeholder: "path",
      description: "File with the authorities to trust.",
    },
    "embed-certs": { type: "boolean", description: "Put the file's content into the kubeconfig." },
    "insecure-skip-tls-verify": {
      type: "string",
      implied: "true",
      placeholder: "bool",
      description: "Do not check the server's certificate.",
    },
    "tls-server-name": { type: "string", placeholder: "name", description: "Name to expect in the certificate." },
    "proxy-url": { type: "string", placeholder: "url", description: "Proxy to reach it through." },
  },
  examples: [["Its address", "wherry config set-cluster e2e --server=https://1.2.3.4"]],
  async run({ flags, words, env }) {
    const name = onlyWord(words, "Unexpected args");
    if (name === "") throw new UsageError("you must specify a non-empty cluster name");
    const insecure = flags["insecure-skip-tls-verify"];
    const authority = flags["certificate-authority"];
    if (insecure === "true" && authority)
      throw new UsageError("you cannot specify a certificate authority and insecure mode at the same time");
    if (flags["embed-certs"] && !authority) throw new UsageError("you must specify a --certificate-authority to embed");
    const { config, files } = await openKubeconfig(env);
    const present = config.clusters.get(name);
    const file = present?.path ?? (await files.fileForNew(config));
    const next = compact<KubeconfigCluster>({
      server: "",
      ...present?.value,
      // Another server: the name that the old one's certificate had is of no use.
      ...(flags.server === undefined ? {} : { server: flags.server, "tls-server-name": undefined }),
      ...given("tls-server-name", flags["tls-server-name"]),
      ...given("proxy-url", flags["proxy-url"]),
      ...(insecure === undefined ? {} : { "insecure-skip-tls-verify": insecure === "true" ? true : undefined }),
      ...(insecure === "true" ? { "certificate-authority": undefined, "certificate-authority-data": undefined } : {}),
      ...(authority === undefined
        ? {}
        : {
            ...(await fileMembers("certificate-authority", authority, flags["embed-certs"])),
            ...(authority ? { "insecure-skip-tls-verify": undefined } : {}),
          }),
    });
    await files.changeEntry(config, "clusters", name, withRelativePaths("clusters", next, file));
    await env.terminal.write(`Cluster "${name}" set.\n`);
    return 0;
  },
});

function given(member: keyof KubeconfigCluster, value: string | undefined): object {
  return value === undefined ? {} : { [member]: value || undefined };
}
