import { parseJson } from "../../../core/api/json.ts";
import { getOwn, isJsonObject } from "../../../core/api/json_object.ts";
import { jsonText } from "../../../core/api/json_text.ts";
import type { Json, JsonObject } from "../../../core/api/meta.ts";
import { ObjectBody } from "../../../core/client/object_body.ts";
import type { ApiRequest, ApiResponse, UserInfo } from "../../../core/client/transport.ts";
import { type Clock, microTimestamp } from "../../../core/util/clock.ts";
import type { Attributes } from "../../authorization/authorizer.ts";
import { readDocument, readJson } from "../body.ts";
import { mediaTypeOf } from "../negotiate.ts";
import type { AuditRule, AuditStage } from "./policy.ts";

/** What a request is, as far as the audit log wants to know. */
export interface AuditedRequest {
  readonly request: ApiRequest;
  readonly auditId: string;
  readonly user: UserInfo;
  readonly attributes: Attributes;
  /** Watches, logs, proxied and upgraded connections: their beginning is noted, too. */
  readonly isLong: boolean;
  readonly remoteAddress: string | undefined;
}

/** Answers that are longer are noted without their text. */
const maxNotedBytes = 16 * 2 ** 20;
const maxUserAgentLength = 1024;

/** What becomes of one request, told to the audit log stage by stage. */
export class AuditTrail {
  /** Notes of others: `authorization.k8s.io/decision`, those of admission plug-ins. */
  readonly annotations: Map<string, string> = new Map<string, string>();
  readonly #audited: AuditedRequest;
  readonly #rule: AuditRule;
  readonly #clock: Clock;
  readonly #write: (line: string) => void;
  readonly #receivedAt: string;
  #impersonated: UserInfo | undefined;
  #body: Uint8Array | undefined;

  constructor(
    audited: AuditedRequest,
    { rule, clock, write }: { readonly rule: AuditRule; readonly clock: Clock; readonly write: (line: string) => void },
  ) {
    this.#audited = audited;
    this.#rule = rule;
    this.#clock = clock;
    this.#write = write;
    this.#receivedAt = microTimestamp(clock);
  }

  /** Notes that the request has come, and gives it back: with a body that is listened to where that is wanted. */
  begin(): ApiRequest {
    const { request } = this.#audited;
    this.#note("RequestReceived", {});
    const isNoted = this.#wantsRequest || this.#lacksName;
    if (!isNoted || request.body === undefined) return request;
    if (request.body instanceof Uint8Array) {
      this.#body = request.body;
      return request;
    }
    return { ...request, body: this.#listened(request.body) };
  }

  /** Notes for whom the user acts. */
  impersonates(user: UserInfo): void {
    this.#impersonated = user;
  }

  /** Notes the answer, at once or when its stream has ended, and gives it back. */
  async end(response: ApiResponse): Promise<ApiResponse> {
    const { isLong } = this.#audited;
    const requestObject = await this.#requestObject();
    const common = { ...this.#objectRef(requestObject), ...this.#shownRequest(requestObject) };
    if (response.body instanceof Uint8Array) {
      const responseStatus = statusOf(response.status, response.body);
      if (isLong) this.#note("ResponseStarted", { ...common, responseStatus });
      this.#note("ResponseComplete", { ...common, responseStatus }, this.#shownResponse(response.body));
      return response;
    }
    const responseStatus = statusOf(response.status, undefined);
    if (isLong) this.#note("ResponseStarted", { ...common, responseStatus });
    return { ...response, body: this.#followed(response.body, { ...common, responseStatus }) };
  }

  /** Notes that the connection has become another one, and its end when `signal` tells. */
  upgrade(signal: AbortSignal): void {
    const members = { ...this.#objectRef(undefined), responseStatus: { metadata: {}, code: 101 } };
    this.#note("ResponseStarted", members);
    const onEnd = () => this.#note("ResponseComplete", members);
    if (signal.aborted) onEnd();
    else signal.addEventListener("abort", onEnd, { once: true });
  }

  /** Notes a request whose credentials were refused. */
  refuse(response: ApiResponse): void {
    const status = response.body instanceof Uint8Array ? statusOf(response.status, response.body) : {};
    const { authorization = "" } = this.#audited.request.headers;
    const method = /^bearer /i.test(authorization) ? "bearer" : /^basic /i.test(authorization) ? "basic" : "";
    const message = method
      ? `Authentication failed, attempted: ${method}`
      : "Authentication failed, no credentials provided";
    this.#note("ResponseStarted", { responseStatus: { ...status, message } });
  }

  /** Notes that serving the request failed in a way that nobody thought of. */
  panic(message: string): void {
    const responseStatus = { metadata: {}, status: "Failure", message, reason: "InternalError", code: 500 };
    this.#note("Panic", { responseStatus });
  }

  get #wantsRequest(): boolean {
    return this.#rule.level === "Request" || this.#rule.level === "RequestResponse";
  }

  /** Creations name their object in the body only. */
  get #lacksName(): boolean {
    const { attributes } = this.#audited;
    return attributes.type === "resource" && attributes.verb === "create" && attributes.name === undefined;
  }

  async *#listened(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) {
      chunks.push(chunk);
      yield chunk;
    }
    this.#body = Buffer.concat(chunks);
  }

  /** A stream whose end is noted: also of one that nobody begins to read. */
  #followed(body: AsyncIterable<Uint8Array>, members: JsonObject): AsyncIterable<Uint8Array> {
    const isNoted = this.#rule.level === "RequestResponse" && !this.#audited.isLong;
    const chunks: Uint8Array[] = [];
    let size = 0;
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      const isWhole = isNoted && size <= maxNotedBytes;
      this.#note("ResponseComplete", members, isWhole ? this.#shownResponse(Buffer.concat(chunks)) : "");
    };
    const inner = body[Symbol.asyncIterator]();
    const outer: AsyncIterator<Uint8Array> = {
      async next() {
        try {
          const result = await inner.next();
          if (result.done) end();
          else size += result.value.length;
          if (!result.done && isNoted && size <= maxNotedBytes) chunks.push(result.value);
          return result;
        } catch (error) {
          end();
          throw error;
        }
      },
      async return() {
        end();
        await inner.return?.();
        return { done: true, value: undefined };
      },
    };
    return { [Symbol.asyncIterator]: () => outer };
  }

  /** The body as an object; undefined when there is none, or none that can be read. */
  async #requestObject(): Promise<Json | undefined> {
    if (this.#body === undefined) return undefined;
    const { headers } = this.#audited.request;
    const type = mediaTypeOf(headers["content-type"]);
    const request = { ...this.#audited.request, body: this.#body };
    try {
      if (/^application\/(json-patch|merge-patch|strategic-merge-patch)\+json$/.test(type))
        return await readJson(request, Number.POSITIVE_INFINITY);
      const isApply = type === "application/apply-patch+yaml";
      const asDocument = isApply ? { ...request, headers: { "content-type": "application/yaml" } } : request;
      return await readDocument(asDocument, Number.POSITIVE_INFINITY);
    } catch {
      // It was refused, and the answer says why.
      return undefined;
    }
  }

  #shownRequest(object: Json | undefined): JsonObject {
    if (object === undefined || !this.#wantsRequest) return {};
    return { requestObject: this.#rule.omitManagedFields ? withoutManagedFields(object) : object };
  }

  /** The member with the answer, as text: an answer is JSON already. */
  #shownResponse(body: Uint8Array): string {
    if (this.#rule.level !== "RequestResponse" || body.length > maxNotedBytes) return "";
    if (body instanceof ObjectBody) return this.#shownResponse(new TextEncoder().encode(jsonText(body.value)));
    const text = new TextDecoder().decode(body).trimEnd();
    if (!text.startsWith("{")) return "";
    // What was made for people to read has several lines; the log has one for each event.
    if (!this.#rule.omitManagedFields && !text.includes("\n")) return `,"responseObject":${text}`;
    try {
      const object = parseJson(body);
      return `,"responseObject":${jsonText(this.#rule.omitManagedFields ? withoutManagedFields(object) : object)}`;
    } catch {
      return "";
    }
  }

  #objectRef(object: Json | undefined): JsonObject {
    const { attributes } = this.#audited;
    if (attributes.type !== "resource") return {};
    const metadata = object !== undefined && isJsonObject(object) ? getOwn(object, "metadata") : undefined;
    const sent = (name: string) => {
      const value = metadata !== undefined && isJsonObject(metadata) ? getOwn(metadata, name) : undefined;
      return typeof value === "string" ? value : undefined;
    };
    return {
      objectRef: present({
        resource: attributes.resource,
        namespace: attributes.namespace ?? sent("namespace"),
        name: attributes.name ?? sent("name"),
        uid: sent("uid"),
        apiGroup: attributes.group,
        apiVersion: attributes.version,
        resourceVersion: sent("resourceVersion"),
        subresource: attributes.subresource,
      }),
    };
  }

  /** @param responseObject text of the member with the answer, with its comma; empty without */
  #note(stage: AuditStage, members: JsonObject, responseObject = ""): void {
    if (this.#rule.omitStages.has(stage)) return;
    const { request, auditId, user, attributes, remoteAddress } = this.#audited;
    const impersonated = this.#impersonated;
    const userAgent = request.headers["user-agent"] ?? "";
    const { requestObject, responseStatus, objectRef = this.#objectRef(undefined)["objectRef"] } = members;
    const head = present({
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: this.#rule.level,
      auditID: auditId,
      stage,
      requestURI: request.path,
      verb: attributes.verb,
      user: userObject(user),
      impersonatedUser: impersonated && userObject(impersonated),
      sourceIPs: sourceAddresses(request, remoteAddress),
      userAgent:
        userAgent.length > maxUserAgentLength ? `${userAgent.slice(0, maxUserAgentLength)}...TRUNCATED` : userAgent,
      objectRef,
      responseStatus,
      requestObject,
    });
    const annotations = Object.fromEntries(this.annotations);
    const tail = present({
      requestReceivedTimestamp: this.#receivedAt,
      stageTimestamp: microTimestamp(this.#clock),
      annotations: this.annotations.size > 0 ? annotations : undefined,
    });
    this.#write(`${jsonText(head).slice(0, -1)}${responseObject},${JSON.stringify(tail).slice(1)}`);
  }
}

/** Only what says something. */
function present(object: { readonly [name: string]: Json | undefined }): JsonObject {
  return Object.fromEntries(
    Object.entries(object).filter((entry): entry is [string, Json] => entry[1] !== undefined && entry[1] !== ""),
  );
}

function userObject({ username, uid, groups, extra }: UserInfo): JsonObject {
  const isExtra = extra !== undefined && Object.keys(extra).length > 0;
  return present({
    username,
    uid,
    groups: groups.length > 0 ? groups : undefined,
    extra: isExtra ? { ...extra } : undefined,
  });
}

/** Where a request comes from: what proxies say, then the other end of the connection. */
function sourceAddresses({ headers }: ApiRequest, remoteAddress: string | undefined): readonly string[] | undefined {
  const forwarded = (headers["x-forwarded-for"] ?? "").split(",", 32).map((text) => text.trim());
  const real = (headers["x-real-ip"] ?? "").trim();
  const all = [...forwarded, real, remoteAddress ?? ""].filter((text) => /^[0-9A-Fa-f:.]{2,45}$/.test(text));
  return all.length > 0 ? [...new Set(all)] : undefined;
}

/** The answer's status in short; of a Status object what it says. */
function statusOf(code: number, body: Uint8Array | undefined): JsonObject {
  const bare = { metadata: {}, code };
  if (!body || body.length > 64 * 1024) return bare;
  const start = new TextDecoder().decode(body.subarray(0, 64));
  if (!start.includes('"Status"')) return bare;
  try {
    const document = parseJson(body);
    if (!isJsonObject(document) || document["kind"] !== "Status") return bare;
    const { status, message, reason, details } = document;
    return present({ metadata: {}, status, message, reason, details, code });
  } catch {
    return bare;
  }
}

/** An object, the items of a list and the rows of a table without `metadata.managedFields`. */
function withoutManagedFields(value: Json): Json {
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).map(([name, member]): [string, Json] => {
    if (name === "metadata" && isJsonObject(member))
      return [name, Object.fromEntries(Object.entries(member).filter(([key]) => key !== "managedFields"))];
    if (name === "items" && Array.isArray(member)) return [name, member.map(withoutManagedFields)];
    if (name === "rows" && Array.isArray(member)) return [name, member.map(withoutManagedFields)];
    return [name, name === "object" ? withoutManagedFields(member) : member];
  });
  return Object.fromEntries(entries);
}
