import type { PodTemplateSpec } from "../../core/kinds/pod.ts";
import { Page } from "./page.ts";
import { templateLines } from "./pod.ts";

/** What pods are made from, as describe writes it; kubectl's histories leave the tabs as they are. */
export function describePodTemplate(template: PodTemplateSpec | undefined): string {
  const page = new Page();
  templateLines(page, template);
  return page.raw();
}
