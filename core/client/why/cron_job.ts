import { controllerOf, findCondition } from "../../api/meta.ts";
import { type CronJob, job } from "../../kinds/mod.ts";
import { eventsOf } from "./events_of.ts";
import { conditionText, counted, type Explainer, lastSeen, type Reason } from "./explanation.ts";

/** Why a CronJob makes no jobs, or how the last one went. */
export const explainCronJob: Explainer<CronJob> = async (object, context) => {
  const { metadata, spec, status } = object;
  const { client, signal } = context;
  const { items } = await client.list(job, { namespace: metadata.namespace, signal });
  const [last] = items
    .filter((one) => controllerOf(one)?.uid === metadata.uid)
    .toSorted((a, b) => ((a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? 1 : -1));
  const active = status?.active ?? [];
  const troubles: Reason[] = [];
  if (spec.suspend) troubles.push({ stage: "rollout", says: "it is suspended", remedy: "set spec.suspend to false" });
  const failed = findCondition(last?.status?.conditions, "Failed");
  if (failed?.status === "True")
    troubles.push({
      stage: "rollout",
      says: `its last job failed: ${conditionText(failed)}`,
      since: failed.lastTransitionTime ?? undefined,
      remedy: `wherry why job/${last?.metadata.name}`,
    });
  const warning = (await eventsOf(object, context)).find(({ type }) => type === "Warning");
  if (warning?.message) troubles.push({ stage: "event", says: warning.message, since: lastSeen(warning) });
  const waits: Reason[] =
    active.length > 0 && spec.concurrencyPolicy === "Forbid"
      ? [{ stage: "rollout", says: `the next job comes when ${active.map(({ name }) => `job/${name}`)} has ended` }]
      : [];
  const ran = status?.lastScheduleTime ? `the last was due at ${status.lastScheduleTime}` : "none was due yet";
  const state = `${counted(active.length, "job")} active, ${ran}`;
  return { state, isWell: troubles.length === 0, reasons: [...troubles, ...waits] };
};
