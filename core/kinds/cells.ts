/** Cells that the tables of several kinds share. */
import type { Column } from "../api/kind.ts";
import { formatLabelSelector, type LabelSelector } from "../api/labels.ts";
import type { KubeObject, StringMap } from "../api/meta.ts";
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

/** What kinds without columns of their own have beside the name. */
export const createdAtColumn: Column<KubeObject> = {
  name: "Created At",
  type: "date",
  description: "When the object was created.",
  cell: (object) => object.metadata.creationTimestamp ?? "",
};

/** Names of the containers, comma separated. */
export function containerNames(spec: PodSpec | undefined): string {
  return (spec?.containers ?? []).map((container) => container.name).join(",");
}

/** Images of the containers, comma separated. */
export function containerImages(spec: PodSpec | undefined): string {
  return (spec?.containers ?? []).map((container) => container.image ?? "").join(",");
}

/** A selector as one text; `<none>` for an empty one. */
export function selectorText(selector: LabelSelector | undefined): string {
  return (selector && formatLabelSelector(selector)) || "<none>";
}

/** What workloads show with `-o wide`: their template's containers and images, and whose pods are theirs. */
export function templateColumns<T extends KubeObject>(
  owner: string,
  partsOf: (object: T) => {
    readonly selector?: LabelSelector | undefined;
    readonly template?: PodTemplateSpec | undefined;
  },
): readonly Column<T>[] {
  return [
    {
      name: "Containers",
      type: "string",
      priority: 1,
      description: "Names of the template's containers.",
      cell: (object) => containerNames(partsOf(object).template?.spec),
    },
    {
      name: "Images",
      type: "string",
      priority: 1,
      description: "Images of the template's containers.",
      cell: (object) => containerImages(partsOf(object).template?.spec),
    },
    {
      name: "Selector",
      type: "string",
      priority: 1,
      description: `Labels of the pods that belong to the ${owner}.`,
      cell: (object) => selectorText(partsOf(object).selector),
    },
  ];
}

/** Labels as one text: `a=b,c=d`; `<none>` for no labels. */
export function labelsText(labels: StringMap | undefined): string {
  return selectorText(labels && { matchLabels: labels });
}

const accessModeTexts: readonly (readonly [string, string])[] = [
  ["ReadWriteOnce", "RWO"],
  ["ReadOnlyMany", "ROX"],
  ["ReadWriteMany", "RWX"],
  ["ReadWriteOncePod", "RWOP"],
];

/** Access modes in their short form: `RWO,ROX`. */
export function accessModesText(modes: readonly string[] = []): string {
  return accessModeTexts
    .filter(([mode]) => modes.includes(mode))
    .map(([, text]) => text)
    .join(",");
}

/** The text, or `<none>`. */
export function orNone(text: string | undefined): string {
  return text || "<none>";
}

/** When the object was created: what kinds without columns of their own show besides the name. */
export const createdColumn: Column<KubeObject> = {
  name: "Created At",
  type: "date",
  description: "When the object was created, by the server's clock.",
  cell: (object) => object.metadata.creationTimestamp ?? "",
};
