import { set } from "./kuberc/set.ts";
import { view } from "./kuberc/view.ts";
import { defineVerb, type Verb } from "./verb.ts";

/** Shows and changes the user's preferences: preferred values of flags, aliases, which exec plug-ins may be run. */
export const kuberc: Verb = defineVerb({
  name: "kuberc",
  group: "Settings",
  summary: "Show and change your preferences: values of flags, aliases of commands, permitted exec plug-ins.",
  flags: {},
  verbs: [set, view],
});
