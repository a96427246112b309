/** What a log line may carry besides its constant message. Never secrets, tokens or whole objects. */
export type LogFields = { readonly [name: string]: string | number | boolean | undefined };

/** A structured logger: a constant message plus fields. Passed in, never global. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  with(fields: LogFields): Logger;
}

/** Severity of a line, least first. */
export type LogLevel = "debug" | "info" | "warn" | "error";

const order: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Options of {@linkcode createLogger}. */
export interface LoggerOptions {
  /** Where a finished line goes (without line feed). */
  readonly write: (line: string) => void;
  /** Least severity that is written. Default `info`. */
  readonly level?: LogLevel;
  readonly clock: { now(): number };
  readonly fields?: LogFields;
}

/** A logger that writes logfmt lines: `time level message key=value`. */
export function createLogger(options: LoggerOptions): Logger {
  const { write, level = "info", clock, fields: common = {} } = options;
  const log = (severity: LogLevel) => (message: string, fields?: LogFields) => {
    if (order.indexOf(severity) < order.indexOf(level)) return;
    const parts = Object.entries({ ...common, ...fields })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => ` ${name}=${/[\s"=\p{C}]/u.test(String(value)) ? JSON.stringify(String(value)) : value}`);
    write(`${new Date(clock.now()).toISOString()} ${severity.padEnd(5)} ${message}${parts.join("")}`);
  };
  return {
    debug: log("debug"),
    info: log("info"),
    warn: log("warn"),
    error: log("error"),
    with: (fields) => createLogger({ ...options, fields: { ...common, ...fields } }),
  };
}

/** A logger that says nothing. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => silentLogger };

/** The text of anything that was thrown, without its stack. */
export function errorMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || error.name;
}
