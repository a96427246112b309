import type { Kind } from "../../core/api/kind.ts";
import { type JsonSchemaProps, schemaHas } from "../../core/api/structural/json_schema_props.ts";
import type { RuleSet } from "../../core/cel/mod.ts";
import type { StructuralSchema } from "../../core/cel/schema_type.ts";
import { type CustomResourceDefinition, conversionOf } from "../../core/kinds/custom_resource_definition.ts";
import { relabel, storageOf } from "./conversion.ts";
import { type PostReview, webhookConverter } from "./conversion_webhook.ts";
import { customKind } from "./custom_kind.ts";
import { schemaOf } from "./custom_schema.ts";

/** The kinds that a definition makes: one for each version that is served. */
export async function customKinds(
  definition: CustomResourceDefinition,
  { postReview }: { readonly postReview: PostReview },
): Promise<readonly Kind[]> {
  const usesWebhook = conversionOf(definition.spec).strategy === "Webhook";
  const convert = usesWebhook ? webhookConverter(definition, postReview) : relabel;
  const kinds: Kind[] = [];
  for (const version of definition.spec.versions) {
    if (!version.served) continue;
    const rules = await rulesOf(schemaOf(version));
    kinds.push(customKind({ definition, version, rules, storedAs: storageOf(definition, version, convert) }));
  }
  return kinds;
}

/** The rules of a schema, compiled; undefined when it has none. */
async function rulesOf(schema: JsonSchemaProps): Promise<RuleSet | undefined> {
  if (!schemaHas(schema, (one) => (one["x-kubernetes-validations"] ?? []).length > 0)) return undefined;
  // Loaded on use: most schemas have no rules.
  const { compileRules } = await import("../../core/cel/mod.ts");
  return compileRules(schema as StructuralSchema);
}
