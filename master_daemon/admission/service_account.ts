import { isReason } from "../../core/api/status.ts";
import type { Container, Pod, Volume, VolumeMount } from "../../core/kinds/pod.ts";
import { isMirror } from "../../core/kinds/pod_helpers.ts";
import { serviceAccount as accountKind, type ServiceAccount } from "../../core/kinds/service_account.ts";
import type { Random } from "../../core/platform/random.ts";
import type { Clock } from "../../core/util/clock.ts";
import { generateName } from "../registry/object_changes.ts";
import type { Registries } from "../registry/registry.ts";
import { secretProblem } from "./_mountable_secrets.ts";
import { isAboutPods, podOf, refusal } from "./_requests.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./plugin.ts";

const volumePrefix = "kube-api-access-";
const mountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
const defaultAccount = "default";
/** A controller creates the account of a new namespace: that takes a moment. */
const defaultAccountWaitMs = 10_000;
/** Kubernetes' own: an hour and what clients need to fetch the next one. */
const tokenSeconds = 3607;

/** Options of {@linkcode serviceAccount}. */
export interface ServiceAccountOptions {
  readonly registries: Registries;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Gives pods a service account, the secrets for pulling images that it has, and a volume with a token for the API.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#serviceaccount-admission-controller
 */
export function serviceAccount({ registries, clock, random }: ServiceAccountOptions): AdmissionPlugin {
  const accounts = registries.for(accountKind);

  async function accountOf(request: AdmissionRequest, name: string): Promise<ServiceAccount> {
    const key = { namespace: request.key.namespace, name };
    try {
      return (await accounts.get(key)).object;
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
      const found = name === defaultAccount ? await appearing(key.namespace ?? "") : undefined;
      if (found) return found;
      throw refusal(
        request,
        `error looking up service account ${key.namespace}/${name}: serviceaccount "${name}" not found`,
      );
    }
  }

  /** The default account of a namespace once it is there; undefined when that takes too long. */
  async function appearing(namespace: string): Promise<ServiceAccount | undefined> {
    const waiting = new AbortController();
    const cancel = clock.schedule(defaultAccountWaitMs, () => waiting.abort());
    try {
      const matches = ({ key }: { readonly key: { readonly name: string } }) => key.name === defaultAccount;
      for await (const events of accounts.watch({ namespace, matches, signal: waiting.signal })) {
        const found = events.find((event) => event.type === "ADDED");
        if (found?.type === "ADDED") return found.stored.object;
      }
      return undefined;
    } finally {
      cancel();
      waiting.abort();
    }
  }

  return {
    name: "ServiceAccount",
    operations: ["CREATE", "UPDATE"],
    async mutate(request) {
      if (!isAboutPods(request) || request.operation === "UPDATE") return request.object;
      const pod = podOf(request);
      // A node would not know its own pod again.
      if (isMirror(pod)) return pod;
      const serviceAccountName = pod.spec.serviceAccountName || defaultAccount;
      const account = await accountOf(request, serviceAccountName);
      const named: Pod = { ...pod, spec: { ...pod.spec, serviceAccountName, serviceAccount: serviceAccountName } };
      return withPullSecrets(mountsToken(account, pod) ? withToken(named, random) : named, account);
    },
    async validate(request) {
      if (!isAboutPods(request) || request.operation === "UPDATE") return;
      const pod = podOf(request);
      if (isMirror(pod)) return refuseReferences(request, pod);
      const account = await accountOf(request, pod.spec.serviceAccountName ?? defaultAccount);
      const problem = secretProblem(account, pod);
      if (problem !== undefined) throw refusal(request, problem);
    },
  };
}

/** A node may not give its own pods what it could not ask for otherwise. */
function refuseReferences(request: AdmissionRequest, { spec }: Pod): void {
  if (spec.serviceAccountName) throw refusal(request, "a mirror pod may not reference service accounts");
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const hasSecrets =
    (spec.volumes ?? []).some(({ secret, projected }) => secret || projected?.sources?.some((one) => one.secret)) ||
    (spec.imagePullSecrets?.length ?? 0) > 0 ||
    containers.some(
      ({ env = [], envFrom = [] }) =>
        env.some(({ valueFrom }) => valueFrom?.secretKeyRef) || envFrom.some(({ secretRef }) => secretRef),
    );
  if (hasSecrets) throw refusal(request, "a mirror pod may not reference secrets");
  const hasToken = (spec.volumes ?? []).some(({ projected }) =>
    projected?.sources?.some((source) => source.serviceAccountToken),
  );
  if (hasToken) throw refusal(request, "a mirror pod may not use ServiceAccountToken volume projections");
}

function mountsToken(account: ServiceAccount, { spec }: Pod): boolean {
  return spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
}

function withPullSecrets(pod: Pod, { imagePullSecrets = [] }: ServiceAccount): Pod {
  if ((pod.spec.imagePullSecrets?.length ?? 0) > 0 || imagePullSecrets.length === 0) return pod;
  return { ...pod, spec: { ...pod.spec, imagePullSecrets } };
}

/** The pod with a token in every container that has nothing else in its place. */
function withToken(pod: Pod, random: Random): Pod {
  const { spec } = pod;
  // A volume without a name is for validation to refuse, which comes later.
  const present = (spec.volumes ?? []).find(({ name = "" }: { name?: string }) => name.startsWith(volumePrefix));
  const name = present?.name ?? generateName(volumePrefix, random);
  const mount: VolumeMount = { name, readOnly: true, mountPath };
  const lacksMount = ({ volumeMounts = [] }: Container) => !volumeMounts.some((one) => one.mountPath === mountPath);
  const mounting = (container: Container): Container =>
    lacksMount(container) ? { ...container, volumeMounts: [...(container.volumeMounts ?? []), mount] } : container;
  const { containers, initContainers } = spec;
  if (![...containers, ...(initContainers ?? [])].some(lacksMount)) return pod;
  return {
    ...pod,
    spec: {
      ...spec,
      volumes: present ? (spec.volumes ?? []) : [...(spec.volumes ?? []), tokenVolume(name)],
      containers: containers.map(mounting),
      ...(initContainers ? { initContainers: initContainers.map(mounting) } : {}),
    },
  };
}

function tokenVolume(name: string): Volume {
  const namespaceField = { path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } };
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { path: "token", expirationSeconds: tokenSeconds } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        { downwardAPI: { items: [namespaceField] } },
      ],
      defaultMode: 0o644,
    },
  };
}
