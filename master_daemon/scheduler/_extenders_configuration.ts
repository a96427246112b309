import type { ConfigurationReader } from "../../core/api/configuration_reader.ts";
import { fieldError } from "../../core/api/status.ts";
import { isExtended } from "../../core/kinds/resource_names.ts";
import type { ExtenderOptions, ExtenderTls } from "./extender.ts";

/** What is said of servers outside. */
export interface ExtendersConfiguration {
  readonly extenders: readonly ExtenderOptions[];
  /** Resources that they alone look after. */
  readonly ignoredResources: readonly string[];
}

const defaultTimeoutMs = 5000;

/** Reads `extenders`. @see https://kubernetes.io/docs/reference/config-api/kube-scheduler-config.v1/#kubescheduler-config-k8s-io-v1-Extender */
export function readExtenders(reader: ConfigurationReader): ExtendersConfiguration {
  const managed = new Set<string>();
  const ignoredResources: string[] = [];
  const extenders = reader
    .objects("extenders")
    .map((extender) => readExtender(extender, { managed, ignoredResources }));
  const binders = extenders.filter(({ bindVerb }) => bindVerb !== "").length;
  if (binders > 1) {
    const found = `found ${binders} extenders implementing bind`;
    reader.note(fieldError.invalid("extenders", found, "only one extender can implement bind"));
  }
  return { extenders, ignoredResources };
}

function readExtender(
  reader: ConfigurationReader,
  { managed, ignoredResources }: { readonly managed: Set<string>; readonly ignoredResources: string[] },
): ExtenderOptions {
  const urlPrefix = reader.text("urlPrefix");
  if (!/^https?:\/\/./.test(urlPrefix) || !URL.canParse(urlPrefix))
    reader.note(fieldError.invalid(reader.at("urlPrefix"), urlPrefix, "must be an http or https URL"));
  const prioritizeVerb = reader.text("prioritizeVerb");
  const weight = reader.integer("weight") ?? 0;
  if (prioritizeVerb !== "" && weight <= 0)
    reader.note(fieldError.invalid(reader.at("weight"), weight, "must have a positive weight applied to it"));
  const managedResources = reader.objects("managedResources").map((resource) => {
    const name = resource.text("name");
    if (!isExtended(name))
      resource.note(fieldError.invalid(resource.at("name"), name, "is an invalid extended resource name"));
    if (managed.has(name))
      resource.note(fieldError.invalid(resource.at("name"), name, "duplicate extender managed resource name"));
    managed.add(name);
    if (resource.boolean("ignoredByScheduler")) ignoredResources.push(name);
    return name;
  });
  const tls = readTls(reader.object("tlsConfig"));
  return {
    urlPrefix: reader.boolean("enableHTTPS") ? urlPrefix.replace(/^http:/, "https:") : urlPrefix,
    filterVerb: reader.text("filterVerb"),
    prioritizeVerb,
    preemptVerb: reader.text("preemptVerb"),
    bindVerb: reader.text("bindVerb"),
    weight,
    nodeCacheCapable: reader.boolean("nodeCacheCapable"),
    ignorable: reader.boolean("ignorable"),
    managedResources,
    httpTimeoutMs: reader.duration("httpTimeout") || defaultTimeoutMs,
    tls,
  };
}

function readTls(reader: ConfigurationReader | undefined): ExtenderTls | undefined {
  if (!reader) return undefined;
  const source = (name: string) => {
    const data = reader.text(`${name}Data`);
    // As bytes in any configuration file of Kubernetes: base64.
    return { file: reader.text(`${name}File`), data: data === "" ? "" : atob(data) };
  };
  return {
    insecure: reader.boolean("insecure"),
    serverName: reader.text("serverName"),
    ca: source("ca"),
    cert: source("cert"),
    key: source("key"),
  };
}
