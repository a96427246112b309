import { expect, it } from "vitest";
import { clusterRole } from "../../../core/kinds/cluster_role.ts";
import { kinds } from "../../../core/kinds/mod.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { followPolicy } from "../../../master_daemon/authorization/follow_policy.ts";
import { openRegistries } from "../../../master_daemon/registry/registries.ts";
import { openMemoryStore } from "../../../master_daemon/store/memory.ts";

it("the cluster's own parts may do their work from the start, also where a first start ended before all default roles were written", async () => {
  const clock = new FakeClock();
  const log = silentLogger;
  await using store = openMemoryStore({ clock });
  const options = { store, kinds, clock, random: seededRandom(1), log, localRanges: [] };
  await using registries = await openRegistries(options);
  // The first of them is there, with what somebody changed in it; the rest is not.
  const changed = { rules: [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }] };
  await registries.for(clusterRole).create(
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: "system:kube-scheduler" },
      ...changed,
    },
    { user: { username: "admin", groups: ["system:masters"] } },
  );
  await using followed = await followPolicy({ registries, clock, log });
  const manager = { username: "system:kube-controller-manager", groups: ["system:authenticated"] };
  expect(followed.policy.grants(manager, undefined).rules.length).toBeGreaterThan(0);
  expect(followed.policy.roleRules(undefined, "system:kube-scheduler")).toEqual(changed.rules);
});
