import type { Container, ContainerRuntime } from "../runtime/runtime.ts";
import { readNotes } from "./container_notes.ts";
import { exitCodeOf } from "./pod_view.ts";
import { readTail } from "./volumes/files.ts";

const maxMessageBytes = 4096;
const maxLogBytes = 2048;
const maxLogLines = 80;

/**
 * The last words of a container that ended: what it wrote to its terminationMessagePath, or the end of its log where the
 * policy says so and it failed.
 *
 * @see https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
 */
export async function terminationMessage(
  container: Container,
  { runtime, signal }: { readonly runtime: ContainerRuntime; readonly signal: AbortSignal },
): Promise<string> {
  const { messageFile, messagePolicy } = readNotes(container);
  const written = messageFile === undefined ? "" : ((await readTail(messageFile, maxMessageBytes)) ?? "");
  if (written !== "" || messagePolicy !== "FallbackToLogsOnError" || exitCodeOf(container) === 0) return written;
  let text = "";
  const decoder = new TextDecoder();
  const options = {
    follow: false,
    timestamps: false,
    tailLines: maxLogLines,
    sinceMs: undefined,
    limitBytes: undefined,
  };
  for await (const chunk of runtime.logs(container.id, { ...options, signal })) {
    text = (text + decoder.decode(chunk, { stream: true })).slice(-maxLogBytes);
  }
  return text;
}
