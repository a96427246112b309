/** Cells that the tables of several kinds share. */
import type { Column } from "../api/kind.ts";
import { formatLabelSelector, type LabelSelector } from "../api/labels.ts";
import type { KubeObject } from "../api/meta.ts";
import { ageText } from "../api/table.ts";
import type { PodSpec, PodTemplateSpec } from "./pod.ts";

/** The first column of every table. */
export const nameColumn: Column<KubeObject> = {
  name: "Name",
  type: "string",
  format: "name",
  description: "Name must be unique within a namespace.",
  cell: (object) => object.metadata.name ?? "",
};

/** How long ago the object was created. */
export const ageColumn: Column<KubeObject> = {
  name: "Age",
  type: "string",
  description: "How long ago the object was created.",
  cell: (object, { now }) => ageText(object.metadata.creationTimestamp, now),
};

/** Names of the containers, comma separated. */
function containerNames(spec: PodSpec | undefined): string {
  return (spec?.containers ?? []).map((container) => container.name).join(",");
}

/** Images of the containers, comma separated. */
function containerImages(spec: PodSpec | undefined): string {
  return (spec?.containers ?? []).map((container) => container.image ?? "").join(",");
}

/** A selector as one text; `<none>` for an empty one. */
export function selectorText(selector: LabelSelector | undefined): string {
  return (selector && formatLabelSelector(selector)) || "<none>";
}

/** What workloads show with `-o wide`: their template's containers and images, and whose pods are theirs. */
export function templateColumns<
  T extends KubeObject & { readonly spec: { readonly selector: LabelSelector; readonly template: PodTemplateSpec } },
>(owner: string): readonly Column<T>[] {
  return [
    {
      name: "Containers",
      type: "string",
      priority: 1,
      description: "Names of the template's containers.",
      cell: ({ spec }) => containerNames(spec.template.spec),
    },
    {
      name: "Images",
      type: "string",
      priority: 1,
      description: "Images of the template's containers.",
      cell: ({ spec }) => containerImages(spec.template.spec),
    },
    {
      name: "Selector",
      type: "string",
      priority: 1,
      description: `Labels of the pods that belong to the ${owner}.`,
      cell: ({ spec }) => selectorText(spec.selector),
    },
  ];
}

/** The text, or `<none>`. */
export function orNone(text: string | undefined): string {
  return text || "<none>";
}
