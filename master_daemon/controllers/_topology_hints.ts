import type { Endpoint, EndpointSlice } from "../../core/kinds/mod.ts";
import type { ZoneShares } from "./_zone_capacity.ts";

/** By how much more than its share an endpoint may be burdened. */
const overload = 0.2;

/** The slices of a service that are about to be written, and the others. */
export interface SlicesToHint {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly unchanged: readonly EndpointSlice[];
}

/** The slices to write, with the zone that each ready endpoint is to serve; or none, and why. */
export type HintedSlices = Pick<SlicesToHint, "create" | "update"> & { readonly refusal: string | undefined };

/** How many endpoints a zone is to have. */
interface Allocation {
  readonly minimum: number;
  readonly maximum: number;
  readonly desired: number;
}

type Counts = Map<string, number>;

/**
 * Says which zone each ready endpoint is to serve, so that every zone has as large a part of them as it has of the
 * processors: its own zone as far as that goes. Slices that need not be written keep what they say as long as no zone
 * gets more than is left for it. Pure.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/topology-aware-routing/
 */
export function withTopologyHints(slices: SlicesToHint, shares: ZoneShares | undefined): HintedSlices {
  const all = [...slices.create, ...slices.update, ...slices.unchanged];
  const total = all.reduce((sum, { endpoints }) => sum + endpoints.filter(isReady).length, 0);
  const allocations = allocate(total, shares);
  if (typeof allocations === "string") return withoutHints(slices, allocations);
  const counts: Counts = new Map();
  const update = [...slices.update, ...slices.unchanged.filter((slice) => !keepsHints(slice, counts, allocations))];
  const written = [...slices.create, ...update];
  if (written.some(({ endpoints }) => endpoints.some((one) => isReady(one) && !one.zone)))
    return withoutHints(slices, "One or more endpoints do not have a zone specified");
  for (const { zone } of written.flatMap(({ endpoints }) => endpoints.filter(isReady))) add(counts, zone ?? "", 1);
  const { giving, receiving } = transfers(allocations, counts);
  const hint = (endpoint: Endpoint): Endpoint => {
    const { hints: _, ...rest } = endpoint;
    return isReady(endpoint)
      ? { ...rest, hints: { forZones: [{ name: zoneFor(endpoint, giving, receiving) }] } }
      : rest;
  };
  const hinted = (slice: EndpointSlice) => ({ ...slice, endpoints: slice.endpoints.map(hint) });
  return { create: slices.create.map(hinted), update: update.map(hinted), refusal: undefined };
}

/** The slices to write so that no endpoint says whom it is meant for. */
function withoutHints({ create, update, unchanged }: SlicesToHint, refusal: string): HintedSlices {
  const told = unchanged.filter(({ endpoints }) => endpoints.some(({ hints }) => hints));
  return { create: create.map(bare), update: [...update, ...told].map(bare), refusal };
}

/** A slice whose endpoints say nothing of whom they are meant for. */
export function bare(slice: EndpointSlice): EndpointSlice {
  if (!slice.endpoints.some(({ hints }) => hints)) return slice;
  return { ...slice, endpoints: slice.endpoints.map(({ hints: _, ...endpoint }) => endpoint) };
}

function isReady({ conditions }: Endpoint): boolean {
  return conditions?.ready === true;
}

function add(counts: Counts, zone: string, count: number): void {
  counts.set(zone, (counts.get(zone) ?? 0) + count);
}

/** How many endpoints each zone is to have, or why that cannot be told. */
function allocate(total: number, shares: ZoneShares | undefined): ReadonlyMap<string, Allocation> | string {
  if (!shares) return "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes";
  const numbers = `(${total} endpoints, ${shares.size} zones)`;
  if (shares.size > total) return `Insufficient number of endpoints ${numbers}`;
  const minimums = [...shares].map(([zone, share]) => {
    const minimum = Math.ceil((share * total) / (1 + overload));
    return { zone, minimum, desired: Math.max(share * total, minimum) };
  });
  const left = total - minimums.reduce((sum, { minimum }) => sum + minimum, 0);
  if (left < 0)
    return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${numbers}`;
  return new Map(
    minimums.map(({ zone, minimum, desired }) => [zone, { minimum, desired, maximum: minimum + left }] as const),
  );
}

/** Whether what a slice says holds still; its endpoints are counted then. */
function keepsHints(
  { endpoints }: EndpointSlice,
  counts: Counts,
  allocations: ReadonlyMap<string, Allocation>,
): boolean {
  const own: Counts = new Map();
  for (const { hints } of endpoints.filter(isReady)) {
    const zones = hints?.forZones ?? [];
    if (zones.length === 0 || zones.some(({ name }) => !allocations.has(name))) return false;
    for (const { name } of zones) add(own, name, 1);
  }
  for (const [zone, count] of own) {
    if (count + (counts.get(zone) ?? 0) > (allocations.get(zone)?.maximum ?? 0)) return false;
  }
  for (const [zone, count] of own) add(counts, zone, count);
  return true;
}

/** How many endpoints zones give to others, and get from them: whole ones, where that is nearer to what is desired. */
function transfers(
  allocations: ReadonlyMap<string, Allocation>,
  counts: ReadonlyMap<string, number>,
): { readonly giving: Counts; readonly receiving: Counts } {
  const surplus: Counts = new Map();
  const shortage: Counts = new Map();
  for (const [zone, { desired }] of allocations) {
    const over = (counts.get(zone) ?? 0) - desired;
    if (over > 0) surplus.set(zone, over);
    if (over < 0) shortage.set(zone, -over);
  }
  const giving: Counts = new Map();
  const receiving: Counts = new Map();
  for (;;) {
    const [from, most] = largest(surplus);
    const [to, least] = largest(shortage);
    if (from === undefined || to === undefined || most < 0.5 || least < 0.5 || (most < 1 && least < 1))
      return { giving, receiving };
    add(giving, from, 1);
    add(surplus, from, -1);
    add(receiving, to, 1);
    add(shortage, to, -1);
  }
}

function largest(counts: ReadonlyMap<string, number>): readonly [zone: string | undefined, count: number] {
  let best: readonly [string | undefined, number] = [undefined, 0];
  for (const one of counts) if (one[1] > best[1]) best = one;
  return best;
}

/** The endpoint's own zone, or one that lacks some when its own has too many. */
function zoneFor({ zone = "" }: Endpoint, giving: Counts, receiving: Counts): string {
  if ((giving.get(zone) ?? 0) === 0) return zone;
  const other = [...receiving].find(([, count]) => count > 0)?.[0];
  if (other === undefined) return zone;
  add(giving, zone, -1);
  add(receiving, other, -1);
  return other;
}
