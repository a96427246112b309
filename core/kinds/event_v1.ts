import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { compact } from "../util/compact.ts";
import type { ObjectReference } from "./endpoints.ts";
import { type Event, event } from "./event.ts";
import { checkEvent, checkEventUpdate, checkNewEvent } from "./event_validation.ts";

/** An event in the version of its own group: the same object as the core group's, with other names. */
export interface EventV1 extends KubeObject {
  readonly eventTime?: string | null;
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
  readonly reportingController?: string;
  readonly reportingInstance?: string;
  readonly action?: string;
  readonly reason?: string;
  readonly regarding?: ObjectReference;
  readonly related?: ObjectReference;
  readonly note?: string;
  readonly type?: "Normal" | "Warning";
  readonly deprecatedSource?: { readonly component?: string; readonly host?: string };
  readonly deprecatedFirstTimestamp?: string | null;
  readonly deprecatedLastTimestamp?: string | null;
  readonly deprecatedCount?: number;
}

/** The kind Event of events.k8s.io/v1. */
export const eventV1: Kind<EventV1> = defineKind<EventV1>({
  group: "events.k8s.io",
  version: "v1",
  kind: "Event",
  plural: "events",
  namespaced: true,
  shortNames: ["ev"],
  schema: "io.k8s.api.events.v1.Event",
  createOnUpdate: true,
  storedAs: {
    kind: event,
    toStored: (objects) => (objects as readonly EventV1[]).map(toCore),
    fromStored: (objects) => (objects as readonly Event[]).map(fromCore),
  },
  strategy: {
    // What is stored fills in what is never absent there.
    applyDefaults: (object) => fromCore(toCore(object)),
    validate: (object, _context, previous) => {
      const stored = toCore(object);
      return [...checkEvent(stored, "reportingController"), ...(previous ? [] : checkNewEvent(stored))];
    },
    validateUpdate: (next, previous) => checkEventUpdate(toCore(next), toCore(previous)),
    fields: (object) => {
      const { source: _source, reportingComponent = "", ...fields } = event.strategy.fields(toCore(object));
      const entries = Object.entries(fields).map(([name, value]) => [
        name.replace(/^involvedObject\./, "regarding."),
        value,
      ]);
      return { ...Object.fromEntries(entries), reportingController: reportingComponent };
    },
  },
  columns: event.columns.map((column) => ({
    ...column,
    cell: (object, context) => column.cell(toCore(object), context),
  })),
});

function toCore(object: EventV1): Event {
  const { regarding, note, reportingController, deprecatedSource, deprecatedCount, ...rest } = object;
  const { deprecatedFirstTimestamp, deprecatedLastTimestamp, ...same } = rest;
  return compact<Event>({
    ...same,
    apiVersion: "v1",
    kind: "Event",
    involvedObject: regarding ?? {},
    message: note,
    source: deprecatedSource ?? {},
    firstTimestamp: deprecatedFirstTimestamp,
    lastTimestamp: deprecatedLastTimestamp,
    count: deprecatedCount,
    reportingComponent: reportingController ?? "",
    reportingInstance: object.reportingInstance ?? "",
    reason: object.reason,
    type: object.type,
    eventTime: object.eventTime,
    series: object.series,
    action: object.action,
    related: object.related,
  });
}

function fromCore(object: Event): EventV1 {
  const { involvedObject, message, source, firstTimestamp, lastTimestamp, count, reportingComponent, ...same } = object;
  return compact<EventV1>({
    ...same,
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    regarding: involvedObject,
    note: message,
    deprecatedSource: source,
    deprecatedFirstTimestamp: firstTimestamp,
    deprecatedLastTimestamp: lastTimestamp,
    deprecatedCount: count,
    reportingController: reportingComponent,
    reportingInstance: object.reportingInstance,
    reason: object.reason,
    type: object.type,
    eventTime: object.eventTime,
    series: object.series as EventV1["series"],
    action: object.action,
    related: object.related,
  });
}
