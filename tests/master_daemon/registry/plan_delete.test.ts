import { expect, it } from "vitest";
import { namespace } from "../../../core/kinds/namespace.ts";
import { planDelete } from "../../../master_daemon/registry/plan_delete.ts";
import { aWidget, type Widget, widget } from "./fixtures.ts";

const now = Date.UTC(2026, 0, 1);
const marked = { deletionTimestamp: "2026-01-01T00:00:30Z", deletionGracePeriodSeconds: 30 };
const slow = (metadata: Partial<Widget["metadata"]> = {}) => aWidget("a", { slow: true }, metadata);

it.each<[string, Widget, Parameters<typeof planDelete>[2], unknown]>([
  ["nothing keeps it", aWidget("a"), { now }, "remove"],
  ["grace 0 is asked for", slow(), { now, gracePeriodSeconds: 0 }, "remove"],
  ["grace 0 is asked for later", slow(marked), { now, gracePeriodSeconds: 0 }, "remove"],
  ["it waits already", slow(marked), { now }, "none"],
  ["it waits already for less", slow(marked), { now, gracePeriodSeconds: 31 }, "none"],
  ["a first delete has a grace period", slow(), { now }, marked],
  [
    "a later delete shortens it, counted from the first",
    slow(marked),
    { now: now + 5_000, gracePeriodSeconds: 10 },
    { deletionTimestamp: "2026-01-01T00:00:10Z", deletionGracePeriodSeconds: 10 },
  ],
  [
    "a finalizer keeps it even at grace 0",
    slow({ ...marked, finalizers: ["example.com/f"] }),
    { now, gracePeriodSeconds: 0 },
    { deletionGracePeriodSeconds: 0, finalizers: ["example.com/f"] },
  ],
  [
    "Background lifts the orphan finalizer",
    aWidget("a", {}, { finalizers: ["orphan"] }),
    { now, propagationPolicy: "Background" },
    "remove",
  ],
  [
    "Foreground replaces the orphan finalizer",
    aWidget("a", {}, { finalizers: ["orphan"] }),
    { now, propagationPolicy: "Foreground" },
    { finalizers: ["foregroundDeletion"], deletionTimestamp: "2026-01-01T00:00:00Z" },
  ],
])("planDelete() does what Kubernetes does when %s", (_title, object, options, expected) => {
  const plan = planDelete(widget, object, options);
  if (typeof expected === "string") expect(plan).toEqual({ action: expected });
  else expect(plan).toMatchObject({ action: "mark", next: { metadata: expected } });
});

it("planDelete() removes a namespace at once when nothing keeps it", () => {
  const room = { apiVersion: "v1", kind: "Namespace", metadata: { name: "room" }, spec: { finalizers: [] } };
  expect(planDelete(namespace, room, { now })).toEqual({ action: "remove" });
});
