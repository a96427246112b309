import { asJson, isJsonObject } from "../../../core/api/json_object.ts";
import type { JsonObject, KubeObject } from "../../../core/api/meta.ts";
import { type FieldError, fieldError, isReason, StatusError } from "../../../core/api/status.ts";
import type { ApiResponse } from "../../../core/client/transport.ts";
import { node as nodeKind } from "../../../core/kinds/node.ts";
import { type Pod, pod as podKind } from "../../../core/kinds/pod.ts";
import { secret as secretKind } from "../../../core/kinds/secret.ts";
import { validate } from "../../admission/mod.ts";
import { credentialIdKey } from "../../authentication/authenticator.ts";
import type { TokenContent, TokenRef } from "../../authentication/service_account_tokens.ts";
import { inNamespace } from "../body.ts";
import { writeOptions } from "../query.ts";
import { documentResponse } from "../respond.ts";
import { type ResourceRequest, routeKey } from "../services.ts";
import { readObject } from "../verbs/write.ts";

/** What a TokenRequest says. */
interface TokenRequest extends KubeObject {
  readonly spec?: {
    readonly audiences?: readonly string[];
    readonly expirationSeconds?: number;
    readonly boundObjectRef?: BoundRef;
  };
}

interface BoundRef {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly name?: string;
  readonly uid?: string;
}

const requestKind = {
  group: "authentication.k8s.io",
  version: "v1",
  kind: "TokenRequest",
  plural: "serviceaccounts/token",
  namespaced: true,
  schema: "io.k8s.api.authentication.v1.TokenRequest",
} as const;

const minSeconds = 600;
const defaultSeconds = 3600;
/** What kubelets ask for: the token goes on for a year, and its use after the hour is noted. */
const extendedFromSeconds = 3607;
const extendedSeconds = 365 * 24 * 3600;

/**
 * POST on `/serviceaccounts/NAME/token`: a token of the account, which can be bound to a pod, secret or node.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
 */
export async function requestToken(r: ResourceRequest): Promise<ApiResponse> {
  const { services, user, route } = r;
  const options = writeOptions(r.query, "CreateOptions");
  const sent = await readObject(r, requestKind, options.fieldValidation);
  const request = inNamespace(sent, requestKind, route.namespace) as TokenRequest;
  const { namespace = "", name } = { namespace: route.namespace, ...routeKey(r) };
  await validate(services.admission, {
    operation: "CREATE",
    kind: r.kind,
    key: { namespace, name },
    subresource: "token",
    user,
    dryRun: options.dryRun,
    options: {},
    object: request,
    previous: undefined,
    onSettled: () => {},
    warn: (text) => r.warnings.push(text),
    annotate: (key, value) => r.annotations.set(key, value),
  });
  const account = (await r.registry.get({ namespace, name })).object;
  const errors = requestErrors(request, name);
  if (errors.length > 0) throw StatusError.invalid(requestKind, request.metadata.name ?? "", errors);
  const bound = await boundObject(r, request.spec?.boundObjectRef, { namespace, account: name });
  const issuer = services.tokens;
  if (!issuer) throw StatusError.methodNotAllowed();
  const audiences = request.spec?.audiences?.length ? request.spec.audiences : services.authentication.audiences;
  const asked = request.spec?.expirationSeconds ?? defaultSeconds;
  const seconds = Math.min(asked, issuer.maxExpirationSeconds ?? asked);
  if (seconds < asked) r.warnings.push(`requested expiration of ${asked} seconds shortened to ${seconds} seconds`);
  const isExtended = issuer.extendExpiration && bound.pod !== undefined && seconds === extendedFromSeconds;
  const now = services.clock.now();
  const { token, id } = await issuer.tokens.issue({
    namespace,
    account: refOf(account),
    ...bound,
    audiences,
    expirationSeconds: isExtended ? extendedSeconds : seconds,
    warnAfterSeconds: isExtended ? seconds : undefined,
  });
  r.annotations.set(credentialIdKey.replace("credential-id", "issued-credential-id"), `JTI=${id}`);
  const created = time(now);
  return documentResponse(
    asJson({
      kind: "TokenRequest",
      apiVersion: "authentication.k8s.io/v1",
      metadata: { ...request.metadata, name, namespace, creationTimestamp: created },
      spec: {
        ...request.spec,
        audiences,
        expirationSeconds: seconds,
        boundObjectRef: request.spec?.boundObjectRef ?? null,
      },
      status: { token, expirationTimestamp: time(now + seconds * 1000) },
    }),
    201,
    r.form,
  );
}

function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function refOf({ metadata }: KubeObject): TokenRef {
  return { name: metadata.name ?? "", uid: metadata.uid ?? "" };
}

function requestErrors({ metadata, spec = {} }: TokenRequest, name: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const { expirationSeconds } = spec;
  if (metadata.name && metadata.name !== name)
    errors.push(fieldError.invalid("metadata.name", metadata.name, "must match the service account name if specified"));
  if (expirationSeconds !== undefined && expirationSeconds < minSeconds)
    errors.push(
      fieldError.invalid(
        "spec.expirationSeconds",
        expirationSeconds,
        "may not specify a duration less than 10 minutes",
      ),
    );
  if (expirationSeconds !== undefined && expirationSeconds > 2 ** 32)
    errors.push(
      fieldError.invalid(
        "spec.expirationSeconds",
        expirationSeconds,
        "may not specify a duration larger than 2^32 seconds",
      ),
    );
  return errors;
}

/** What the token ends with. @throws StatusError when it is not there, is another one, or is nothing that a token can be bound to */
async function boundObject(
  { services: { registries } }: ResourceRequest,
  ref: BoundRef | undefined,
  { namespace, account }: { readonly namespace: string; readonly account: string },
): Promise<Pick<TokenContent, "pod" | "secret" | "node">> {
  if (!ref || !isJsonObject(ref as JsonObject)) return {};
  const { name = "", kind = "", apiVersion = "" } = ref;
  if (apiVersion === "v1" && kind === "Pod") {
    const { object } = await registries.for(podKind).get({ namespace, name });
    if (object.spec.serviceAccountName !== account)
      throw StatusError.badRequest(
        `cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`,
      );
    return { pod: sameUid(ref, object), node: await nodeOf(object, registries) };
  }
  if (apiVersion === "v1" && kind === "Secret")
    return { secret: sameUid(ref, (await registries.for(secretKind).get({ namespace, name })).object) };
  if (apiVersion === "v1" && kind === "Node")
    return { node: sameUid(ref, (await registries.for(nodeKind).get({ name })).object) };
  const [group, version] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
  throw StatusError.badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${kind}`);
}

function sameUid({ uid, kind = "", name = "" }: BoundRef, object: KubeObject): TokenRef {
  if (uid && uid !== object.metadata.uid)
    throw StatusError.conflict(
      { group: "", plural: kind },
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  return refOf(object);
}

async function nodeOf(
  { spec }: Pod,
  registries: ResourceRequest["services"]["registries"],
): Promise<TokenRef | undefined> {
  if (!spec.nodeName) return undefined;
  try {
    return refOf((await registries.for(nodeKind).get({ name: spec.nodeName })).object);
  } catch (error) {
    if (isReason(error, "NotFound")) return { name: spec.nodeName, uid: "" };
    throw error;
  }
}
