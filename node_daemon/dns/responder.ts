import type { Clock } from "../../core/util/clock.ts";
import {
  type ClusterView,
  clusterRecords,
  clusterTtl,
  pointersTo,
  reverseAddress,
  type Zone,
  zoneAuthority,
} from "./cluster_names.ts";
import type { Forwarder } from "./forwarder.ts";
import {
  type DomainName,
  internetClass,
  isTruncated,
  type Query,
  readAnswer,
  readQuery,
  recordType,
  responseCode,
} from "./message.ts";
import {
  answerLimit,
  failure,
  type ResourceRecord,
  type Response,
  short,
  writeRefusal,
  writeResponse,
} from "./write_message.ts";

/** Options of {@linkcode createResponder}. */
export interface ResponderOptions {
  readonly view: ClusterView;
  /** E.g. `cluster.local`, as labels in lower case. */
  readonly domain: DomainName;
  /** Addresses at which this is served. */
  servers(): readonly string[];
  /** Who knows all other names. */
  readonly forwarder: Pick<Forwarder, "forward">;
  readonly clock: Pick<Clock, "now">;
  readonly random: () => number;
}

/** Answers one message; undefined for what gets no answer. Never rejects. */
export type Responder = (message: Uint8Array, protocol: "UDP" | "TCP") => Promise<Uint8Array | undefined>;

/** Names that stand for names that stand for names: further than this nobody goes. */
const maxAliases = 8;
/** The addresses of more than these clients ask for themselves: there is hardly room, and each is looked for among all. */
const maxTargets = 32;
/** An IPv4 address of a name that was written before. */
const smallestRecordBytes = 16;

/** Who answers for the cluster's names itself, and for others with what other servers say. */
export function createResponder(options: ResponderOptions): Responder {
  return async (message, protocol) => {
    const query = readQuery(message);
    if (!query) return undefined;
    if ("refusal" in query) return writeRefusal(query);
    const maxBytes = answerLimit(query, protocol);
    const write = (response: Response) => writeResponse(query, response, maxBytes);
    try {
      const code = refusalOf(query);
      if (code !== undefined) return write(failure(code));
      const response = await clusterResponse(query, maxBytes, options);
      if (response) return write(response);
      return (await options.forwarder.forward(query, message, protocol)) ?? write(failure());
    } catch {
      return write(failure());
    }
  };
}

function refusalOf({ edns, type, class: kind }: Query): number | undefined {
  if (edns && edns.version > 0) return responseCode.badVersion;
  const isTransfer = type === recordType.AXFR || type === recordType.IXFR;
  return isTransfer || kind !== internetClass ? responseCode.refused : undefined;
}

/** The answer to a question about the cluster; undefined for any other. */
async function clusterResponse(
  query: Query,
  maxBytes: number,
  options: ResponderOptions,
): Promise<Response | undefined> {
  const { view, domain, servers, clock, random } = options;
  // One more than there can be room for, so that the answer is seen to be cut.
  const most = Math.ceil(maxBytes / smallestRecordBytes) + 1;
  const zone: Zone = {
    domain,
    servers: servers(),
    // A serial has 32 bits.
    serial: Math.floor(clock.now() / 1000) % 2 ** 32,
    pick: (items) => (items.length <= most ? items : someOf(items, most, random)),
  };
  if (isBelow(query.name, domain)) return await ownResponse(query, zone, options);
  const address = reverseAddress(query.name);
  const pointers = address === undefined ? [] : pointersTo(address, query.name, view, zone);
  if (pointers.length === 0) return undefined;
  const answers = pointers.filter(({ type }) => isWanted(type, query.type));
  return { code: responseCode.noError, isAuthoritative: true, answers };
}

async function ownResponse({ name, type }: Query, zone: Zone, options: ResponderOptions): Promise<Response> {
  const answers: ResourceRecord[] = [];
  let own = name;
  for (let step = 0; step <= maxAliases; step++) {
    const found = clusterRecords(own.slice(0, own.length - zone.domain.length), options.view, zone);
    const wanted = (found ?? []).filter((record) => isWanted(record.type, type) || record.type === recordType.CNAME);
    answers.push(...shuffled(wanted, options.random));
    const target = aliasOf(wanted);
    if (!target || isWanted(recordType.CNAME, type)) {
      const code = found ? responseCode.noError : responseCode.nameError;
      const authority = wanted.length > 0 ? [] : [zoneAuthority(zone)];
      return { code, isAuthoritative: true, answers, authority, additional: targetsOf(answers, options.view, zone) };
    }
    if (!isBelow(target, zone.domain)) return await outsideResponse(target, type, answers, options);
    own = target;
  }
  return failure();
}

/** The addresses of what SRV records lead to, so that nobody has to ask for them. */
function targetsOf(answers: readonly ResourceRecord[], view: ClusterView, zone: Zone): ResourceRecord[] {
  const targets = new Map<string, DomainName>();
  for (const { type, data } of answers) {
    const target = type === recordType.SRV ? data.at(-1) : undefined;
    if (target && !(target instanceof Uint8Array)) targets.set(target.join("."), target);
  }
  if (targets.size > maxTargets) return [];
  return [...targets.values()].flatMap(
    (target) => clusterRecords(target.slice(0, target.length - zone.domain.length), view, zone) ?? [],
  );
}

/** An alias for a name outside: clients expect its addresses with it. */
async function outsideResponse(
  target: DomainName,
  type: number,
  answers: readonly ResourceRecord[],
  { forwarder }: ResponderOptions,
): Promise<Response> {
  const message = questionFor(target, type);
  const query = readQuery(message);
  if (!query || "refusal" in query) return failure();
  const datagram = await forwarder.forward(query, message, "UDP");
  const bytes = datagram && isTruncated(datagram) ? await forwarder.forward(query, message, "TCP") : datagram;
  const answer = bytes && readAnswer(bytes);
  if (!answer) return failure();
  const found = answer.records
    .filter((record) => record.type === recordType.CNAME || isWanted(record.type, type))
    .map(({ name, type, ttl, data }) => ({ name, type, ttl: Math.min(ttl, clusterTtl), data: [data] }));
  return { code: answer.code, isAuthoritative: true, answers: [...answers, ...found] };
}

/** A question that nobody sent us. */
export function questionFor(name: DomainName, type: number): Uint8Array {
  const recursionDesired = 0x0100;
  const labels = name.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, "latin1"));
  const header = [0, recursionDesired, 1, 0, 0, 0].map(short);
  return Buffer.concat([...header, ...labels, Uint8Array.of(0), short(type), short(internetClass)]);
}

function aliasOf(records: readonly ResourceRecord[]): DomainName | undefined {
  const target = records.find(({ type }) => type === recordType.CNAME)?.data[0];
  return target && !(target instanceof Uint8Array) ? target : undefined;
}

function isWanted(type: number, asked: number): boolean {
  return type === asked || asked === recordType.ANY;
}

function isBelow(name: DomainName, domain: DomainName): boolean {
  const offset = name.length - domain.length;
  return offset >= 0 && domain.every((label, index) => name[offset + index] === label);
}

/** In any order, so that clients that take the first spread. */
function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return someOf(items, items.length, random);
}

/** So many of these, any of them, in any order. */
function someOf<T>(items: readonly T[], count: number, random: () => number): T[] {
  const result = [...items];
  for (let first = 0; first < count && first < result.length - 1; first++) {
    const chosen = first + Math.floor(random() * (result.length - first));
    [result[first], result[chosen]] = [result[chosen] as T, result[first] as T];
  }
  return result.slice(0, count);
}
