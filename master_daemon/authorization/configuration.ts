import { type ConfigurationReader, readConfiguration } from "../../core/api/configuration_reader.ts";
import { dnsSubdomainError } from "../../core/api/kind.ts";
import { fieldError } from "../../core/api/status.ts";
import type { MatchConditions } from "./match_conditions.ts";

/** What `--authorization-mode` and an AuthorizationConfiguration may name. */
export const authorizerTypes = ["AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"] as const;
/** See {@linkcode authorizerTypes}. */
export type AuthorizerType = (typeof authorizerTypes)[number];

/** One authorizer of the chain. */
export interface AuthorizerConfiguration {
  readonly type: AuthorizerType;
  /** Of a webhook. */
  readonly webhook?: WebhookConfiguration | undefined;
}

/** How a server outside is asked. */
export interface WebhookConfiguration {
  readonly kubeConfigFile: string;
  /** Milliseconds for which an answer that allows is remembered. */
  readonly authorizedTtlMs: number;
  /** The same for others. */
  readonly unauthorizedTtlMs: number;
  /** Milliseconds for one try. */
  readonly timeoutMs: number;
  readonly subjectAccessReviewVersion: "v1" | "v1beta1";
  /** What holds when it cannot be asked. */
  readonly failurePolicy: "NoOpinion" | "Deny";
  readonly conditions?: MatchConditions | undefined;
}

const maxConditions = 64;
const maxTimeoutMs = 30_000;
const apiVersions = ["v1", "v1beta1", "v1alpha1"].map((version) => `apiserver.config.k8s.io/${version}`);

/**
 * Reads the file of `--authorization-config`.
 *
 * @throws SyntaxError naming everything that is wrong with it
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authorization/#using-configuration-file-for-authorization
 */
export function readAuthorizationConfiguration(path: string): Promise<readonly AuthorizerConfiguration[]> {
  return readConfiguration(path, { kind: "AuthorizationConfiguration", apiVersions, read: readAuthorizers });
}

async function readAuthorizers(reader: ConfigurationReader): Promise<readonly AuthorizerConfiguration[]> {
  const entries = reader.objects("authorizers");
  if (entries.length === 0)
    reader.note(fieldError.required("authorizers", "at least one authorization mode must be defined"));
  const types = new Set<string>();
  const names = new Set<string>();
  const authorizers: AuthorizerConfiguration[] = [];
  for (const entry of entries) {
    const [typeText, name] = [entry.text("type"), entry.text("name")];
    const webhook = entry.object("webhook");
    const type = authorizerTypes.find((one) => one === typeText);
    if (typeText === "") entry.note(fieldError.required(entry.at("type")));
    else if (type === undefined) entry.note(fieldError.notSupported(entry.at("type"), typeText, authorizerTypes));
    else if (types.has(type) && type !== "Webhook") entry.note(fieldError.duplicate(entry.at("type"), type));
    if (name === "") entry.note(fieldError.required(entry.at("name")));
    else if (names.has(name)) entry.note(fieldError.duplicate(entry.at("name"), name));
    else if (dnsSubdomainError(name))
      entry.note(fieldError.invalid(entry.at("name"), name, `authorizer name is invalid: ${dnsSubdomainError(name)}`));
    types.add(typeText);
    names.add(name);
    if (type === "Webhook" && !webhook)
      entry.note(fieldError.required(entry.at("webhook"), "required when type=Webhook"));
    if (type !== "Webhook" && webhook)
      entry.note(fieldError.invalid(entry.at("webhook"), "non-null", "may only be specified when type=Webhook"));
    if (type) authorizers.push({ type, webhook: webhook && (await readWebhook(webhook)) });
  }
  return authorizers;
}

async function readWebhook(reader: ConfigurationReader): Promise<WebhookConfiguration> {
  return {
    timeoutMs: positiveDuration(reader, "timeout", undefined, maxTimeoutMs),
    authorizedTtlMs: positiveDuration(reader, "authorizedTTL", 300_000),
    unauthorizedTtlMs: positiveDuration(reader, "unauthorizedTTL", 30_000),
    subjectAccessReviewVersion: oneOf(reader, "subjectAccessReviewVersion", ["v1", "v1beta1"]) ?? "v1",
    failurePolicy: oneOf(reader, "failurePolicy", ["NoOpinion", "Deny"]) ?? "Deny",
    kubeConfigFile: readConnection(reader),
    conditions: await readConditions(reader),
  };
}

function positiveDuration(
  reader: ConfigurationReader,
  name: string,
  usual: number | undefined,
  max = Number.POSITIVE_INFINITY,
): number {
  const isSaid = reader.text(name) !== "";
  const ms = reader.duration(name) ?? usual ?? 0;
  if (ms > 0 && ms <= max) return ms;
  const at = reader.at(name);
  if (!isSaid) reader.note(fieldError.required(at));
  else
    reader.note(
      fieldError.invalid(at, reader.text(name), max === maxTimeoutMs ? "must be > 0s and <= 30s" : "must be > 0s"),
    );
  return ms;
}

function oneOf<T extends string>(reader: ConfigurationReader, name: string, allowed: readonly T[]): T | undefined {
  const text = reader.text(name);
  const found = allowed.find((one) => one === text);
  if (text === "") reader.note(fieldError.required(reader.at(name)));
  else if (found === undefined) reader.note(fieldError.notSupported(reader.at(name), text, allowed));
  return found;
}

function readConnection(reader: ConfigurationReader): string {
  const connection = reader.object("connectionInfo");
  const type = connection?.text("type") ?? "";
  const file = connection?.text("kubeConfigFile") ?? "";
  const at = (name: string) => `${reader.at("connectionInfo")}.${name}`;
  if (type === "") reader.note(fieldError.required(at("type")));
  // The API server itself is no webhook of its own here: the chain would ask itself.
  else if (type !== "KubeConfigFile") reader.note(fieldError.notSupported(at("type"), type, ["KubeConfigFile"]));
  else if (file === "") reader.note(fieldError.required(at("kubeConfigFile")));
  else if (!file.startsWith("/"))
    reader.note(fieldError.invalid(at("kubeConfigFile"), file, "must be an absolute path"));
  return file;
}

async function readConditions(reader: ConfigurationReader): Promise<MatchConditions | undefined> {
  const expressions = reader.objects("matchConditions").map((condition) => condition.text("expression"));
  const version = reader.text("matchConditionSubjectAccessReviewVersion");
  const at = reader.at("matchConditionSubjectAccessReviewVersion");
  if (version !== "" && version !== "v1") reader.note(fieldError.notSupported(at, version, ["v1"]));
  if (expressions.length === 0) return undefined;
  if (version === "") reader.note(fieldError.required(at, "required if match conditions are specified"));
  if (expressions.length > maxConditions) {
    reader.note(fieldError.tooMany(reader.at("matchConditions"), expressions.length, maxConditions));
    return undefined;
  }
  const { compileMatchConditions } = await import("./match_conditions.ts");
  const { conditions, errors } = compileMatchConditions(expressions, reader.at("matchConditions"));
  reader.note(...errors);
  return conditions;
}
