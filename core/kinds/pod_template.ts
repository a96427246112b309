import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { containerImages, containerNames, labelsText, nameColumn } from "./cells.ts";
import type { PodTemplateSpec } from "./pod.ts";
import { defaultPodTemplate } from "./pod_defaults.ts";
import { checkPodTemplate } from "./pod_validation.ts";

/** A template of pods as an object of its own. */
export interface PodTemplate extends KubeObject {
  readonly template?: PodTemplateSpec;
}

/** The kind PodTemplate. */
export const podTemplate: Kind<PodTemplate> = defineKind<PodTemplate>({
  group: "",
  version: "v1",
  kind: "PodTemplate",
  plural: "podtemplates",
  namespaced: true,
  schema: "io.k8s.api.core.v1.PodTemplate",
  strategy: {
    applyDefaults: (object) => ({ ...object, template: defaultPodTemplate(object.template) }),
    // The template is the spec of this kind.
    prepareForCreate: (object) => ({ ...object, metadata: { ...object.metadata, generation: 1 } }),
    validate: ({ template }) => checkPodTemplate(template ?? { spec: { containers: [] } }, "template"),
  },
  columns: [
    nameColumn,
    {
      name: "Containers",
      type: "string",
      description: "Names of the template's containers.",
      cell: ({ template }) => containerNames(template?.spec),
    },
    {
      name: "Images",
      type: "string",
      description: "Images of the template's containers.",
      cell: ({ template }) => containerImages(template?.spec),
    },
    {
      name: "Pod Labels",
      type: "string",
      description: "Labels of the template.",
      cell: ({ template }) => labelsText(template?.metadata?.labels),
    },
  ],
});
