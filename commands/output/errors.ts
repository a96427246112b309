import { type Status, StatusError } from "../../core/api/status.ts";
import { ConnectionError } from "../../core/client/connection_error.ts";
import { errorMessage } from "../../core/util/log.ts";
import { printableLines } from "./columns.ts";

/**
 * What went wrong, in kubectl's words: what the server said, and that it cannot be reached, are told apart from what went
 * wrong here.
 *
 * @param doing what was tried, e.g. `creating "web.yaml"`, where that is not plain
 * @see k8s.io/kubectl/pkg/cmd/util/helpers.go
 */
export function errorText(error: unknown, doing?: string): string {
  const message = `${doing === undefined ? "" : `error when ${doing}: `}${errorMessage(error)}`;
  return printableLines(
    error instanceof StatusError
      ? (invalidText(error.status) ?? `Error from server (${error.reason}): ${message}`)
      : error instanceof ConnectionError
        ? error.message
        : `error: ${message}`,
  );
}

/** The fields that are wrong, one a line when there are several; undefined when it is not that. */
function invalidText({ reason, details }: Status): string | undefined {
  const { kind, name, causes = [] } = details ?? {};
  if (reason !== "Invalid" || !kind || causes.length === 0) return undefined;
  const what = `The ${kind} ${JSON.stringify(name ?? "")} is invalid: `;
  const [first = "", ...rest] = [
    ...new Set(causes.map(({ field, message = "" }) => (field ? `${field}: ${message}` : message))),
  ];
  return rest.length === 0 ? what + first : [what, ...[first, ...rest].map((line) => `* ${line}`)].join("\n");
}
