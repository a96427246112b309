import { dnsLabelError, dnsSubdomainError } from "../../api/kind.ts";
import { labelValueErrors, qualifiedNameErrors } from "../../api/label_validation.ts";
import { dns1035LabelError } from "../../kinds/validators.ts";
import { base64ToBytes } from "../../util/base64.ts";
import { CelError } from "../errors.ts";
import { type FunctionSet, overload } from "../overload.ts";
import { parseTimestamp } from "../time.ts";
import { type CelType, listOf, opaque, optionalOf, string } from "../types.ts";
import { Opaque, Optional } from "../values.ts";
import { parseUrl } from "./url.ts";

/** Longest text that is looked at closely; longer ones are no names, dates or ids. */
const maxLength = 4096;

/** A format that Kubernetes names. */
class FormatValue extends Opaque {
  override readonly typeName = "kubernetes.NamedFormat";
  readonly name: string;
  readonly check: (text: string) => readonly string[];
  constructor(name: string, check: (text: string) => readonly string[]) {
    super();
    this.name = name;
    this.check = check;
  }
  equals(other: Opaque): boolean {
    return other instanceof FormatValue && other.name === this.name;
  }
}

const formatType: CelType = opaque("kubernetes.NamedFormat");
const one = (error: (text: string) => string | undefined) => (text: string) => {
  const reason = error(text);
  return reason === undefined ? [] : [reason];
};
/** A prefix that names are made from may end in a dash. */
const asPrefix = (error: (text: string) => string | undefined) => one((text) => error(text.replace(/-$/, "a")));
const unless = (isValid: (text: string) => boolean, message: string) =>
  one((text) => (isValid(text) ? undefined : message));

function passes(read: (text: string) => unknown, text: string): boolean {
  try {
    read(text);
    return true;
  } catch (error) {
    if (error instanceof CelError || error instanceof SyntaxError) return false;
    throw error;
  }
}

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

const formats: ReadonlyMap<string, FormatValue> = new Map(
  (
    [
      ["dns1123Label", one(dnsLabelError)],
      ["dns1123Subdomain", one(dnsSubdomainError)],
      ["dns1035Label", one(dns1035LabelError)],
      ["qualifiedName", qualifiedNameErrors],
      ["dns1123LabelPrefix", asPrefix(dnsLabelError)],
      ["dns1123SubdomainPrefix", asPrefix(dnsSubdomainError)],
      ["dns1035LabelPrefix", asPrefix(dns1035LabelError)],
      ["labelValue", labelValueErrors],
      ["uri", one((text) => [parseUrl(text)].find((result) => typeof result === "string") as string | undefined)],
      ["uuid", unless((text) => uuid.test(text), "does not match the UUID format")],
      ["byte", unless((text) => text.length % 4 === 0 && passes(base64ToBytes, text), "invalid base64")],
      [
        "date",
        unless((text) => /^\d{4}-\d\d-\d\d$/.test(text) && passes(parseTimestamp, `${text}T00:00:00Z`), "invalid date"),
      ],
      ["datetime", unless((text) => passes(parseTimestamp, text), "invalid datetime")],
    ] as const
  ).map(([name, check]) => [name, new FormatValue(name, check)]),
);

/** Kubernetes' named formats. @see https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-format-library */
export const formatFunctions: readonly FunctionSet[] = [
  ...[...formats].map(
    ([name, format]): FunctionSet => ({ name: `format.${name}`, global: [overload([], formatType, () => format)] }),
  ),
  {
    name: "format.named",
    global: [overload([string], optionalOf(formatType), ([name]) => new Optional(formats.get(name as string)))],
  },
  {
    name: "validate",
    member: [
      overload([formatType, string], optionalOf(listOf(string)), ([format, text], budget) => {
        budget.traverse((text as string).length, 15);
        const tooLong =
          (text as string).length > maxLength ? [`must be no more than ${maxLength} characters`] : undefined;
        const errors = tooLong ?? (format as FormatValue).check(text as string);
        return new Optional(errors.length > 0 ? [...errors] : undefined);
      }),
    ],
  },
];
