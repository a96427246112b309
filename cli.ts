/** The executable `wherry`. */
import { runCli } from "./commands/run_cli.ts";
import { commandLine, runProgram, systemTerminal } from "./core/platform/terminal.ts";

void runProgram((signal) => runCli(commandLine(), { terminal: systemTerminal, signal }));
