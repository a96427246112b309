import type { PodTemplateSpec } from "../../core/kinds/pod.ts";
import { Page } from "./page.ts";
import { templateLines } from "./pod.ts";

/** What pods are made from, in lines as describe prints it. */
export function describePodTemplate(template: PodTemplateSpec | undefined): readonly string[] {
  const page = new Page();
  templateLines(page, template);
  return page.text().replace(/\n$/, "").split("\n");
}
