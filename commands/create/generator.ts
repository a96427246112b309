import { asObject } from "../../core/api/json_object.ts";
import type { JsonObject, KubeObject } from "../../core/api/meta.ts";
import { StatusError } from "../../core/api/status.ts";
import type { FlagOf, FlagTable, FlagWithDefault } from "../../core/flags/flag.ts";
import type { CommandEnv } from "../env.ts";
import { objectPrinter, printFlags } from "../output/object_printer.ts";
import { resourceOfKind } from "../resource_args.ts";
import { withSavedStruct } from "../saved_struct.ts";
import { type Call, type FlagValues, requireFlags, UsageError, type Verb } from "../verb.ts";
import {
  dryRunFlag,
  dryRunOf,
  fieldManagerFlag,
  fieldValidationOf,
  saveConfigFlag,
  structPrinterOptions,
  validateFlag,
} from "../write_flags.ts";

/** The flags that every generator has. */
export type GeneratorFlags = typeof printFlags &
  typeof dryRunFlag &
  typeof validateFlag &
  typeof saveConfigFlag & { readonly "field-manager": FlagWithDefault<"string", string> };

const commonFlags: GeneratorFlags = {
  ...printFlags,
  ...dryRunFlag,
  ...validateFlag,
  ...saveConfigFlag,
  ...fieldManagerFlag("kubectl-create"),
};

/** What a generator is told. */
export interface GeneratorCall<F extends FlagTable> extends Call<F & GeneratorFlags> {
  /** The name of the object to make. */
  readonly name: string;
}

/** A verb that makes one object out of flags. */
export interface Generator<F extends FlagTable> {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly flags: F;
  /** Flags that must be given. */
  readonly required?: readonly string[];
  readonly examples?: Verb["examples"];
  /** What stands before a refusal of the server, e.g. `failed to create job: `; absent: nothing, and the reason is told. */
  readonly failure?: string;
  readonly namespaced: boolean;
  /**
   * The object without its namespace. Parts that Kubernetes writes out though they are empty are there: `-o yaml` shows them.
   *
   * @throws UsageError for flags that do not fit
   */
  make(call: GeneratorCall<F>): JsonObject | Promise<JsonObject>;
}

/** The verb of a generator: makes the object, sends it, says so. */
export function generatorVerb<const F extends FlagTable>(generator: Generator<F>): Verb {
  const { name, aliases, summary, examples, required = [] } = generator;
  return {
    name,
    ...(aliases ? { aliases } : {}),
    group: "Change",
    summary,
    words: "[name...]",
    takesCommand: true,
    flags: { ...generator.flags, ...commonFlags },
    ...(examples ? { examples } : {}),
    async run(call: Call) {
      // The adapter builds the values from the very table above.
      const flags = call.flags as unknown as FlagValues<GeneratorFlags>;
      requireFlags(call.given, ...required);
      const [first, ...more] = call.words;
      if (first === undefined || more.length > 0)
        throw new UsageError(
          `exactly one NAME is required, got ${call.words.length}\nSee '${commandOf(generator)} -h' for help and examples`,
        );
      const dryRun = dryRunOf(flags, call.env);
      const print = await objectPrinter(flags, structPrinterOptions(dryRun, call.env));
      const fieldValidation = fieldValidationOf(flags);
      const made = await generator.make({ ...call, name: first } as unknown as GeneratorCall<F>);
      const object = await placed(asObject(made), generator.namespaced, call.env);
      const wanted = await withSavedStruct(object, flags["save-config"]);
      if (dryRun === "client") {
        await print(wanted, "created");
        return 0;
      }
      const client = await call.env.client();
      const namespace = generator.namespaced ? await call.env.namespace() : undefined;
      const sent = { ...wanted, metadata: { ...wanted.metadata, ...(namespace ? { namespace } : {}) } };
      try {
        const created = await client.create(await resourceOfKind(client, sent), sent, {
          dryRun: dryRun === "server",
          fieldManager: flags["field-manager"],
          fieldValidation,
          signal: call.env.signal,
        });
        await print(created, "created");
      } catch (error) {
        if (generator.failure !== undefined && error instanceof StatusError)
          throw new UsageError(`${generator.failure}${error.message}`);
        throw error;
      }
      return 0;
    },
  };
}

/** The namespace stands in what is shown only where it was said. */
async function placed(object: KubeObject, namespaced: boolean, env: CommandEnv): Promise<KubeObject> {
  if (!namespaced || !env.namespaceGiven) return object;
  return { ...object, metadata: { ...object.metadata, namespace: await env.namespace() } };
}

function commandOf({ name, flags }: { readonly name: string; readonly flags: FlagTable }): string {
  const group =
    serviceTypes.has(name) && Object.hasOwn(flags, "tcp") ? "service " : secretTypes.has(name) ? "secret " : "";
  return `wherry create ${group}${name}`;
}

const serviceTypes: ReadonlySet<string> = new Set(["clusterip", "nodeport", "loadbalancer", "externalname"]);
const secretTypes: ReadonlySet<string> = new Set(["generic", "tls", "docker-registry"]);

/** A list flag, each value of which may be several with commas between. */
export function split(values: readonly string[]): readonly string[] {
  return values.flatMap((value) => value.split(","));
}

/** A list of texts. */
export function listFlag(description: string, placeholder?: string): FlagOf<"list"> {
  return { type: "list", description, ...(placeholder ? { placeholder } : {}) };
}

/** A text. */
export function textFlag(description: string, placeholder?: string): FlagOf<"string"> {
  return { type: "string", description, ...(placeholder ? { placeholder } : {}) };
}
