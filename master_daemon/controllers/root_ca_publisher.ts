import { keyOf, type ObjectKey } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import { type ConfigMap, configMap, namespace } from "../../core/kinds/mod.ts";
import { isNamespaceTerminating } from "./_errors.ts";
import type { Controller, ControllerContext, ReconcileResult } from "./controller.ts";

const mapName = "kube-root-ca.crt";
const descriptionAnnotation = "kubernetes.io/description";
const description =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

/** Options of {@linkcode rootCaPublisher}. */
export interface RootCaOptions {
  /** PEM of the authority by which pods know the API server. */
  readonly rootCa: () => Promise<string>;
}

/**
 * Gives every namespace the ConfigMap `kube-root-ca.crt`, which pods mount beside their token.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
 */
export function rootCaPublisher({ rootCa }: RootCaOptions): Controller {
  return {
    name: "root-ca-certificate-publisher-controller",
    account: "root-ca-cert-publisher",
    reconciles: namespace,
    watches: [
      {
        kind: configMap,
        keys: ({ metadata }) => (metadata.name === mapName ? [{ name: metadata.namespace ?? "" }] : []),
      },
    ],
    reconcile: async (key, context) => publish(key, await rootCa(), context),
  };
}

async function publish(
  key: ObjectKey,
  certificate: string,
  { client, lister, signal }: ControllerContext,
): Promise<ReconcileResult> {
  const observed = lister(namespace).get(key);
  if (!observed || observed.metadata.deletionTimestamp) return undefined;
  const metadata = {
    namespace: keyOf(observed).name,
    name: mapName,
    annotations: { [descriptionAnnotation]: description },
  };
  const data = { "ca.crt": certificate };
  const present = lister(configMap).get(metadata);
  if (present && isComplete(present, certificate)) return undefined;
  const wanted: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata, data };
  try {
    const annotations = { ...present?.metadata.annotations, ...metadata.annotations };
    if (present)
      await client.update(configMap, { ...present, metadata: { ...present.metadata, annotations }, data }, { signal });
    else await client.create(configMap, wanted, { signal });
  } catch (error) {
    if (!isReason(error, "AlreadyExists") && !isNamespaceTerminating(error)) throw error;
  }
  return undefined;
}

/** Whether it says this and nothing else, and what it is for. */
function isComplete({ metadata, data = {} }: ConfigMap, certificate: string): boolean {
  const isDescribed = Boolean(metadata.annotations?.[descriptionAnnotation]);
  return isDescribed && data["ca.crt"] === certificate && Object.keys(data).length === 1;
}
