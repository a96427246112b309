import type { KubeList, KubeObject } from "../../core/api/meta.ts";
import { ageText } from "../../core/api/table.ts";
import type { WireTable } from "../output/table.ts";

/** A server's answer as a table; one that makes none gives the objects, of which the names and ages are shown. */
export function asTable(answer: KubeObject | KubeList<KubeObject>, now: number): WireTable {
  if (answer.kind === "Table") return answer as unknown as WireTable;
  const items = "items" in answer ? (answer as KubeList<KubeObject>).items : [answer as KubeObject];
  return {
    kind: "Table",
    metadata: answer.metadata as NonNullable<WireTable["metadata"]>,
    columnDefinitions: [
      { name: "Name", type: "string", format: "name" },
      { name: "Age", type: "string" },
    ],
    rows: items.map((object) => ({
      cells: [object.metadata.name ?? "", ageText(object.metadata.creationTimestamp, now)],
      object,
    })),
  };
}
