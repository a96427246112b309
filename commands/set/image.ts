import { throwAll } from "../all_errors.ts";
import { recordFlag } from "../change_cause.ts";
import { namesManifests } from "../manifests.ts";
import { parsePairs, splitPairs } from "../metadata_pairs.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { changeContainers, changeObjects, setFlags, withPodSpec } from "./pod_specs.ts";

/** Gives containers other images. */
export const setImage: Verb = defineVerb({
  name: "image",
  group: "Change",
  summary: "Give containers other images.",
  words: "[type] [names-and-images...]",
  flags: { ...setFlags, ...recordFlag },
  examples: [["A new version", "wherry set image deploy/web main=nginx:1.27"]],
  async run({ flags, words, env }) {
    const { names, pairs } = splitPairs(words, "image");
    const { set: images, remove } = parsePairs(pairs, "image");
    if (remove.length > 0) throw new UsageError(`invalid image format: ${remove.map((name) => `${name}-`).join(", ")}`);
    const errors: UsageError[] = [];
    await changeObjects(
      flags,
      {
        words: names,
        operation: "image updated",
        failure: "failed to patch image update to pod template: ",
        errors,
        validate() {
          const wrong: string[] = [];
          if (flags.all && flags.selector) wrong.push("cannot set --all and --selector at the same time");
          if (names.length === 0 && !namesManifests(flags))
            wrong.push("one or more resources must be specified as <resource> <name> or <resource>/<name>");
          const count = Object.keys(images).length;
          if (count === 0) wrong.push("at least one image update is required");
          else if (count > 1 && Object.hasOwn(images, "*"))
            wrong.push(
              "all containers are already specified by *, but saw more than one container_name=container_image pairs",
            );
          if (flags.local && flags["dry-run"] === "server")
            wrong.push("cannot specify --local and --dry-run=server - did you mean --dry-run=client?");
          throwAll(wrong.map((message) => new UsageError(message)));
        },
        change: (object) =>
          withPodSpec(object, (spec) =>
            Object.entries(images).reduce((changed, [name, image]) => {
              const next = changeContainers(changed, name, (container) => ({ ...container, image }));
              if (!next) errors.push(new UsageError(`error: unable to find container named "${name}"`));
              return next ?? changed;
            }, spec),
          ),
      },
      env,
    );
    return 0;
  },
});
