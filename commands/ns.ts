import { nearest } from "../core/client/nearest.ts";
import { namespace } from "../core/kinds/namespace.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Shows the namespaces, or goes to another one. */
export const ns: Verb = defineVerb({
  name: "ns",
  group: "Settings",
  summary: "Show the namespaces, or work in another one from now on.",
  words: "[name]",
  flags: {},
  examples: [["Work in kube-system", "wherry ns kube-system"]],
  async run({ words: [name], env }) {
    const client = await env.client();
    const names = (await client.list(namespace, { signal: env.signal })).items.map(
      ({ metadata }) => metadata.name ?? "",
    );
    if (name === undefined) {
      const current = await env.namespace();
      await env.terminal.write(names.map((one) => `${one === current ? "*" : " "} ${one}\n`).join(""));
      return 0;
    }
    if (!names.includes(name)) {
      const meant = nearest(name, names);
      throw new UsageError(`namespaces "${name}" not found${meant === undefined ? "" : `; did you mean "${meant}"?`}`);
    }
    const { changeNamespace } = await import("./config/change_namespace.ts");
    const context = await changeNamespace(name, env);
    await env.terminal.write(`Context "${context}" now works in namespace "${name}".\n`);
    return 0;
  },
});
