import type { Kind } from "../../core/api/kind.ts";
import { type Condition, findCondition } from "../../core/api/meta.ts";
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
} from "../../core/kinds/custom_resource_definition.ts";

/** Which of the names that a definition asks for it gets. */
export interface NamesPlan {
  readonly acceptedNames: CustomResourceDefinitionNames;
  readonly namesAccepted: Condition;
}

/**
 * The names that a definition gets: those that no other of its group has. Pure.
 *
 * @param others the other definitions of the group
 * @param builtIn the kinds of the group that are always served: nothing may take their place
 * @see k8s.io/apiextensions-apiserver/pkg/controller/status/naming_controller.go
 */
export function planNames(
  definition: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
  builtIn: readonly Kind[],
): NamesPlan {
  const { names: wanted } = definition.spec;
  const before: Partial<CustomResourceDefinitionNames> = definition.status?.acceptedNames ?? {};
  const taken = [
    ...others.flatMap(({ status }) => status?.acceptedNames ?? []),
    ...builtIn.map((kind) => ({ ...kind, listKind: `${kind.kind}List` })),
  ];
  const resources = new Set(
    taken.flatMap(({ plural, singular = "", shortNames = [] }) => [plural, singular, ...shortNames]),
  );
  const kinds = new Set(taken.flatMap(({ kind, listKind = "" }) => [kind, listKind]));
  const conflicts: { readonly reason: string; readonly message: string }[] = [];
  const choose = (name: string, old: string, used: ReadonlySet<string>, reason: string): string => {
    if (name === old || !used.has(name)) return name;
    conflicts.push({ reason, message: inUse(name) });
    return old;
  };
  const plural = choose(wanted.plural, before.plural ?? "", resources, "PluralConflict");
  const singular = choose(wanted.singular ?? "", before.singular ?? "", resources, "SingularConflict");
  const { shortNames: oldShortNames = [] } = before;
  const busy = (wanted.shortNames ?? []).filter((name) => !oldShortNames.includes(name) && resources.has(name));
  if (busy.length > 0) {
    const texts = busy.map(inUse);
    const message = texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(", ")}]`;
    conflicts.push({ reason: "ShortNamesConflict", message });
  }
  const shortNames = busy.length > 0 ? oldShortNames : (wanted.shortNames ?? []);
  const kind = choose(wanted.kind, before.kind ?? "", kinds, "KindConflict");
  const listKind = choose(wanted.listKind ?? "", before.listKind ?? "", kinds, "ListKindConflict");
  const last = conflicts[conflicts.length - 1];
  return {
    acceptedNames: {
      plural,
      ...(singular ? { singular } : {}),
      ...(shortNames.length > 0 ? { shortNames } : {}),
      kind,
      ...(listKind ? { listKind } : {}),
      ...(wanted.categories ? { categories: wanted.categories } : {}),
    },
    namesAccepted: last
      ? { type: "NamesAccepted", status: "False", ...last }
      : { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found" },
  };
}

function inUse(name: string): string {
  return `${JSON.stringify(name)} is already in use`;
}

/** Whether a kind is established once its names stand as planned. */
export function planEstablished(definition: CustomResourceDefinition, { namesAccepted }: NamesPlan): Condition {
  const before = findCondition(definition.status?.conditions, "Established");
  if (before?.status === "True") return before;
  if (namesAccepted.status === "True")
    return {
      type: "Established",
      status: "True",
      reason: "InitialNamesAccepted",
      message: "the initial names have been accepted",
    };
  return (
    before ?? { type: "Established", status: "False", reason: "NotAccepted", message: "not all names are accepted" }
  );
}
