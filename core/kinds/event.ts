import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { ageText } from "../api/table.ts";
import { pathSegmentError } from "../api/validate_meta.ts";
import { nameColumn } from "./cells.ts";
import type { ObjectReference } from "./endpoints.ts";
import { checkEvent } from "./event_validation.ts";

/** Something that happened to an object. Kept for an hour. */
export interface Event extends KubeObject {
  readonly involvedObject: ObjectReference;
  readonly reason?: string;
  readonly message?: string;
  readonly source?: { readonly component?: string; readonly host?: string };
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly count?: number;
  readonly type?: "Normal" | "Warning";
  readonly eventTime?: string | null;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string };
  readonly action?: string;
  readonly related?: ObjectReference;
  readonly reportingComponent?: string;
  readonly reportingInstance?: string;
}

/** The kind Event. */
export const event: Kind<Event> = defineKind<Event>({
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  namespaced: true,
  shortNames: ["ev"],
  schema: "io.k8s.api.core.v1.Event",
  createOnUpdate: true,
  seldomRead: true,
  // Any name that fits into a path: what reports by this version is old.
  validateName: pathSegmentError,
  strategy: {
    validate: (object) => checkEvent(object, "reportingComponent"),
    fields: (object) => {
      const about = object.involvedObject ?? {};
      return {
        "involvedObject.kind": about.kind ?? "",
        "involvedObject.namespace": about.namespace ?? "",
        "involvedObject.name": about.name ?? "",
        "involvedObject.uid": about.uid ?? "",
        "involvedObject.apiVersion": about.apiVersion ?? "",
        "involvedObject.resourceVersion": about.resourceVersion ?? "",
        "involvedObject.fieldPath": about.fieldPath ?? "",
        reason: object.reason ?? "",
        reportingComponent: object.reportingComponent ?? "",
        source: object.source?.component || (object.reportingComponent ?? ""),
        type: object.type ?? "",
      };
    },
  },
  columns: [
    {
      name: "Last Seen",
      type: "string",
      description: "How long ago it happened last.",
      cell: (object, { now }) => ageText(lastSeen(object), now),
    },
    { name: "Type", type: "string", description: "Normal or Warning.", cell: ({ type }) => type ?? "" },
    { name: "Reason", type: "string", description: "Why, in one word.", cell: ({ reason }) => reason ?? "" },
    {
      name: "Object",
      type: "string",
      description: "What it happened to.",
      cell: ({ involvedObject }) =>
        involvedObject?.name
          ? `${(involvedObject.kind ?? "").toLowerCase()}/${involvedObject.name}`
          : (involvedObject?.kind ?? "").toLowerCase(),
    },
    {
      name: "Subobject",
      type: "string",
      priority: 1,
      description: "Which part of the object.",
      cell: ({ involvedObject }) => involvedObject?.fieldPath ?? "",
    },
    {
      name: "Source",
      type: "string",
      priority: 1,
      description: "Who reported it.",
      cell: ({ source, reportingComponent, reportingInstance }) => {
        const component = source?.component || reportingComponent || "";
        const host = source?.host || reportingInstance || "";
        return host ? `${component}, ${host}` : component;
      },
    },
    { name: "Message", type: "string", description: "What happened.", cell: ({ message }) => (message ?? "").trim() },
    {
      name: "First Seen",
      type: "string",
      priority: 1,
      description: "How long ago it happened first.",
      cell: (object, { now }) => ageText(object.firstTimestamp ?? object.eventTime ?? undefined, now),
    },
    {
      name: "Count",
      type: "string",
      priority: 1,
      description: "How often it happened.",
      cell: ({ series, count }) => String(series?.count ?? (count || 1)),
    },
    { ...nameColumn, priority: 1 },
  ],
});

function lastSeen({ series, lastTimestamp, firstTimestamp, eventTime }: Event): string | undefined {
  return series?.lastObservedTime ?? lastTimestamp ?? firstTimestamp ?? eventTime ?? undefined;
}
