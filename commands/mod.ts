/**
 * What stands after `wherry`, in the order of the help.
 *
 * - One verb per file; a line here makes it available, with its help and completion. It is loaded when it is used.
 * - Verbs speak to a cluster through the Client only; those that are daemons load them when they are run.
 */
import type { Verb } from "./verb.ts";

/** Every verb by its name. */
export const verbs: Readonly<Record<string, () => Promise<Verb>>> = {
  up: async () => (await import("./up.ts")).up,
  start: async () => (await import("./start.ts")).start,
  get: async () => (await import("./get.ts")).get,
  describe: async () => (await import("./describe.ts")).describe,
  why: async () => (await import("./why.ts")).why,
  simulate: async () => (await import("./simulate.ts")).simulate,
  explain: async () => (await import("./explain.ts")).explain,
  "api-resources": async () => (await import("./api_resources.ts")).apiResources,
  create: async () => (await import("./create.ts")).create,
  apply: async () => (await import("./apply.ts")).apply,
  patch: async () => (await import("./patch.ts")).patch,
  replace: async () => (await import("./replace.ts")).replace,
  edit: async () => (await import("./edit.ts")).edit,
  label: async () => (await import("./label.ts")).label,
  annotate: async () => (await import("./annotate.ts")).annotate,
  scale: async () => (await import("./scale.ts")).scale,
  delete: async () => (await import("./delete.ts")).deleteVerb,
  diff: async () => (await import("./diff.ts")).diff,
  kustomize: async () => (await import("./kustomize.ts")).kustomize,
  expose: async () => (await import("./expose.ts")).expose,
  autoscale: async () => (await import("./autoscale.ts")).autoscale,
  set: async () => (await import("./set.ts")).set,
  plan: async () => (await import("./plan.ts")).plan,
  undo: async () => (await import("./undo.ts")).undo,
  taint: async () => (await import("./taint.ts")).taint,
  cordon: async () => (await import("./cordon.ts")).cordon,
  uncordon: async () => (await import("./uncordon.ts")).uncordon,
  drain: async () => (await import("./drain.ts")).drain,
  certificate: async () => (await import("./certificate.ts")).certificate,
  rollout: async () => (await import("./rollout.ts")).rollout,
  logs: async () => (await import("./logs.ts")).logs,
  run: async () => (await import("./run.ts")).run,
  attach: async () => (await import("./attach.ts")).attach,
  "port-forward": async () => (await import("./port_forward.ts")).portForward,
  proxy: async () => (await import("./proxy.ts")).proxy,
  exec: async () => (await import("./exec.ts")).exec,
  wait: async () => (await import("./wait.ts")).wait,
  auth: async () => (await import("./auth.ts")).auth,
  config: async () => (await import("./config.ts")).config,
  plugin: async () => (await import("./plugin.ts")).plugin,
  version: async () => (await import("./version.ts")).versionVerb,
  master: async () => (await import("./master.ts")).master,
  node: async () => (await import("./node.ts")).node,
  "service-proxy": async () => (await import("./service_proxy.ts")).serviceProxy,
  store: async () => (await import("./store.ts")).store,
};
