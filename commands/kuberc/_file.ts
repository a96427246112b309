import { asJson, asObject } from "../../core/api/json_object.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { formatYaml } from "../../core/api/yaml_writer.ts";
import { changePrivateFile } from "../../core/platform/files.ts";
import { compact } from "../../core/util/compact.ts";
import type { CommandEnv } from "../env.ts";
import { kubercGroup, type Preference, type PreferredAlias, type PreferredDefaults } from "../preferences/kuberc.ts";
import { type KubercPath, locateKuberc } from "../preferences/locate.ts";
import { UsageError } from "../verb.ts";

/** Where the preferences are to be. @throws UsageError when there are to be none */
export function kubercFile(given: string | undefined): KubercPath {
  const file = locateKuberc(given);
  if (!file) throw new UsageError("KUBERC is disabled via KUBERC=off environment variable");
  return file;
}

/** The preference as an object of the newest version; members in kubectl's order. */
export function preferenceObject({ defaults, aliases, ...policy }: Preference): KubeObject {
  const object = compact({
    kind: "Preference",
    apiVersion: `${kubercGroup}/v1beta1`,
    defaults: defaults?.map(compact<PreferredDefaults>) ?? null,
    aliases: aliases?.map(compact<PreferredAlias>) ?? null,
    ...policy,
  });
  // It has no metadata, as other objects of configuration have none.
  return asObject(asJson(object));
}

/** Changes the file, which need not be there, and says so. @throws what `change` throws: then it is left as it is */
export async function changeKuberc(
  path: string,
  change: (text: string | undefined) => Preference,
  { terminal }: Pick<CommandEnv, "terminal">,
): Promise<void> {
  await changePrivateFile(path, (text) => formatYaml(asJson(preferenceObject(change(text)))));
  await terminal.write(`Updated ${path}\n`);
}
