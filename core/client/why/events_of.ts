import { type KubeObject, keyOf } from "../../api/meta.ts";
import { type Event, event } from "../../kinds/event.ts";
import { lastSeen, type WhyContext } from "./explanation.ts";
import { list } from "./look.ts";

/** What happened to an object lately, newest first. Empty for those who may not read events. */
export async function eventsOf(object: KubeObject, context: WhyContext): Promise<readonly Event[]> {
  const { namespace, name } = keyOf(object);
  const { uid } = object.metadata;
  const fieldSelector = [
    `involvedObject.name=${name}`,
    `involvedObject.kind=${object.kind}`,
    ...(uid ? [`involvedObject.uid=${uid}`] : []),
  ].join(",");
  const events = (await list(event, context, { namespace, fieldSelector })) ?? [];
  return events.toSorted((a, b) => (lastSeen(a) < lastSeen(b) ? 1 : -1));
}

/** The newest event with one of these reasons. */
export function newestEvent(events: readonly Event[], reasons: readonly string[]): Event | undefined {
  return events.find(({ reason }) => reason !== undefined && reasons.includes(reason));
}
