import { asJson } from "../../core/api/json_object.ts";
import type { JsonObject } from "../../core/api/meta.ts";
import type { ConfigMap } from "../../core/kinds/configmap.ts";
import type { Secret } from "../../core/kinds/secret.ts";
import type { ServiceAccount } from "../../core/kinds/service_account.ts";
import { type Describer, metadataLines, nameLines, sortedEntries, text } from "./common.ts";
import { describeEvents } from "./events.ts";

/** A config map with its data. */
export const describeConfigMap: Describer = async (object, page, context) => {
  const { data, binaryData } = object as ConfigMap;
  nameLines(page, object);
  metadataLines(page, object);
  page.write(0, "\nData\n====\n");
  for (const [key, value] of sortedEntries(data)) page.write(0, `${key}:\n----\n${value}\n\n`);
  page.write(0, "\nBinaryData\n====\n");
  for (const [key, value] of sortedEntries(binaryData)) page.line(0, `${key}: ${byteLength(value)} bytes`);
  page.line(0, "");
  await describeEvents(page, object, context);
};

/** A secret: how much it holds, not what. */
export const describeSecret: Describer = async (object, page) => {
  const { data, type } = object as Secret;
  nameLines(page, object);
  metadataLines(page, object);
  page.write(0, `\nType:\t${type ?? ""}\n\nData\n====\n`);
  for (const [key, value] of sortedEntries(data)) {
    const isToken = key === "token" && type === "kubernetes.io/service-account-token";
    page.line(0, `${key}:\t${isToken ? atob(value) : `${byteLength(value)} bytes`}`);
  }
};

function byteLength(base64: string): number {
  return (base64.length / 4) * 3 - (base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0);
}

/** A service account with the secrets that pods of it pull images with. */
export const describeServiceAccount: Describer = async (object, page, context) => {
  const { imagePullSecrets = [] } = object as ServiceAccount;
  nameLines(page, object);
  metadataLines(page, object);
  const title = "Image pull secrets:";
  if (imagePullSecrets.length === 0) page.line(0, `${title}\t<none>`);
  imagePullSecrets.forEach(({ name = "" }, index) => {
    page.line(0, `${index === 0 ? title : " ".repeat(title.length)}\t${name}`);
  });
  await describeEvents(page, object, context);
};

/** What a generic description leaves out, because it was said before. */
const said = [
  "metadata.managedFields",
  "metadata.name",
  "metadata.namespace",
  "metadata.labels",
  "metadata.annotations",
];

/** Any object: each field with a title made of its name. */
export const describeAny: Describer = async (object, page, context) => {
  page.line(0, `Name:\t${object.metadata.name ?? ""}`);
  page.line(0, `Namespace:\t${object.metadata.namespace ?? ""}`);
  metadataLines(page, object);
  const fields = (level: number, content: JsonObject, path: string): void => {
    for (const [field, value] of sortedEntries(content)) {
      const here = path ? `${path}.${field}` : field;
      if (said.includes(here)) continue;
      if (Array.isArray(value)) {
        page.line(level, `${titleOf(field)}:`);
        for (const item of value as readonly unknown[]) {
          if (typeof item === "object" && item !== null && !Array.isArray(item))
            fields(level + 1, item as JsonObject, here);
          else page.line(level + 1, text(item));
        }
      } else if (typeof value === "object" && value !== null) {
        page.line(level, `${titleOf(field)}:`);
        fields(level + 1, value as JsonObject, here);
      } else page.line(level, `${titleOf(field)}:\t${text(value)}`);
    }
  };
  fields(0, asJson(object), "");
  await describeEvents(page, object, context);
};

const acronyms = ["API", "URL", "UID", "OSB", "GUID"];

/**
 * `creationTimestamp` is `Creation Timestamp`, `apiVersion` is `API Version`; names with other characters stay.
 * Three capitals or more keep what is in small letters behind them: `nonResourceURLs` is `Non Resource URLs`.
 */
function titleOf(field: string): string {
  if (/[^\p{L}-]/u.test(field)) return field;
  const parts = field.match(/\p{Lu}{3,}\p{Ll}*|\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|-|\p{Lu}/gu) ?? [field];
  return parts
    .map((part) => {
      const upper = part.toUpperCase();
      return acronyms.includes(upper) ? upper : part.charAt(0).toUpperCase() + part.slice(1);
    })
    .join(" ");
}
