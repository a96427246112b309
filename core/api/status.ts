import { jsonText } from "./json_text.ts";
/** Machine-readable causes. @see https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/types.go */
export type StatusReason =
  | "Unauthorized"
  | "Forbidden"
  | "NotFound"
  | "AlreadyExists"
  | "Conflict"
  | "Gone"
  | "Invalid"
  | "ServerTimeout"
  | "Timeout"
  | "TooManyRequests"
  | "BadRequest"
  | "MethodNotAllowed"
  | "NotAcceptable"
  | "RequestEntityTooLarge"
  | "UnsupportedMediaType"
  | "InternalError"
  | "Expired"
  | "ServiceUnavailable"
  | "Unknown";

/** One cause inside `details`. */
export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** What the status is about. `kind` is the plural resource, except for Invalid, where it is the Kind. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** Kubernetes' Status object. */
export interface Status {
  readonly apiVersion: "v1";
  readonly kind: "Status";
  readonly metadata: { readonly resourceVersion?: string };
  readonly status: "Success" | "Failure";
  readonly message?: string;
  readonly reason?: StatusReason;
  readonly details?: StatusDetails;
  readonly code: number;
}

/** A resource for messages: plural name and group (`""` for core). */
export interface ResourceName {
  readonly group: string;
  readonly plural: string;
}

/** What is wrong with one field of an object. @see k8s.io/apimachinery/pkg/util/validation/field */
export interface FieldError {
  readonly type:
    | "Required"
    | "Invalid"
    | "TypeInvalid"
    | "NotSupported"
    | "Duplicate"
    | "NotFound"
    | "Forbidden"
    | "TooLong"
    | "TooMany";
  /** Dotted path, e.g. `spec.containers[0].image`. */
  readonly field: string;
  readonly message: string;
}

/** Builders of {@linkcode FieldError} with Kubernetes' wording. */
export const fieldError = {
  required: (field: string, detail = ""): FieldError => ({
    type: "Required",
    field,
    message: detail ? `Required value: ${detail}` : "Required value",
  }),
  invalid: (field: string, value: unknown, detail: string): FieldError => ({
    type: "Invalid",
    field,
    message: detail ? `Invalid value: ${show(value)}: ${detail}` : `Invalid value: ${show(value)}`,
  }),
  typeInvalid: (field: string, value: unknown, detail: string): FieldError => ({
    type: "TypeInvalid",
    field,
    message: `Invalid value: ${show(value)}: ${detail}`,
  }),
  notSupported: (field: string, value: unknown, supported: readonly string[]): FieldError => ({
    type: "NotSupported",
    field,
    message: `Unsupported value: ${show(value)}: supported values: ${supported.map((s) => JSON.stringify(s)).join(", ")}`,
  }),
  duplicate: (field: string, value: unknown): FieldError => ({
    type: "Duplicate",
    field,
    message: `Duplicate value: ${show(value)}`,
  }),
  notFound: (field: string, value: unknown): FieldError => ({
    type: "NotFound",
    field,
    message: `Not found: ${show(value)}`,
  }),
  forbidden: (field: string, detail: string): FieldError => ({
    type: "Forbidden",
    field,
    message: `Forbidden: ${detail}`,
  }),
  tooLong: (field: string, max: number): FieldError => ({
    type: "TooLong",
    field,
    message: `Too long: may not be more than ${max} bytes`,
  }),
  tooMany: (field: string, actual: number, max: number): FieldError => ({
    type: "TooMany",
    field,
    message: `Too many: ${actual}: must have at most ${max} items`,
  }),
};

/** A value as Kubernetes shows it in field errors; long ones are cut. */
function show(value: unknown): string {
  const text =
    typeof value === "object" && value !== null
      ? jsonText(value)
      : typeof value === "string"
        ? JSON.stringify(value)
        : // What is not there is the empty text of a field that is required to be one.
          String(value ?? (value === null ? null : '""'));
  return text.length > 1024 ? `${text.slice(0, 1024)}...` : text;
}

/** A client is told this many field errors and no more: a small object can have hundreds of thousands. */
const maxCauses = 100;

const causeReason: Readonly<Record<FieldError["type"], string>> = {
  Required: "FieldValueRequired",
  Invalid: "FieldValueInvalid",
  TypeInvalid: "FieldValueTypeInvalid",
  NotSupported: "FieldValueNotSupported",
  Duplicate: "FieldValueDuplicate",
  NotFound: "FieldValueNotFound",
  Forbidden: "FieldValueForbidden",
  TooLong: "FieldValueTooLong",
  TooMany: "FieldValueTooMany",
};

function qualified({ group, plural }: ResourceName): string {
  return group ? `${plural}.${group}` : plural;
}

function detailsOf({ group, plural }: ResourceName, name: string): StatusDetails {
  return { ...(name ? { name } : {}), ...(group ? { group } : {}), kind: plural };
}

/** The only error that crosses the API: a Kubernetes Status as an exception, with a factory per reason. */
export class StatusError extends Error {
  readonly status: Status;

  /**
   * Told by its shape, not by its class: the command line and the library are bundles of their own, and one's errors
   * reach the other.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === "StatusError" && "status" in value;
  }

  constructor(code: number, reason: StatusReason, message: string, details?: StatusDetails) {
    super(message);
    this.name = "StatusError";
    this.status = {
      apiVersion: "v1",
      kind: "Status",
      metadata: {},
      status: "Failure",
      message,
      // No reason is what Kubernetes calls unknown.
      ...(reason === "Unknown" ? {} : { reason }),
      ...(details ? { details } : {}),
      code,
    };
  }

  get code(): number {
    return this.status.code;
  }

  get reason(): StatusReason {
    return this.status.reason ?? "Unknown";
  }

  /** The error that a received Status stands for. */
  static from(status: Status): StatusError {
    return new StatusError(
      status.code,
      status.reason ?? "Unknown",
      status.message ?? "the server gave no reason",
      status.details,
    );
  }

  static notFound(resource: ResourceName, name: string): StatusError {
    return new StatusError(404, "NotFound", `${qualified(resource)} "${name}" not found`, detailsOf(resource, name));
  }

  static alreadyExists(resource: ResourceName, name: string): StatusError {
    return new StatusError(
      409,
      "AlreadyExists",
      `${qualified(resource)} "${name}" already exists`,
      detailsOf(resource, name),
    );
  }

  static conflict(
    resource: ResourceName,
    name: string,
    cause = "the object has been modified; please apply your changes to the latest version and try again",
  ): StatusError {
    return new StatusError(
      409,
      "Conflict",
      `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${cause}`,
      detailsOf(resource, name),
    );
  }

  /** @param kind group and Kind (not plural) of the object */
  static invalid(
    { group, kind }: { group: string; kind: string },
    name: string,
    errors: readonly FieldError[],
  ): StatusError {
    const told = errors.slice(0, maxCauses);
    // The message says nothing twice; the causes may.
    const texts = [...new Set(told.map((error) => `${error.field}: ${error.message}`))];
    if (errors.length > told.length) texts.push(`and ${errors.length - told.length} more`);
    const list = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
    return new StatusError(422, "Invalid", `${group ? `${kind}.${group}` : kind} "${name}" is invalid: ${list}`, {
      ...(name ? { name } : {}),
      ...(group ? { group } : {}),
      kind,
      causes: told.map(({ type, field, message }) => ({ reason: causeReason[type], message, field })),
    });
  }

  static forbidden(resource: ResourceName, name: string, cause: string, causes?: readonly StatusCause[]): StatusError {
    return new StatusError(
      403,
      "Forbidden",
      name
        ? `${qualified(resource)} "${name}" is forbidden: ${cause}`
        : `${qualified(resource)} is forbidden: ${cause}`,
      { ...detailsOf(resource, name), ...(causes ? { causes } : {}) },
    );
  }

  static badRequest(message: string): StatusError {
    return new StatusError(400, "BadRequest", message);
  }

  static unauthorized(): StatusError {
    return new StatusError(401, "Unauthorized", "Unauthorized");
  }

  static methodNotAllowed(): StatusError {
    return new StatusError(
      405,
      "MethodNotAllowed",
      "the server does not allow this method on the requested resource",
      {},
    );
  }

  static notAcceptable(accepted: readonly string[]): StatusError {
    return new StatusError(406, "NotAcceptable", `only the following media types are accepted: ${accepted.join(", ")}`);
  }

  static unsupportedMediaType(accepted: readonly string[]): StatusError {
    return new StatusError(
      415,
      "UnsupportedMediaType",
      `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`,
    );
  }

  static tooLarge(limit: number): StatusError {
    return new StatusError(413, "RequestEntityTooLarge", `Request entity too large: limit is ${limit}`);
  }

  static tooManyValues(limit: number): StatusError {
    return new StatusError(413, "RequestEntityTooLarge", `Request entity too large: limit is ${limit} values`);
  }

  static expired(message: string): StatusError {
    return new StatusError(410, "Expired", message);
  }

  static timeout(message: string, retryAfterSeconds = 1, causes?: readonly StatusCause[]): StatusError {
    return new StatusError(504, "Timeout", `Timeout: ${message}`, { retryAfterSeconds, ...(causes ? { causes } : {}) });
  }

  static tooManyRequests(message: string, retryAfterSeconds = 1): StatusError {
    return new StatusError(429, "TooManyRequests", message, { retryAfterSeconds });
  }

  static unavailable(message: string): StatusError {
    return new StatusError(503, "ServiceUnavailable", message, { retryAfterSeconds: 1 });
  }

  static internal(message: string): StatusError {
    return new StatusError(500, "InternalError", `Internal error occurred: ${message}`, { causes: [{ message }] });
  }
}

/** Whether `error` is a {@linkcode StatusError} of this reason. */
export function isReason(error: unknown, reason: StatusReason): error is StatusError {
  return error instanceof StatusError && error.reason === reason;
}

/** Lets failures of these reasons pass: what was asked for is so already. For `catch()`. */
export function ignoreReason(...reasons: readonly StatusReason[]): (error: unknown) => undefined {
  return (error) => {
    if (!reasons.some((reason) => isReason(error, reason))) throw error;
    return undefined;
  };
}
