import type { Terminal } from "../core/platform/terminal.ts";
import { version } from "../core/version.ts";
import { runCommand } from "./command.ts";
import type { CommandEnv } from "./env.ts";
import { globalFlags, wantsAround } from "./global_flags.ts";
import { verbs } from "./mod.ts";
import { errorText } from "./output/errors.ts";
import { withPreferences } from "./preferences/with_preferences.ts";
import { systemEnv } from "./system_env.ts";
import { UnknownVerbError, UsageError } from "./verb.ts";

/**
 * The whole command line but for the process: parses, runs one verb, turns what was thrown into one line and an exit code.
 *
 * @param args the words after the program's name
 * @param options.signal aborted by Ctrl-C
 */
export async function runCli(
  args: readonly string[],
  { terminal, signal }: { readonly terminal: Terminal; readonly signal: AbortSignal },
): Promise<number> {
  let env: CommandEnv | undefined;
  const warnings = new Set<string>();
  // As kubectl, each once.
  const onWarning = (text: string) => {
    if (!warnings.has(text)) terminal.warn(`Warning: ${text}`);
    warnings.add(text);
  };
  try {
    const { line, pluginPolicy } = await withPreferences(args, terminal);
    return await runCommand(line, {
      verbs,
      globals: globalFlags,
      version,
      write: (text) => terminal.write(text),
      env: (flags, changeCause) => {
        env = systemEnv(flags, { terminal, signal, onWarning, pluginPolicy, changeCause });
        return env;
      },
      async around(flags, surroundings, run) {
        const code = wantsAround(flags)
          ? await (await import("./around.ts")).around(flags, surroundings, run)
          : await run();
        const count = warnings.size;
        if (flags["warningsAsErrors"] !== true || count === 0) return code;
        throw new UsageError(`${count} warning${count === 1 ? "" : "s"} received`);
      },
    });
  } catch (error) {
    if (error instanceof UnknownVerbError) {
      const { runPlugin } = await import("./plugin/run_plugin.ts");
      const code = await runPlugin(args);
      if (code !== undefined) return code;
    }
    if (signal.aborted && error === signal.reason) return 130;
    const withStack = args.some((word) => /^(-v|--v)=?[1-9]\d*$/.test(word));
    terminal.warn(errorText(error));
    if (withStack && error instanceof Error && error.stack) terminal.warn(error.stack);
    if (env && terminal.errorIsTerminal) await (await import("./not_found.ts")).warnWhatWasMeant(error, env);
    return error instanceof UsageError ? error.exitCode : 1;
  }
}
