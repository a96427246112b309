import { type Status, StatusError } from "../../core/api/status.ts";
import { ConnectionError } from "../../core/client/connection_error.ts";
import { errorMessage } from "../../core/util/log.ts";
import { printableLines } from "../../core/util/printable.ts";
import { PlainError } from "../verb.ts";

/**
 * What went wrong, in kubectl's words: what the server said, and that it cannot be reached, are told apart from what went
 * wrong here.
 *
 * @param doing what was tried, e.g. `creating "web.yaml"`, where that is not plain
 * @see k8s.io/kubectl/pkg/cmd/util/helpers.go
 */
export function errorText(error: unknown, doing?: string): string {
  if (error instanceof AggregateError) return error.errors.map(lineOfMany).join("\n");
  const message = `${doing === undefined ? "" : `error when ${doing}: `}${errorMessage(error)}`;
  return printableLines(
    error instanceof StatusError
      ? (invalidText(error.status) ??
          (error.reason === "Unauthorized"
            ? `error: You must be logged in to the server (${message})`
            : `Error from server (${error.reason}): ${message}`))
      : error instanceof ConnectionError || error instanceof PlainError
        ? error.message
        : message.startsWith("error: ")
          ? message
          : `error: ${message}`,
  );
}

/** One of several errors: without what a single one has in front. */
function lineOfMany(error: unknown): string {
  if (error instanceof StatusError) return printableLines(`Error from server (${error.reason}): ${error.message}`);
  return printableLines(errorMessage(error));
}

/** The fields that are wrong, one a line when there are several; undefined when it is not that. */
function invalidText({ reason, message = "", details }: Status): string | undefined {
  const { kind, name, causes = [] } = details ?? {};
  if (reason !== "Invalid") return undefined;
  const about = kind || name ? `The ${kind ?? ""} ${JSON.stringify(name ?? "")} is invalid` : "The request is invalid";
  if (causes.length === 0) return about === "The request is invalid" ? `${about}: ${message}` : about;
  const what = `${about}: `;
  const [first = "", ...rest] = [
    ...new Set(causes.map(({ field, message = "" }) => (field ? `${field}: ${message}` : message))),
  ];
  return rest.length === 0 ? what + first : [what, ...[first, ...rest].map((line) => `* ${line}`)].join("\n");
}
