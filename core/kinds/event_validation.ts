import { dnsSubdomainError } from "../api/kind.ts";
import { qualifiedNameErrors } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import type { Event } from "./event.ts";
import { semanticEqual } from "./semantic_equal.ts";
import { check, checkAll, checkImmutable, type FieldErrors } from "./validators.ts";

const maxWord = 128;
const maxMessage = 1024;

/**
 * What is wrong with an event, whichever version it was written in.
 *
 * @param reporter what the version calls the reporting controller
 * @see k8s.io/kubernetes/pkg/apis/core/validation/events.go
 */
export function checkEvent(event: Event, reporter: "reportingComponent" | "reportingController"): FieldErrors {
  const { metadata, involvedObject, eventTime } = event;
  const [own = "", about = ""] = [metadata.namespace, involvedObject?.namespace];
  const mismatch = [fieldError.invalid("involvedObject.namespace", about, "does not match event.namespace")];
  const named = check("namespace", own, dnsSubdomainError(own));
  if (!eventTime) {
    // Events about cluster-scoped objects live in the default namespace.
    const fits = about === "" ? own === "" || own === "default" : about === own;
    return [...(fits ? [] : mismatch), ...named];
  }
  const fits = about !== "" || own === "default" || own === "kube-system";
  return [...(fits ? [] : mismatch), ...checkReport(event, reporter), ...named];
}

/** What events that say when they happened must say besides. */
function checkReport(event: Event, reporter: string): FieldErrors {
  const { reportingComponent = "", reportingInstance = "", action = "", reason = "", message = "" } = event;
  const tooLong = (field: string, max: number) => fieldError.invalid(field, "", `can have at most ${max} characters`);
  const word = (field: string, text: string): FieldErrors => {
    if (!text) return [fieldError.required(field)];
    return text.length > maxWord ? [tooLong(field, maxWord)] : [];
  };
  return [
    ...(reportingComponent ? [] : [fieldError.required(reporter)]),
    ...checkAll(reporter, reportingComponent, qualifiedNameErrors(reportingComponent)),
    ...(reportingInstance ? [] : [fieldError.required("reportingInstance")]),
    // The name of the field is misspelt in Kubernetes.
    ...(reportingInstance.length > maxWord ? [tooLong("repotingIntance", maxWord)] : []),
    ...word("action", action),
    ...word("reason", reason),
    ...(message.length > maxMessage ? [tooLong("message", maxMessage)] : []),
  ];
}

/** What is wrong, besides, with an event that is created as events.k8s.io/v1: it may not have what is deprecated there. */
export function checkNewEvent(event: Event): FieldErrors {
  const { eventTime, type = "", firstTimestamp, lastTimestamp, count, source } = event;
  const unset = (field: string) => fieldError.invalid(field, "", "needs to be unset");
  return [
    ...checkSeries(event),
    ...(eventTime ? [] : [fieldError.required("eventTime")]),
    ...(type === "Normal" || type === "Warning" ? [] : [fieldError.invalid("type", "", `has invalid value: ${type}`)]),
    ...(firstTimestamp ? [unset("firstTimestamp")] : []),
    ...(lastTimestamp ? [unset("lastTimestamp")] : []),
    ...(count ? [unset("count")] : []),
    ...(source?.component || source?.host ? [unset("source")] : []),
  ];
}

/** What may not change in an event that is written as events.k8s.io/v1. */
export function checkEventUpdate(next: Event, previous: Event): FieldErrors {
  const fields: readonly (keyof Event)[] = [
    "involvedObject",
    "reason",
    "message",
    "source",
    "firstTimestamp",
    "lastTimestamp",
    "count",
    "type",
    "eventTime",
    "action",
    "related",
    "reportingComponent",
    "reportingInstance",
  ];
  return [
    ...(semanticEqual(next.series, previous.series) ? [] : checkSeries(next)),
    ...fields.flatMap((field) =>
      checkImmutable(field === "reportingComponent" ? "reportingController" : field, next[field], previous[field]),
    ),
  ];
}

function checkSeries({ series }: Event): FieldErrors {
  if (!series) return [];
  const errors: FieldError[] = [];
  if ((series.count ?? 0) < 2) errors.push(fieldError.invalid("series.count", "", "should be at least 2"));
  if (!series.lastObservedTime) errors.push(fieldError.required("series.lastObservedTime"));
  return errors;
}
