/**
 * The supervisor of one container of the process runtime: a few lines of POSIX shell that outlive the daemon.
 *
 * - It leads a session and process group of its own; the program runs inside that group.
 * - It uses only what is built into the shell, so it needs no PATH and costs two forks.
 * - `started` says who runs: pid and start time of the program, the same of the supervisor, the boot. Its mtime is the
 *   time of the start. `exited` holds the exit code; its mtime is the time of the end. Both are one short write ended by
 *   a line feed: a file without it is not finished.
 * - When the program has ended, whatever is left of the group is killed, as a container ends with its first process.
 * - Where the machine allows it, it is the first process that the container sees: then all the others end with it.
 * - SIGTERM to the group reaches the program and its children; the supervisor itself only notes it. (A handler, unlike
 *   an ignored signal, is not inherited.)
 */

/**
 * Sets `__wherry_id` to the shell's own pid and start time, and `__wherry_pid`: on the machine, not among the processes that
 * the container sees. No subshells: each would cost a fork. The names are long because a variable of the container's own
 * environment with the same name would be overwritten.
 */
const identity = `
fields() { __wherry_id="$__wherry_pid \${20}"; }
identify() {
  if [ -r /proc/self/stat ]; then
    IFS= read -r __wherry_line </proc/self/stat
    __wherry_pid=\${__wherry_line%% *}
    fields \${__wherry_line##*) }
  else
    __wherry_pid=$$
    __wherry_id="$$ $(LC_ALL=C /bin/ps -o lstart= -p "$$")"
  fi
}`;

const program = `${identity}
__wherry_state=$1 __wherry_supervisor=$2 __wherry_cgroups=$3 __wherry_oom=$4
shift 4
__wherry_boot=
[ -r /proc/sys/kernel/random/boot_id ] && read -r __wherry_boot </proc/sys/kernel/random/boot_id
for __wherry_group in $__wherry_cgroups; do echo "$$" >"$__wherry_group/cgroup.procs"; done
[ -z "$__wherry_oom" ] || { echo "$__wherry_oom" >/proc/self/oom_score_adj; } 2>/dev/null
identify
printf '%s\\n%s\\n%s\\n' "$__wherry_id" "$__wherry_supervisor" "$__wherry_boot" >"$__wherry_state/started"
umask 022
exec "$@" >&3 2>&3 3>&-`;

/** Notes itself first: once the program could open its input, whoever wants to end that input finds who holds it. */
const holder = `${identity}
trap "" HUP INT QUIT TERM
identify
echo "$__wherry_pid" >"$2"
exec 0<>"$1"
kill -STOP "$$"`;

const supervisor = `${identity}
__wherry_state=$1 __wherry_stdin=$2 __wherry_cgroups=$3 __wherry_oom=$4
shift 4
umask 077
trap : HUP INT QUIT TERM USR1 USR2 ALRM
exec 3>&1 >/dev/null 2>&1
if [ "$__wherry_stdin" != /dev/null ]; then
  /bin/sh -c "$HOLDER" holder "$__wherry_stdin" "$__wherry_state/holder" 3>&- &
fi
identify
/bin/sh -c "$PROGRAM" program "$__wherry_state" "$__wherry_id" "$__wherry_cgroups" "$__wherry_oom" "$@" <"$__wherry_stdin"
echo "$?" >"$__wherry_state/exited"
exec 3>&-
kill -KILL 0`;

/** What {@linkcode supervisorCommand} starts. */
export interface SupervisorOptions {
  /** Folder of `started`, `exited` and `holder`. */
  readonly stateDir: string;
  /** What the program reads: `/dev/null` or a FIFO, which a stopped helper process keeps open. */
  readonly stdin: string;
  /** cgroup folders that the program joins before it starts; without spaces. */
  readonly cgroups: readonly string[];
  /** How soon the kernel ends the program for want of memory, where it may be said. */
  readonly oomScoreAdj: number | undefined;
  /** What the supervisor is started in: words that go before it, and leave it to lead a group. */
  readonly around: readonly string[];
  /** The program as an absolute path, and its arguments. */
  readonly argv: readonly string[];
}

/**
 * The command that supervises a container: spawn it detached (it must lead its group: it kills it in the end), with the
 * log as stdout.
 */
export function supervisorCommand({ stateDir, stdin, cgroups, oomScoreAdj, around, argv }: SupervisorOptions): {
  readonly file: string;
  readonly args: readonly string[];
} {
  const script = supervisor.replace('"$HOLDER"', () => quote(holder)).replace('"$PROGRAM"', () => quote(program));
  const own = [
    "/bin/sh",
    "-c",
    script,
    "wherry",
    stateDir,
    stdin,
    cgroups.join(" "),
    String(oomScoreAdj ?? ""),
    ...argv,
  ];
  const [file = "", ...args] = [...around, ...own];
  return { file, args };
}

/** A word as the shell reads it back unchanged. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
