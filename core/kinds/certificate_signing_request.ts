import { defineKind, type Kind, type WriteContext } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { durationText } from "../api/table.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkCertificateRequest, checkCertificateRequestUpdate } from "./certificate_validation.ts";

/** Approved, Denied or Failed, and why. */
export interface CertificateCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastUpdateTime?: string;
  readonly lastTransitionTime?: string;
}

/** Asks a signer for a certificate. @see https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/ */
export interface CertificateSigningRequest extends KubeObject {
  readonly spec: {
    /** PEM in base64. */
    readonly request: string;
    readonly signerName: string;
    readonly expirationSeconds?: number;
    readonly usages?: readonly string[];
    readonly username?: string;
    readonly uid?: string;
    readonly groups?: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
  readonly status?: {
    readonly conditions?: readonly CertificateCondition[];
    /** PEM in base64. */
    readonly certificate?: string;
  };
}

/** The kind CertificateSigningRequest. */
export const certificateSigningRequest: Kind<CertificateSigningRequest> = defineKind<CertificateSigningRequest>({
  group: "certificates.k8s.io",
  version: "v1",
  kind: "CertificateSigningRequest",
  plural: "certificatesigningrequests",
  namespaced: false,
  shortNames: ["csr"],
  schema: "io.k8s.api.certificates.v1.CertificateSigningRequest",
  subresources: { status: true, approval: true },
  generation: "none",
  validateName: () => undefined,
  strategy: {
    prepareForCreate: ({ status: _status, ...object }) => ({ ...object, status: {} }),
    stamp: (object, { user }) => ({ ...object, spec: { ...withoutRequestor(object.spec), ...requestorOf(user) } }),
    // Whoever was asked to sign must find what was asked.
    prepareForUpdate: (next, previous) => ({ ...next, spec: previous.spec }),
    prepareForStatusUpdate: (next, previous, write) => {
      const { conditions, ...rest } = next.status ?? {};
      const decided = write.subresource === "approval" ? conditions : withDecisionsOf(conditions, previous);
      return {
        ...next,
        spec: previous.spec,
        status: {
          ...(write.subresource === "approval" ? previous.status : rest),
          ...(decided ? { conditions: decided.map((condition) => withTimes(condition, previous, write.now)) } : {}),
        },
      };
    },
    validate: checkCertificateRequest,
    validateUpdate: (next, previous) => checkCertificateRequestUpdate(next, previous, undefined),
    validateStatusUpdate: (next, previous, { subresource }) =>
      checkCertificateRequestUpdate(next, previous, subresource),
    fields: ({ spec }) => ({ "spec.signerName": spec?.signerName ?? "" }),
  },
  columns: [
    nameColumn,
    ageColumn,
    {
      name: "SignerName",
      type: "string",
      description: "Who is asked to sign.",
      cell: ({ spec }) => spec.signerName || "<none>",
    },
    {
      name: "Requestor",
      type: "string",
      description: "Who asks.",
      cell: ({ spec }) => spec.username ?? "",
    },
    {
      name: "RequestedDuration",
      type: "string",
      description: "How long the certificate is to be valid.",
      cell: ({ spec }) =>
        spec.expirationSeconds === undefined ? "<none>" : durationText(spec.expirationSeconds * 1000),
    },
    { name: "Condition", type: "string", description: "What was decided and done.", cell: conditionText },
  ],
});

type Spec = CertificateSigningRequest["spec"];

function withoutRequestor({ username: _name, uid: _uid, groups: _groups, extra: _extra, ...spec }: Spec): Spec {
  return spec;
}

function requestorOf({ username, uid, groups, extra }: WriteContext["user"]): Partial<Spec> {
  return {
    username,
    ...(uid ? { uid } : {}),
    groups,
    ...(extra && Object.keys(extra).length > 0 ? { extra } : {}),
  };
}

/** Conditions with Approved and Denied as they were, as long as neither came nor went: that is for `/approval`. */
function withDecisionsOf(
  conditions: readonly CertificateCondition[] | undefined,
  previous: CertificateSigningRequest,
): readonly CertificateCondition[] | undefined {
  let kept = conditions;
  for (const type of ["Approved", "Denied"]) {
    const old = previous.status?.conditions?.filter((condition) => condition.type === type) ?? [];
    if (old.length !== (kept?.filter((condition) => condition.type === type).length ?? 0)) continue;
    let index = 0;
    kept = kept?.map((condition) => (condition.type === type ? (old[index++] ?? condition) : condition));
  }
  return kept;
}

function withTimes(
  condition: CertificateCondition,
  previous: CertificateSigningRequest,
  now: number,
): CertificateCondition {
  const time = `${new Date(now).toISOString().slice(0, 19)}Z`;
  const same = previous.status?.conditions?.find(
    ({ type, status, lastTransitionTime }) =>
      type === condition.type && status === condition.status && lastTransitionTime !== undefined,
  );
  return {
    ...condition,
    lastUpdateTime: condition.lastUpdateTime ?? time,
    lastTransitionTime: condition.lastTransitionTime ?? same?.lastTransitionTime ?? time,
  };
}

function conditionText({ status = {} }: CertificateSigningRequest): string {
  const has = (type: string) => status.conditions?.some((condition) => condition.type === type) ?? false;
  const decision = has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending";
  return `${decision}${has("Failed") ? ",Failed" : ""}${status.certificate ? ",Issued" : ""}`;
}
