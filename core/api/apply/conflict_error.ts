import { StatusError } from "../status.ts";
import { managerText, type OwnedFields } from "./entries.ts";
import type { FieldConflict } from "./owners.ts";
import { pathText } from "./path_element.ts";

/** A client is told this many conflicts and no more. */
const maxConflicts = 1000;

/** 409 for an apply that would change what others own. @see k8s.io/apimachinery/pkg/util/managedfields NewConflictError */
export function conflictError(conflicts: readonly FieldConflict[]): StatusError {
  const sorted = conflicts
    .map((conflict) => ({ ...conflict, text: managerText(conflict.owner) }))
    .sort((a, b) => (a.text === b.text ? 0 : a.text < b.text ? -1 : 1));
  const told = sorted.slice(0, maxConflicts);
  return new StatusError(409, "Conflict", message(told, conflicts.length), {
    causes: told.map(({ owner, path }) => ({
      reason: "FieldManagerConflict",
      message: `conflict with ${describe(owner)}`,
      field: pathText(path),
    })),
  });
}

function message(conflicts: readonly FieldConflict[], count: number): string {
  const [first] = conflicts;
  if (first && conflicts.length === 1)
    return `Apply failed with 1 conflict: conflict with ${describe(first.owner)}: ${pathText(first.path)}`;
  const lines: string[] = [];
  let owner: OwnedFields | undefined;
  for (const conflict of conflicts) {
    if (conflict.owner !== owner) lines.push(`conflicts with ${describe(conflict.owner)}:`);
    owner = conflict.owner;
    lines.push(`- ${pathText(conflict.path)}`);
  }
  return `Apply failed with ${count} conflicts: ${lines.join("\n")}`;
}

function describe({ manager, operation, apiVersion, subresource }: OwnedFields): string {
  const name = subresource
    ? `${JSON.stringify(manager)} with subresource ${JSON.stringify(subresource)}`
    : JSON.stringify(manager);
  return operation === "Update" ? `${name} using ${apiVersion}` : name;
}
