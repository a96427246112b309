import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject, StringMap } from "../api/meta.ts";
import { toBase64 } from "../util/base64.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { base64Bytes, checkDataKeys, checkDataSize, checkImmutableData } from "./data_validation.ts";
import { checkSecretType } from "./secret_types.ts";
import { checkImmutable } from "./validators.ts";

/** Small confidential data. @see https://kubernetes.io/docs/concepts/configuration/secret/ */
export interface Secret extends KubeObject {
  /** Base64. */
  readonly data?: StringMap;
  /** Plain text; write-only: merged into `data`. */
  readonly stringData?: StringMap;
  readonly type?: string;
  readonly immutable?: boolean;
}

/** The kind Secret. */
export const secret: Kind<Secret> = defineKind<Secret>({
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  namespaced: true,

  schema: "io.k8s.api.core.v1.Secret",
  strategy: {
    applyDefaults,
    prepareForUpdate: (next, previous) => (next.type || !previous.type ? next : { ...next, type: previous.type }),
    validate: (object) => [
      ...checkDataKeys("data", Object.keys(object.data ?? {})),
      ...checkDataSize("data", base64Bytes(object.data)),
      ...checkSecretType(object),
    ],
    validateUpdate: (next, previous) => [
      ...checkImmutable("type", next.type, previous.type),
      ...checkImmutableData(next, previous, ["data"]),
    ],
    fields: ({ type }) => ({ type: type ?? "" }),
  },
  columns: [
    nameColumn,
    { name: "Type", type: "string", description: "What the data is for.", cell: ({ type }) => type ?? "" },
    {
      name: "Data",
      type: "string",
      description: "How many entries there are.",
      cell: ({ data = {} }) => String(Object.keys(data).length),
    },
    ageColumn,
  ],
});

const encoder = new TextEncoder();

function applyDefaults(object: Secret): Secret {
  const { stringData, ...rest } = object;
  const type = rest.type || "Opaque";
  if (!stringData) return { ...rest, type };
  const encoded = Object.entries(stringData).map(([key, text]) => [key, toBase64(encoder.encode(text))] as const);
  return { ...rest, type, data: Object.fromEntries([...Object.entries(rest.data ?? {}), ...encoded]) };
}
