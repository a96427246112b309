import { formatQuantity, parseQuantity, value } from "../../../core/api/quantity.ts";
import { parseDuration } from "../../../core/util/duration.ts";
import { isSignal, type Observation, type Observations, type Signal } from "./signals.ts";

/** An amount: a number, or a share (0 to 1) of what there is. */
export type ThresholdValue = { readonly amount: number } | { readonly share: number };

/** From where on a node is short of something. */
export interface Threshold {
  readonly signal: Signal;
  readonly value: ThresholdValue;
  /** How long it has to be short before pods are ended; 0: not at all ("hard"). */
  readonly gracePeriodMs: number;
  /** How much more than the threshold has to be free again. */
  readonly minimumReclaim: ThresholdValue | undefined;
}

/** Statements about signals, e.g. `{"memory.available": "100Mi", "nodefs.available": "10%"}`. */
export type ThresholdTexts = Readonly<Record<string, string>>;

/** What flags say about eviction. */
export interface EvictionTexts {
  readonly hard: ThresholdTexts;
  readonly soft?: ThresholdTexts | undefined;
  readonly softGracePeriod?: ThresholdTexts | undefined;
  readonly minimumReclaim?: ThresholdTexts | undefined;
}

/** When a node ends pods for want of something. */
export interface EvictionConfig {
  readonly thresholds: readonly Threshold[];
  /** How long a condition stays after it was last true. */
  readonly transitionPeriodMs: number;
  /** Time that a pod gets at most where a soft threshold was met. */
  readonly maxPodGraceSeconds: number;
}

/** Kubernetes' thresholds, and those of a cluster on a machine that is used for other things as well: its disk may be as full as its owner likes. */
export const defaultHard: { readonly node: ThresholdTexts; readonly workstation: ThresholdTexts } = {
  node: {
    "memory.available": "100Mi",
    "nodefs.available": "10%",
    "nodefs.inodesFree": "5%",
    "imagefs.available": "15%",
    "imagefs.inodesFree": "5%",
  },
  workstation: { "memory.available": "100Mi" },
};

/** Kubernetes' other defaults. */
const defaultTransitionPeriodMs = 300_000;

/** Eviction with defaults for all but the thresholds. @throws SyntaxError as {@linkcode parseThresholds} does */
export function evictionConfig(texts: EvictionTexts): EvictionConfig {
  return {
    thresholds: parseThresholds(texts),
    transitionPeriodMs: defaultTransitionPeriodMs,
    maxPodGraceSeconds: 0,
  };
}

/** @throws SyntaxError for what is no signal, no amount, or a soft threshold without its grace period */
export function parseThresholds({
  hard,
  soft = {},
  softGracePeriod = {},
  minimumReclaim = {},
}: EvictionTexts): readonly Threshold[] {
  const reclaims = new Map(
    signalsOf(minimumReclaim).map(([signal, text]) => [signal, parseValue(signal, text, { mayBeZero: true })]),
  );
  const graces = new Map(signalsOf(softGracePeriod).map(([signal, text]) => [signal, parseDuration(text)]));
  const parse = (texts: ThresholdTexts, grace: (signal: Signal) => number): readonly Threshold[] =>
    signalsOf(texts)
      // What can never or always be met is how a default is switched off.
      .filter(([, text]) => text !== "0%" && text !== "100%")
      .map(([signal, text]) => ({
        signal,
        value: parseValue(signal, text),
        gracePeriodMs: grace(signal),
        minimumReclaim: reclaims.get(signal),
      }));
  const softGrace = (signal: Signal) => {
    const grace = graces.get(signal);
    if (grace === undefined)
      throw new SyntaxError(`grace period must be specified for the soft eviction threshold ${signal}`);
    return grace;
  };
  return [...parse(hard, () => 0), ...parse(soft, softGrace)];
}

function signalsOf(texts: ThresholdTexts): readonly (readonly [Signal, string])[] {
  return Object.entries(texts).map(([name, text]) => {
    if (!isSignal(name)) throw new SyntaxError(`unsupported eviction signal ${name}`);
    return [name, text];
  });
}

function parseValue(signal: Signal, text: string, { mayBeZero = false } = {}): ThresholdValue {
  if (text.endsWith("%")) {
    const percent = /^\d{1,3}(\.\d{1,6})?%$/.test(text) ? Number(text.slice(0, -1)) : Number.NaN;
    if (!(percent >= 0 && percent <= 100))
      throw new SyntaxError(
        `eviction percentage threshold ${signal} must be between 0% and 100%: ${text.slice(0, 64)}`,
      );
    return { share: percent / 100 };
  }
  const amount = value(parseQuantity(text));
  if (amount < 0 || (amount === 0 && !mayBeZero))
    throw new SyntaxError(`eviction threshold ${signal} must be positive: ${text}`);
  return { amount };
}

/** A value in bytes, files or processes. */
export function amountOf(value: ThresholdValue, { capacity }: Observation): number {
  return "amount" in value ? value.amount : Math.trunc(capacity * value.share);
}

/** The thresholds that are met: less is left than they say. With `reclaiming`, those that stay met until their minimum was given back. */
export function thresholdsMet(
  thresholds: readonly Threshold[],
  observations: Observations,
  { reclaiming = false }: { readonly reclaiming?: boolean } = {},
): readonly Threshold[] {
  return thresholds.filter(({ signal, value, minimumReclaim }) => {
    const observed = observations.get(signal);
    if (!observed) return false;
    const extra = reclaiming && minimumReclaim ? amountOf(minimumReclaim, observed) : 0;
    return observed.available < amountOf(value, observed) + extra;
  });
}

/** An amount as Kubernetes writes it: bytes with binary suffixes, numbers of things with decimal ones. */
export function amountText(amount: number, format: "BinarySI" | "DecimalSI"): string {
  return formatQuantity({ ...parseQuantity(String(Math.round(amount))), format });
}
