import { type ReplicaSet, type ReplicationController, replicationController } from "../../core/kinds/mod.ts";
import type { Controller } from "./controller.ts";
import { replicaController } from "./replicaset.ts";

/** Keeps as many pods as a ReplicationController wants: as for a ReplicaSet, by a selector of the older form. */
export const replicationControllerController: Controller = replicaController<ReplicationController>({
  name: "replication-controller",
  kind: replicationController,
  asReplicaSet,
  withStatus: (object, { terminatingReplicas: _terminating, ...status }) => ({ ...object, status }),
});

function asReplicaSet(object: ReplicationController): ReplicaSet {
  const { selector, template, ...rest } = object.spec ?? {};
  return {
    ...object,
    spec: { ...rest, selector: { matchLabels: selector ?? {} }, template: template ?? { spec: { containers: [] } } },
  };
}
