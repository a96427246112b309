import { goQuote } from "../../core/api/go_value.ts";
import { readJsonText } from "../../core/api/json_text.ts";
import type { KubeList, KubeObject } from "../../core/api/meta.ts";
import { isReason, StatusError } from "../../core/api/status.ts";
import { readStatusError } from "../../core/client/read_status_error.ts";
import { type ApiResponse, readBody } from "../../core/client/transport.ts";
import type { CommandEnv } from "../env.ts";
import { blameNamespace, type GetRequest, type GetRequests, pathOf } from "./requests.ts";

/** What makes the server answer with tables, where it can. */
export const tableAccept =
  "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";

const maxErrorBytes = 1024 * 1024;

/** How requests are made. */
export interface FetchOptions {
  readonly accept: string;
  /** Objects of a list to ask for at a time; 0: all. */
  readonly chunkSize: number;
  readonly query?: Record<string, string | number | boolean | undefined>;
  readonly ignoreNotFound: boolean;
}

type Answer = KubeObject | KubeList<KubeObject>;

/** The answers to one request: an object, or the pages of a list. None where a missing object does not count. */
export async function* fetchPages(
  request: GetRequest,
  options: FetchOptions,
  env: CommandEnv,
): AsyncGenerator<Answer, void, void> {
  let answer = await fetchPage(request, undefined, options, env);
  while (answer) {
    const next = (answer.metadata as { readonly continue?: string } | undefined)?.continue;
    // The server makes the next page while this one is looked at.
    const coming = request.name === undefined && next ? fetchPage(request, next, options, env) : undefined;
    coming?.catch(() => {});
    yield answer;
    answer = await coming;
  }
}

async function fetchPage(
  request: GetRequest,
  next: string | undefined,
  { accept, chunkSize, query = {}, ignoreNotFound }: FetchOptions,
  env: CommandEnv,
): Promise<Answer | undefined> {
  const paged = request.name === undefined;
  const page = paged ? { limit: chunkSize || undefined, continue: next } : {};
  try {
    return await fetchJson(pathOf(request, { ...query, ...page }), accept, request, env);
  } catch (error) {
    if (ignoreNotFound && isReason(error, "NotFound")) return undefined;
    throw paged ? ofList(error, request) : await blameNamespace(error, request, env);
  }
}

/** What was asked for is put before what the server says of a list. @see k8s.io/cli-runtime/pkg/resource EnhanceListError */
function ofList(error: unknown, { resource, labelSelector = "", fieldSelector = "" }: GetRequest): unknown {
  if (!isReason(error, "BadRequest") && !isReason(error, "NotFound")) return error;
  const subject = `${resource.group}/${resource.version}, Resource=${resource.plural}`;
  const { status, message } = error as StatusError;
  const tried =
    labelSelector || fieldSelector
      ? `Unable to find ${goQuote(subject)} that match label selector ${goQuote(labelSelector)}, field selector ${goQuote(fieldSelector)}`
      : `Unable to list ${goQuote(subject)}`;
  return StatusError.from({ ...status, message: `${tried}: ${message}` });
}

async function fetchJson(path: string, accept: string, request: GetRequest, env: CommandEnv): Promise<Answer> {
  const response = await open(path, accept, request, env);
  return readJsonText(new TextDecoder().decode(await readBody(response.body))) as unknown as KubeObject;
}

/** Opens a path of the API. @throws StatusError when the answer is not 200 */
export async function open(
  path: string,
  accept: string,
  { resource, name }: Pick<GetRequest, "resource" | "name">,
  env: CommandEnv,
): Promise<ApiResponse> {
  const client = await env.client();
  const response = await client.raw({ method: "GET", path, headers: { accept } }, { signal: env.signal });
  if (response.status === 200) return response;
  const qualified = resource.group ? `${resource.plural}.${resource.group}` : resource.plural;
  throw await readStatusError(response, maxErrorBytes, { method: "get", resource: qualified, name });
}

/** Reads all answers; what fails is told at the end, after what was found. */
export async function collect<T>(
  { requests, failed = [] }: Pick<GetRequests, "requests" | "failed">,
  read: (request: GetRequest) => Promise<T>,
  env: CommandEnv,
): Promise<{ readonly found: readonly T[]; readonly errors: readonly unknown[] }> {
  const found: T[] = [];
  const errors = [...failed];
  for (const request of requests) {
    try {
      found.push(await read(request));
    } catch (error) {
      if (env.signal.aborted) throw error;
      errors.push(error);
    }
  }
  return { found, errors };
}
