import { asJson, asObject, isJsonObject } from "../../core/api/json_object.ts";
import { formatLabelSelector, type LabelSelector } from "../../core/api/labels.ts";
import { controllerOf, type JsonObject, type KubeObject, type StringMap } from "../../core/api/meta.ts";
import { applyStrategicPatch } from "../../core/api/patch/mod.ts";
import { schemaOf } from "../../core/client/apply.ts";
import type { Client } from "../../core/client/client.ts";
import { controllerRevision } from "../../core/kinds/controller_revision.ts";
import { deployment } from "../../core/kinds/deployment.ts";
import type { PodTemplateSpec } from "../../core/kinds/pod.ts";
import { replicaSet } from "../../core/kinds/replica_set.ts";
import { changeCauseAnnotation, withChangeCause } from "../change_cause.ts";
import type { CommandEnv } from "../env.ts";
import type { LoadedTarget } from "../targets.ts";

/** What a workload was like at one of its revisions. */
export interface Revision {
  readonly number: number;
  readonly template: PodTemplateSpec;
  readonly changeCause: string | undefined;
  /** The object that keeps it, as `-o` shows it. */
  readonly object: KubeObject;
  /** Of the object that keeps it. */
  readonly annotations: StringMap;
  /** What brings it back: the patch of a ControllerRevision. Absent for deployments. */
  readonly patch?: JsonObject;
}

const revisionAnnotation = "deployment.kubernetes.io/revision";

/** The revisions of a Deployment, DaemonSet or StatefulSet, oldest first. */
export async function revisionsOf(
  client: Client,
  { object, key }: LoadedTarget,
  { signal }: CommandEnv,
): Promise<readonly Revision[]> {
  const { spec } = object as KubeObject & { readonly spec?: { readonly selector?: LabelSelector } };
  const labelSelector = formatLabelSelector(spec?.selector);
  const place = { namespace: key.namespace, labelSelector, signal };
  const owned = (one: KubeObject) => controllerOf(one)?.uid === object.metadata.uid;
  const found =
    object.kind === deployment.kind
      ? (await client.list(replicaSet, place)).items.filter(owned).map(({ metadata, spec, ...rest }): Revision => {
          const { annotations = {} } = metadata;
          return {
            number: Number(annotations[revisionAnnotation] ?? 0),
            template: spec.template,
            changeCause:
              annotations[changeCauseAnnotation] ?? spec.template.metadata?.annotations?.[changeCauseAnnotation],
            object: { ...rest, metadata, spec } as KubeObject,
            annotations,
          };
        })
      : (await client.list(controllerRevision, place)).items
          .filter(owned)
          .map(({ metadata, revision, data = {} }): Revision => {
            const applied = applyStrategicPatch(asJson(object), data, schemaOf(object.apiVersion, object.kind));
            return {
              number: revision,
              template: templateOf(applied),
              changeCause: metadata.annotations?.[changeCauseAnnotation],
              object: asObject(applied),
              annotations: metadata.annotations ?? {},
              patch: data,
            };
          });
  return found.filter(({ number }) => number > 0).sort((a, b) => a.number - b.number);
}

/** The template with what its change was for, as kubectl shows a Deployment's; the others' revisions keep it elsewhere. */
export function shownTemplate({ template, changeCause, patch }: Revision): PodTemplateSpec {
  return changeCause && !patch ? withChangeCause(template, changeCause) : template;
}

/** The template in a workload. */
export function templateOf(object: JsonObject): PodTemplateSpec {
  const { spec } = object;
  return (isJsonObject(spec) ? spec["template"] : {}) as unknown as PodTemplateSpec;
}
