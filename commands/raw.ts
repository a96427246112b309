import { readStatusError } from "../core/client/read_status_error.ts";
import type { ApiRequest } from "../core/client/transport.ts";
import { readBody } from "../core/client/transport.ts";
import { readBytes } from "../core/platform/files.ts";
import type { CommandEnv } from "./env.ts";
import { UsageError } from "./verb.ts";

const maxInputBytes = 64 * 1024 * 1024;
const maxErrorBytes = 4 * 1024 * 1024;

/** Complains of flags that do not go with `--raw`. @throws UsageError */
export function checkRaw(
  path: string,
  {
    filename,
    recursive,
    output,
  }: { readonly filename: readonly string[]; readonly recursive: boolean; readonly output: string | undefined },
  { edit = false, selector }: { readonly edit?: boolean; readonly selector?: string | undefined } = {},
): void {
  if (edit) throw new UsageError("--raw and --edit are mutually exclusive");
  if (filename.length > 1) throw new UsageError("--raw can only use a single local file or stdin");
  if (filename[0]?.startsWith("http://") || filename[0]?.startsWith("https://"))
    throw new UsageError("--raw cannot read from a url");
  if (recursive) throw new UsageError("--raw and --recursive are mutually exclusive");
  if (selector) throw new UsageError("--raw and --selector (-l) are mutually exclusive");
  if (output) throw new UsageError("--raw and --output are mutually exclusive");
  if (!path.startsWith("/"))
    throw new UsageError(`--raw must be a valid URL path: parse "${path}": invalid URI for request`);
}

/** Sends a file, or standard input, as it is to a path of the API, and prints the answer. @throws StatusError */
export async function sendRaw(
  method: ApiRequest["method"],
  path: string,
  file: string | undefined,
  env: CommandEnv,
): Promise<number> {
  const body =
    file === undefined
      ? undefined
      : file === "-"
        ? await readBody(env.terminal.input, maxInputBytes)
        : await readBytes(file).catch(() => {
            throw new UsageError(`open ${file}: no such file or directory`);
          });
  const client = await env.client();
  const headers = { accept: "application/json", ...(body ? { "content-type": "application/json" } : {}) };
  const response = await client.raw({ method, path, headers, body }, { signal: env.signal });
  if (response.status < 200 || response.status >= 300) throw await readStatusError(response, maxErrorBytes);
  await env.terminal.write(await readBody(response.body));
  return 0;
}
