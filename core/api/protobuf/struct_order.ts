import { type MemberOrder, mapOrder } from "../go_json.ts";
import { type FieldFacts, messageFacts } from "./facts.ts";
import { messageName } from "./message_name.ts";

const sorted = mapOrder();
const typeMeta: readonly FieldFacts[] = [field("kind"), field("apiVersion")];
const known = new Map<string, MemberOrder>();

/**
 * How Go writes an object that it holds in its kind's structures: their fields in the order of their declaration, which is that
 * of `facts_table.ts`, and maps sorted. What no structure has comes last, sorted.
 */
export function structOrder({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): MemberOrder {
  const type = messageName(apiVersion, kind);
  const own = inOrder([...typeMeta, ...fieldsOf(type)]);
  const ofItems = messageFacts(type) ? undefined : /^(.+)List$/.exec(kind)?.[1];
  if (ofItems === undefined) return own;
  const items = structOrder({ apiVersion, kind: ofItems });
  return (object) => own(object).map((member) => (member.name === "items" ? { ...member, order: items } : member));
}

function field(name: string): FieldFacts {
  return { name, type: "string", shape: "single", pointer: false };
}

function inOrder(fields: readonly FieldFacts[]): MemberOrder {
  const names = new Set(fields.map(({ name }) => name));
  return (object) => {
    const values = new Map(Object.entries(object));
    const declared = fields.flatMap(({ name, type, shape }) => {
      const order = shape === "map" ? mapOrder(orderOf(type)) : orderOf(type);
      return values.has(name) ? [{ name, value: values.get(name), order }] : [];
    });
    return [...declared, ...sorted(object).filter(({ name }) => !names.has(name))];
  };
}

function orderOf(type: string): MemberOrder {
  const found = known.get(type);
  if (found) return found;
  const order = messageFacts(type) ? inOrder(fieldsOf(type)) : sorted;
  known.set(type, order);
  return order;
}

/** The fields of a message; those of what it embeds stand in its place. */
function fieldsOf(type: string): readonly FieldFacts[] {
  return [...(messageFacts(type)?.values() ?? [])].flatMap((facts) =>
    facts.shape === "embedded" ? fieldsOf(facts.type) : [facts],
  );
}
