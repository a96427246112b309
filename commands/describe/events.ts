import type { KubeObject } from "../../core/api/meta.ts";
import { type Event, event } from "../../core/kinds/event.ts";
import type { DescribeContext } from "./common.ts";
import { since } from "./common.ts";
import type { Page } from "./page.ts";

/** What identifies the object of events; absent parts are not looked at. */
export interface EventSubject {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly kind?: string | undefined;
  readonly uid?: string | undefined;
}

/** The events of an object. None where the server refuses: a description is worth having without them. */
export async function eventsOf(
  { name, namespace, kind, uid }: EventSubject,
  { client, signal, chunkSize }: DescribeContext,
): Promise<readonly Event[]> {
  const fieldSelector = [
    `involvedObject.name=${name}`,
    ...(namespace === undefined ? [] : [`involvedObject.namespace=${namespace}`]),
    ...(kind ? [`involvedObject.kind=${kind}`] : []),
    ...(uid ? [`involvedObject.uid=${uid}`] : []),
  ].join(",");
  const found: Event[] = [];
  let next: string | undefined;
  try {
    do {
      const list = await client.list(event, {
        namespace: namespace || undefined,
        fieldSelector,
        limit: chunkSize || undefined,
        continue: next,
        signal,
      });
      found.push(...list.items);
      next = list.metadata.continue || undefined;
    } while (next);
  } catch (error) {
    if (signal.aborted) throw error;
  }
  return found;
}

/** What happened to an object, the newest last, where events are wanted. */
export async function describeEvents(page: Page, object: KubeObject, context: DescribeContext): Promise<void> {
  if (!context.showEvents) return;
  const { name = "", namespace = "", uid } = object.metadata;
  eventLines(page, await eventsOf({ name, namespace, kind: object.kind, uid }, context), context);
}

/** Events as describe prints them. @see k8s.io/kubectl/pkg/describe/describe.go DescribeEvents */
export function eventLines(page: Page, events: readonly Event[], context: DescribeContext): void {
  if (events.length === 0) {
    page.line(0, "Events:\t<none>");
    return;
  }
  page.line(0, "Events:");
  page.line(1, "Type\tReason\tAge\tFrom\tMessage");
  page.line(1, "----\t------\t----\t----\t-------");
  for (const one of sortedEvents(events)) {
    const source = one.source?.component || one.reportingComponent || "";
    const { fieldPath } = one.involvedObject;
    const message = `${fieldPath ? `${fieldPath}: ` : ""}${(one.message ?? "").trim()}`;
    page.line(1, `${one.type ?? ""}\t${one.reason ?? ""}\t${interval(one, context)}\t${source}\t${message}`);
  }
}

/** By when they were seen last; those that do not say come first. */
export function sortedEvents(events: readonly Event[]): readonly Event[] {
  const seen = (one: Event) => Date.parse(one.lastTimestamp ?? one.eventTime ?? "") || 0;
  return [...events].sort((a, b) => seen(a) - seen(b));
}

/** How long ago it happened, and how often since when. */
export function interval(one: Event, context: Pick<DescribeContext, "now">): string {
  const first = since(one.eventTime ?? one.firstTimestamp, context);
  if (one.series) {
    return `${since(one.series.lastObservedTime, context)} (x${one.series.count ?? 0} over ${first})`;
  }
  return (one.count ?? 0) > 1 ? `${since(one.lastTimestamp, context)} (x${one.count} over ${first})` : first;
}
