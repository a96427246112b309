import { withSavedConfig } from "../../core/client/apply.ts";
import type { CommandEnv } from "../env.ts";
import type { ManifestSources } from "../manifests.ts";
import { objectPrinter, type PrintFlagValues } from "../output/object_printer.ts";
import { findTargets } from "../targets.ts";
import type { DryRun } from "../write_flags.ts";
import { printerOptions } from "../write_flags.ts";
import { objectHeading, runEditSession } from "./session.ts";

/** `create --edit`: each object of the manifests is edited, then created. @returns the exit code */
export async function editBeforeCreate(
  flags: ManifestSources &
    PrintFlagValues & {
      readonly "save-config": boolean;
      readonly "field-manager": string;
      readonly selector: string | undefined;
      readonly "windows-line-endings": boolean;
    },
  { dryRun, fieldValidation }: { readonly dryRun: DryRun; readonly fieldValidation: "Strict" | "Warn" | "Ignore" },
  env: CommandEnv,
): Promise<number> {
  const print = await objectPrinter({ ...flags, output: undefined }, printerOptions(dryRun, env));
  const targets = await findTargets({ words: [], manifests: flags, selector: flags.selector }, env);
  let code = 0;
  await targets.visitLoaded(async (target) => {
    const session = {
      targets: [target],
      format: flags.output === "json" ? ("json" as const) : ("yaml" as const),
      heading: objectHeading,
      checkTypes: true,
      windowsLineEndings: flags["windows-line-endings"],
      commit: async (edited: typeof target.object) => {
        const client = await env.client();
        const created = await client.create(target.resource, withSavedConfig(edited, flags["save-config"]), {
          dryRun: dryRun === "server",
          fieldManager: flags["field-manager"],
          fieldValidation,
          signal: env.signal,
        });
        await print(created, "created");
      },
      skip: async () => {},
    };
    code = Math.max(code, await runEditSession(session, env));
  });
  return code;
}
