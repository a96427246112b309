import fc from "fast-check";
import { expect, it } from "vitest";
import { pod } from "../../../core/kinds/mod.ts";
import { selection } from "../../../master_daemon/apiserver/query.ts";
import { Change } from "../../../master_daemon/registry/change.ts";
import { StorageLayout, StoredObject } from "../../../master_daemon/registry/stored_object.ts";
import { Watcher } from "../../../master_daemon/registry/watcher.ts";
import { WatcherSet } from "../../../master_daemon/registry/watcher_set.ts";

const layout = new StorageLayout(pod);
const key = { namespace: "default", name: "p" };
const nodeName = fc.constantFrom("", "n1", "n2", "__proto__");
const phase = fc.constantFrom("Pending", "Running");
const selector = fc.constantFrom(
  "",
  "spec.nodeName=n1",
  "spec.nodeName=n2",
  "spec.nodeName=",
  "spec.nodeName=__proto__",
  "spec.nodeName!=n1",
  "status.phase=Running,spec.nodeName=n1",
  "spec.nodeName=n1,status.phase!=Running",
  "metadata.name=p",
  "metadata.name=q",
);
const state = fc.option(fc.record({ nodeName, phase }), { nil: undefined });

function stored(of: { nodeName: string; phase: string } | undefined): StoredObject | undefined {
  if (!of) return undefined;
  const object = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: key,
    spec: { containers: [], nodeName: of.nodeName },
    status: { phase: of.phase },
  };
  return new StoredObject({ layout, key, revision: 1, value: layout.encode(object), object });
}

it("asks everybody about a change who sees an event of it, once, and whoever left no more", () => {
  fc.assert(
    fc.property(fc.array(selector), fc.array(selector), state, state, (stay, go, before, after) => {
      const open = (text: string) =>
        new Watcher({
          selection: selection(pod, undefined, new URLSearchParams({ fieldSelector: text })),
          bookmarks: false,
          budgetBytes: 1024,
        });
      const [staying, going] = [stay.map(open), go.map(open)];
      const set = new WatcherSet();
      for (const watcher of [...staying, ...going]) set.add(watcher);
      for (const watcher of going) set.delete(watcher);
      expect(set.empty).toBe(staying.length === 0);
      expect(new Set(set)).toEqual(new Set(staying));
      const change = new Change({ key, revision: 2, next: stored(after), previous: stored(before) });
      const asked = [...set.concernedBy(change)];
      expect(asked.length).toBe(new Set(asked).size);
      expect(staying).toEqual(expect.arrayContaining(asked));
      expect(asked).toEqual(
        expect.arrayContaining(staying.filter((watcher) => change.eventFor(watcher.selection) !== undefined)),
      );
    }),
    { numRuns: 200 },
  );
});

it("asks only the watcher of its node about a pod, of a thousand", () => {
  const set = new WatcherSet();
  const watchers = Array.from({ length: 1000 }, (_, at) => {
    const query = new URLSearchParams({ fieldSelector: `spec.nodeName=n${at}` });
    return new Watcher({ selection: selection(pod, undefined, query), bookmarks: false, budgetBytes: 1024 });
  });
  for (const watcher of watchers) set.add(watcher);
  const next = stored({ nodeName: "n7", phase: "Running" });
  const previous = stored({ nodeName: "", phase: "Pending" });
  expect([...set.concernedBy({ next, previous })]).toEqual([watchers[7]]);
});
