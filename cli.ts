/** The executable `wherry`: parses, runs one verb, turns what was thrown into one line and an exit code. */
import { runCommand } from "./commands/command.ts";
import { globalFlags, systemEnv } from "./commands/global_flags.ts";
import { verbs } from "./commands/mod.ts";
import { StatusError } from "./core/api/status.ts";
import { ConnectionError } from "./core/client/connection_error.ts";
import { commandLine, runProgram, systemTerminal } from "./core/platform/terminal.ts";
import { errorMessage } from "./core/util/log.ts";
import { version } from "./core/version.ts";

void runProgram(async (signal) => {
  const args = commandLine();
  try {
    return await runCommand(args, {
      verbs,
      globals: globalFlags,
      version,
      write: (text) => systemTerminal.write(text),
      env: (flags) => systemEnv(flags, signal),
    });
  } catch (error) {
    if (signal.aborted && error === signal.reason) return 130;
    systemTerminal.warn(
      describe(
        error,
        args.some((word) => /^(-v|--v)(=?[1-9]\d*)?$/.test(word)),
      ),
    );
    return 1;
  }
});

function describe(error: unknown, withStack: boolean): string {
  if (withStack && error instanceof Error) return error.stack ?? errorMessage(error);
  // As kubectl: what the server said, and that it cannot be reached, are told apart from what went wrong here.
  if (error instanceof StatusError) return `Error from server (${error.reason}): ${error.message}`;
  return error instanceof ConnectionError ? error.message : `error: ${errorMessage(error)}`;
}
