import { goJson } from "../api/go_json.ts";
import { isJsonObject } from "../api/json_object.ts";
import type { Json, JsonObject } from "../api/meta.ts";
import { createStrategicPatch, elementOrderPrefix, patchesConflict } from "../api/patch/mod.ts";
import { formatYaml } from "../api/yaml_writer.ts";

/** What was applied last, what is to be, and what is there. */
export interface AppliedStates {
  /** The text of the note in the object; empty where there is none. */
  readonly lastApplied: string;
  readonly original: JsonObject | undefined;
  readonly modified: JsonObject;
  readonly current: JsonObject;
}

/** Others changed what apply would change, and it was told not to. */
export class ApplyConflictError extends Error {
  override readonly name = "ApplyConflictError";
  /** Both changes. */
  readonly changes: string;

  constructor(changes: string, { lastApplied, modified, current }: AppliedStates) {
    super(
      `creating patch with:\noriginal:\n${lastApplied}\nmodified:\n${goJson(modified)}\n\ncurrent:\n${goJson(current)}\n\nfor: ${changes}`,
    );
    this.changes = changes;
  }
}

/**
 * Refuses a patch of fields that changed since they were applied. As kubectl's, it takes the note of what was applied for
 * such a field, so that nothing but what was never noted in the object can be added.
 *
 * @param type schema id
 * @throws ApplyConflictError in kubectl's words
 */
export function checkOverwrite(patch: JsonObject, states: AppliedStates, type: string): void {
  const { original = {}, current } = states;
  const changed = withoutOrder(createStrategicPatch(original, current, original, type));
  if (!patchesConflict(patch, changed, type)) return;
  const changes = `patch:\n${formatYaml(patch)}\nconflicts with changes made from original to current:\n${formatYaml(changed)}`;
  throw new ApplyConflictError(changes, states);
}

/** The patch without the order of lists. */
function withoutOrder<T extends Json>(patch: T): T {
  const clean = (value: Json): Json => {
    if (Array.isArray(value)) return (value as readonly Json[]).map(clean);
    if (!isJsonObject(value)) return value;
    const members = Object.entries(value).filter(([name]) => !name.startsWith(elementOrderPrefix));
    return Object.fromEntries(members.map(([name, member]) => [name, clean(member)]));
  };
  return clean(patch) as T;
}
