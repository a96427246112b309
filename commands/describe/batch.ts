import { selectorFromObject } from "../../core/api/labels.ts";
import { durationText } from "../../core/api/table.ts";
import type { CronJob } from "../../core/kinds/cron_job.ts";
import type { Job } from "../../core/kinds/job.ts";
import { boolText, controlledBy, type Describer, metadataLines, nameLines, orUnset, timeText } from "./common.ts";
import { describeEvents } from "./events.ts";
import { templateLines } from "./pod.ts";

/** A job with how far it is. */
export const describeJob: Describer = async (object, page, context) => {
  const { spec, status = {} } = object as Job;
  nameLines(page, object);
  page.line(0, `Selector:\t${selectorFromObject(spec.selector).toString()}`);
  metadataLines(page, object);
  controlledBy(page, object);
  if (spec.parallelism !== undefined) page.line(0, `Parallelism:\t${spec.parallelism}`);
  page.line(0, `Completions:\t${orUnset(spec.completions)}`);
  if (spec.completionMode !== undefined) page.line(0, `Completion Mode:\t${spec.completionMode}`);
  if (spec.suspend !== undefined) page.line(0, `Suspend:\t${spec.suspend}`);
  if (spec.backoffLimit !== undefined) page.line(0, `Backoff Limit:\t${spec.backoffLimit}`);
  if (spec.ttlSecondsAfterFinished !== undefined)
    page.line(0, `TTL Seconds After Finished:\t${spec.ttlSecondsAfterFinished}`);
  if (status.startTime) page.line(0, `Start Time:\t${timeText(status.startTime)}`);
  if (status.completionTime) page.line(0, `Completed At:\t${timeText(status.completionTime)}`);
  if (status.startTime && status.completionTime) {
    const took = Date.parse(status.completionTime) - Date.parse(status.startTime);
    page.line(0, `Duration:\t${durationText(took)}`);
  }
  if (spec.activeDeadlineSeconds !== undefined)
    page.line(0, `Active Deadline Seconds:\t${spec.activeDeadlineSeconds}s`);
  const ready = status.ready === undefined || status.ready === null ? "" : ` (${status.ready} Ready)`;
  page.line(
    0,
    `Pods Statuses:\t${status.active ?? 0} Active${ready} / ${status.succeeded ?? 0} Succeeded / ${status.failed ?? 0} Failed`,
  );
  if (spec.completionMode === "Indexed") page.line(0, `Completed Indexes:\t${indexesText(status.completedIndexes)}`);
  templateLines(page, spec.template);
  await describeEvents(page, object, context);
};

/** So much of a list of indexes is shown, up to the next comma. */
const maxIndexes = 50;

function indexesText(indexes = ""): string {
  const comma = indexes.indexOf(",", maxIndexes);
  return comma < 0 ? indexes || "<none>" : `${indexes.slice(0, comma + 1)}...`;
}

/** A cron job with its template. */
export const describeCronJob: Describer = async (object, page, context) => {
  const { spec, status } = object as CronJob;
  const { spec: job } = spec.jobTemplate;
  nameLines(page, object);
  metadataLines(page, object);
  page.line(0, `Schedule:\t${spec.schedule}`);
  page.line(0, `Concurrency Policy:\t${spec.concurrencyPolicy ?? ""}`);
  page.line(0, `Suspend:\t${spec.suspend === undefined ? "<unset>" : boolText(spec.suspend)}`);
  page.line(0, `Time Zone:\t${orUnset(spec.timeZone)}`);
  page.line(0, `Successful Job History Limit:\t${orUnset(spec.successfulJobsHistoryLimit)}`);
  page.line(0, `Failed Job History Limit:\t${orUnset(spec.failedJobsHistoryLimit)}`);
  page.line(0, `Starting Deadline Seconds:\t${orUnset(spec.startingDeadlineSeconds, "s")}`);
  page.line(0, `Selector:\t${job?.selector ? selectorFromObject(job.selector).toString() : "<unset>"}`);
  page.line(0, `Parallelism:\t${orUnset(job?.parallelism)}`);
  page.line(0, `Completions:\t${orUnset(job?.completions)}`);
  if (job?.activeDeadlineSeconds !== undefined) page.line(0, `Active Deadline Seconds:\t${job.activeDeadlineSeconds}s`);
  templateLines(page, job?.template);
  page.line(0, `Last Schedule Time:\t${status?.lastScheduleTime ? timeText(status.lastScheduleTime) : "<unset>"}`);
  page.line(0, `Active Jobs:\t${(status?.active ?? []).map(({ name }) => name).join(", ") || "<none>"}`);
  await describeEvents(page, object, context);
};
