import type { StringMap } from "../../core/api/meta.ts";
import { canonicalQuantity, quantityError } from "../../core/api/quantity.ts";
import { recordFlag } from "../change_cause.ts";
import { textFlag } from "../create/generator.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { changeContainers, changeObjects, setFlags, withPodSpec } from "./pod_specs.ts";

/** Sets what containers ask for, and may have. */
export const setResources: Verb = defineVerb({
  name: "resources",
  group: "Change",
  summary: "Set what containers ask for, and may have.",
  words: "[type] [names...]",
  flags: {
    ...setFlags,
    ...recordFlag,
    containers: {
      type: "string",
      short: "c",
      default: "*",
      placeholder: "names",
      description: "Containers; * is any.",
    },
    limits: textFlag("What they may have, e.g. cpu=100m,memory=64Mi.", "amounts"),
    requests: textFlag("What they ask for, e.g. cpu=100m,memory=64Mi.", "amounts"),
  },
  examples: [
    ["What the containers may have at most", "wherry set resources deploy/web --limits=cpu=500m,memory=256Mi"],
    ["What one of them asks for", "wherry set resources deploy/web -c main --requests=cpu=100m"],
  ],
  async run({ flags, words, env }) {
    let limits: StringMap | undefined;
    let requests: StringMap | undefined;
    const errors: UsageError[] = [];
    await changeObjects(
      flags,
      {
        words,
        operation: "resource requirements updated",
        failure: "failed to patch resources update to pod template ",
        errors,
        validate() {
          if (flags.local && flags["dry-run"] === "server")
            throw new UsageError("cannot specify --local and --dry-run=server - did you mean --dry-run=client?");
          if (flags.all && flags.selector) throw new UsageError("cannot set --all and --selector at the same time");
          if (!flags.limits && !flags.requests)
            throw new UsageError(
              "you must specify an update to requests or limits (in the form of --requests/--limits)",
            );
          [limits, requests] = [amounts(flags.limits), amounts(flags.requests)];
        },
        change: (object) =>
          withPodSpec(object, (spec) => {
            const next = changeContainers(spec, flags.containers, (container) => ({
              ...container,
              resources: {
                ...container.resources,
                ...(limits ? { limits: { ...container.resources?.limits, ...limits } } : {}),
                ...(requests ? { requests: { ...container.resources?.requests, ...requests } } : {}),
              },
            }));
            if (!next) errors.push(new UsageError(`error: unable to find container named ${flags.containers}`));
            return next ?? spec;
          }),
      },
      env,
    );
    return 0;
  },
});

function amounts(text: string | undefined): StringMap | undefined {
  if (!text) return undefined;
  return Object.fromEntries(
    text.split(",").map((pair) => {
      const [name = "", amount, ...more] = pair.split("=");
      if (amount === undefined || more.length > 0)
        throw new UsageError(`Invalid argument syntax ${pair}, expected <resource>=<value>`);
      const error = quantityError(amount);
      if (error !== undefined) throw new UsageError(error);
      return [name, canonicalQuantity(amount)];
    }),
  );
}
