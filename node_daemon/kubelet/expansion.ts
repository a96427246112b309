/**
 * Replaces `$(NAME)` by the value of a variable. `$$` stands for `$`, so `$$(NAME)` is the text `$(NAME)`; a reference to
 * an unknown variable stays as it is.
 *
 * @param lookup value of a variable; undefined when there is none
 * @see https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  let result = "";
  let from = 0;
  for (let at = text.indexOf("$"); at >= 0 && at + 1 < text.length; at = text.indexOf("$", from)) {
    result += text.slice(from, at);
    const next = text[at + 1];
    if (next === "$") {
      result += "$";
      from = at + 2;
    } else if (next === "(") {
      const end = text.indexOf(")", at + 2);
      // Never closed: nothing further can be a reference that ends.
      if (end < 0) return result + text.slice(at);
      const name = text.slice(at + 2, end);
      result += lookup(name) ?? `$(${name})`;
      from = end + 1;
    } else {
      result += `$${next}`;
      from = at + 2;
    }
  }
  return result + text.slice(from);
}
