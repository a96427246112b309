import type { ResourceType } from "../api/kind.ts";
import type { Event } from "../kinds/event.ts";
import type { Pod } from "../kinds/pod.ts";

/** Where pods are. The whole kind, with its validation, need not be loaded to address them. */
export const podResource: ResourceType<Pod> = {
  group: "",
  version: "v1",
  kind: "Pod",
  plural: "pods",
  namespaced: true,
};

/** Where Events are. */
export const eventResource: ResourceType<Event> = {
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  namespaced: true,
};
