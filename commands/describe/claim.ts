import type { StringMap } from "../../core/api/meta.ts";
import { canonicalQuantity } from "../../core/api/quantity.ts";
import { accessModesText } from "../../core/kinds/cells.ts";
import type { PersistentVolumeClaim } from "../../core/kinds/persistent_volume_claim.ts";
import { sortedEntries } from "./common.ts";

/** What a claim asks for and, as far as it is bound, what it got. `line` writes a line in its place. */
export function describeClaim(line: (text: string) => void, { metadata, spec, status }: PersistentVolumeClaim): void {
  line(
    `StorageClass:\t${spec.storageClassName ?? metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] ?? ""}`,
  );
  line(`Volume:\t${spec.volumeName ?? ""}`);
  entries(line, "Labels", metadata.labels, "=");
  entries(line, "Annotations", metadata.annotations, ": ");
  const capacity = status?.capacity?.["storage"];
  line(`Capacity:\t${spec.volumeName ? canonicalQuantity(capacity ?? "0") : ""}`);
  line(`Access Modes:\t${spec.volumeName ? accessModesText(status?.accessModes) : ""}`);
  if (spec.volumeMode) line(`VolumeMode:\t${spec.volumeMode}`);
}

function entries(line: (text: string) => void, title: string, map: StringMap | undefined, colon: string): void {
  const first = colon === "=" ? "    " : "";
  const lines = sortedEntries(map).map(([key, value]) => `${key}${colon}${value}`);
  // kubectl indents here what it writes, piece by piece.
  const shown = lines.length === 0 ? ["<none>"] : lines;
  shown.forEach((text, index) => {
    line(`${index === 0 ? `${title}:` : first}\t    ${text}`);
  });
}
