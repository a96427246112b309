import { pause, restart, resume } from "./rollout/change.ts";
import { history } from "./rollout/history.ts";
import { status } from "./rollout/status.ts";
import { undo } from "./rollout/undo.ts";
import { defineVerb, type Verb } from "./verb.ts";

/** Looks at and steers roll-outs. */
export const rollout: Verb = defineVerb({
  name: "rollout",
  group: "Roll out",
  summary: "Look at and steer roll-outs.",
  flags: {},
  verbs: [history, pause, restart, resume, status, undo],
});
