import { canI } from "./auth/can_i.ts";
import { reconcile } from "./auth/reconcile.ts";
import { whoami } from "./auth/whoami.ts";
import { defineVerb, type Verb } from "./verb.ts";

/** Asks what one may do, and who one is; gives rights. */
export const auth: Verb = defineVerb({
  name: "auth",
  group: "Settings",
  summary: "Ask who one is and what one may do, and give rights.",
  flags: {},
  verbs: [canI, reconcile, whoami],
});
