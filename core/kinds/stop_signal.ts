import { fieldError } from "../api/status.ts";
import type { Container, PodSpec } from "./pod.ts";
import { checkOneOf, type FieldErrors } from "./validators.ts";

const named =
  "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ";
const realTime = [
  "RTMIN",
  ...Array.from({ length: 15 }, (_, index) => `RTMIN+${index + 1}`),
  ...Array.from({ length: 14 }, (_, index) => `RTMAX-${14 - index}`),
  "RTMAX",
];
/** Signals that may end a container, by operating system. */
const stopSignals: Readonly<Record<"linux" | "windows", readonly string[]>> = {
  linux: [...named.split(" "), ...realTime].map((name) => `SIG${name}`).sort(),
  windows: ["SIGKILL", "SIGTERM"],
};

/** What is wrong with the signal that ends a container. @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination-stop-signals */
export function checkStopSignal({ lifecycle }: Container, field: string, os: PodSpec["os"]): FieldErrors {
  const signal = lifecycle?.stopSignal;
  if (signal === undefined) return [];
  const at = `${field}.lifecycle.stopSignal`;
  if (!os) return [fieldError.forbidden(at, "may not be set for containers with empty `spec.os.name`")];
  return checkOneOf(at, signal, os.name === "windows" ? stopSignals.windows : stopSignals.linux);
}
