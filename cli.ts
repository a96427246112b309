/** The executable `wherry`: parses, runs one verb, turns what was thrown into one line and an exit code. */
import { runCommand } from "./commands/command.ts";
import { globalFlags, systemEnv } from "./commands/global_flags.ts";
import { verbs } from "./commands/mod.ts";
import { errorText } from "./commands/output/errors.ts";
import { commandLine, runProgram, systemTerminal } from "./core/platform/terminal.ts";
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
  return withStack && error instanceof Error && error.stack ? error.stack : errorText(error);
}
