import type { FlagOf, FlagWithDefault } from "../core/flags/flag.ts";
import { goBoolean } from "../core/util/go_boolean.ts";
import type { CommandEnv } from "./env.ts";
import { manifestFlags } from "./manifests.ts";
import { type PrinterOptions, printFlags } from "./output/object_printer.ts";
import { UsageError } from "./verb.ts";

/** Who only pretends: nobody, this program (nothing is sent), or the server. */
export type DryRun = "none" | "client" | "server";

/** `--dry-run`. */
export const dryRunFlag: { readonly "dry-run": FlagWithDefault<"string", string> } = {
  "dry-run": {
    type: "string",
    default: "none",
    placeholder: "none|client|server",
    implied: "unchanged",
    description: "With client: only show what would be sent. With server: say what would happen, change nothing.",
  },
};

/** `--validate`. */
export const validateFlag: { readonly validate: FlagWithDefault<"string", string> } = {
  validate: {
    type: "string",
    default: "strict",
    implied: "strict",
    placeholder: "mode",
    description: "What to do about unknown fields: strict, warn or ignore.",
  },
};

/** `--save-config`. */
export const saveConfigFlag: { readonly "save-config": FlagOf<"boolean"> } = {
  "save-config": {
    type: "boolean",
    description: "Note the object in its annotation, so that apply can change it later.",
  },
};

/** The flags of verbs that send the objects of manifests as they are. */
export const sendFlags: typeof manifestFlags &
  typeof printFlags &
  typeof dryRunFlag &
  typeof validateFlag &
  typeof saveConfigFlag = { ...manifestFlags, ...printFlags, ...dryRunFlag, ...validateFlag, ...saveConfigFlag };

/** `-l` and `--field-selector`. */
export const selectorFlags: {
  readonly selector: FlagOf<"string">;
  readonly "field-selector": FlagOf<"string">;
} = {
  selector: { type: "string", short: "l", placeholder: "labels", description: "Objects with these labels." },
  "field-selector": { type: "string", placeholder: "fields", description: "Objects with these fields." },
};

/** `--field-manager`, with kubectl's name for the verb: owners of fields do not change with the program. */
export function fieldManagerFlag<const Name extends string>(
  name: Name,
): { readonly "field-manager": FlagWithDefault<"string", string> } {
  return {
    "field-manager": {
      type: "string",
      default: name,
      placeholder: "name",
      description: "Who is noted as owner of the fields.",
    },
  };
}

/** What `--dry-run` asks for. @throws UsageError for a value that is not known */
export function dryRunOf({ "dry-run": value }: { readonly "dry-run": string }, env: CommandEnv): DryRun {
  if (value === "none" || value === "client" || value === "server") return value;
  if (value === "unchanged") {
    env.terminal.warn("Warning: --dry-run is deprecated and can be replaced with --dry-run=client.");
    return "client";
  }
  const truth = goBoolean(value);
  if (truth === undefined)
    throw new UsageError(`Invalid dry-run value (${value}). Must be "none", "server", or "client".`);
  const strategy = truth ? "client" : "none";
  env.terminal.warn(
    `Warning: --dry-run=${value} is deprecated (boolean value) and can be replaced with --dry-run=${strategy}.`,
  );
  return strategy;
}

/** What `--validate` asks the server for. @throws UsageError for a value that is not known */
export function fieldValidationOf({ validate }: { readonly validate: string }): "Strict" | "Warn" | "Ignore" {
  const truth = goBoolean(validate);
  if (validate === "strict" || truth === true) return "Strict";
  if (validate === "warn") return "Warn";
  if (validate === "ignore" || truth === false) return "Ignore";
  throw new UsageError(
    `invalid - validate option "${validate}"; must be one of: strict (or true), warn, ignore (or false)`,
  );
}

const propagations = { background: "Background", foreground: "Foreground", orphan: "Orphan" } as const;

/** What `--cascade` asks the server for. @throws UsageError for a value that is not known */
export function propagationOf(cascade: string, env: CommandEnv): (typeof propagations)[keyof typeof propagations] {
  if (Object.hasOwn(propagations, cascade)) return propagations[cascade as keyof typeof propagations];
  const truth = goBoolean(cascade);
  if (truth !== undefined) {
    const strategy = truth ? "background" : "orphan";
    env.terminal.warn(
      `warning: --cascade=${cascade} is deprecated (boolean value) and can be replaced with --cascade=${strategy}.`,
    );
    return propagations[strategy];
  }
  throw new UsageError(`invalid cascade value (${cascade}). Must be "background", "foreground", or "orphan"`);
}

/** Where objects are printed, and what is said behind what was done to them. */
export function printerOptions(dryRun: DryRun, { terminal }: Pick<CommandEnv, "terminal">): PrinterOptions {
  return { terminal, dryRun: dryRun === "none" ? undefined : dryRun };
}

/** The same for objects that kubectl holds in Go's structures. */
export function structPrinterOptions(dryRun: DryRun, env: Pick<CommandEnv, "terminal">): PrinterOptions {
  return { ...printerOptions(dryRun, env), structures: true };
}

/** What stands behind the outcome of a dry run. */
export function dryRunSuffix(dryRun: DryRun): string {
  if (dryRun === "none") return "";
  return dryRun === "client" ? " (dry run)" : " (server dry run)";
}
