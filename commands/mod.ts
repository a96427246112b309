/**
 * What stands after `wherry`, in the order of the help.
 *
 * - One verb per file; a line here makes it available, with its help and completion.
 * - Verbs speak to a cluster through the Client only; those that are daemons load them when they are run.
 */
import { apiResources } from "./api_resources.ts";
import { apply } from "./apply.ts";
import { deleteVerb } from "./delete.ts";
import { describe } from "./describe.ts";
import { exec } from "./exec.ts";
import { get } from "./get.ts";
import { logs } from "./logs.ts";
import { master } from "./master.ts";
import { node } from "./node.ts";
import { proxy } from "./proxy.ts";
import { rollout } from "./rollout.ts";
import { scale } from "./scale.ts";
import { start } from "./start.ts";
import { store } from "./store.ts";
import { up } from "./up.ts";
import type { Verb } from "./verb.ts";
import { versionVerb } from "./version.ts";
import { wait } from "./wait.ts";
import { why } from "./why.ts";

/** Every verb. */
export const verbs: readonly Verb[] = [
  up,
  start,
  get,
  describe,
  why,
  apiResources,
  apply,
  scale,
  deleteVerb,
  rollout,
  logs,
  exec,
  wait,
  versionVerb,
  master,
  node,
  proxy,
  store,
];
