import type { FlagValues } from "../core/flags/flag.ts";
import type { MasterFlags } from "../core/flags/master_flags.ts";
import type { Random } from "../core/platform/random.ts";
import type { Clock } from "../core/util/clock.ts";
import type { Logger } from "../core/util/log.ts";
import { masterOptions } from "./flags.ts";
import { type Master, startMaster } from "./master.ts";

/** Options of {@linkcode startMasterDaemon}. */
export interface MasterDaemonOptions {
  readonly flags: FlagValues<MasterFlags>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** The master daemon as its flags describe it. @throws SyntaxError for flags that cannot be read */
export function startMasterDaemon({ flags, ...rest }: MasterDaemonOptions): Promise<Master> {
  return startMaster({ ...masterOptions(flags), ...rest });
}
