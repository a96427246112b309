import { describe, expect, it } from "vitest";
import { checkFieldSelector, parseFieldSelector } from "../../../core/api/fields.ts";

describe("parseFieldSelector()", () => {
  const fields = { "status.phase": "Running", "spec.nodeName": "n1", "metadata.name": "a,b=c\\" };
  it.each([
    ["", true],
    [",,", true],
    ["status.phase=Running", true],
    ["status.phase==Running,spec.nodeName=n1", true],
    ["status.phase!=Running", false],
    ["status.phase=Running,spec.nodeName!=n1", false],
    ["spec.other=", true],
    ["spec.other!=x", true],
    ["toString=", true],
    ["metadata.name=a\\,b\\=c\\\\", true],
  ])("%j selects %s", (text, selected) => {
    expect(parseFieldSelector(text).matches(fields)).toBe(selected);
  });

  it("tells the value that a field must have", () => {
    const selector = parseFieldSelector("metadata.name=web,metadata.namespace!=default");
    expect(selector.exact("metadata.name")).toBe("web");
    expect(selector.exact("metadata.namespace")).toBeUndefined();
    expect(selector.empty).toBe(false);
    expect(parseFieldSelector("").empty).toBe(true);
  });

  it("prints a text that reads back", () => {
    const text = "metadata.name=a\\,b\\=c\\\\,spec.x!=y";
    expect(parseFieldSelector(text).toString()).toBe(text);
  });

  it.each([
    ["abc", "invalid selector: 'abc'; can't understand 'abc'"],
    ["a=b=c", "invalid field selector: unescaped character in value: ="],
    ["a=\\n", "invalid field selector: invalid escape sequence: \\n"],
    ["a=b\\", "invalid field selector: invalid escape sequence: \\"],
  ])("refuses %j", (text, message) => {
    expect(() => parseFieldSelector(text)).toThrow(expect.objectContaining({ message, code: 400 }));
  });
});

describe("checkFieldSelector()", () => {
  it("takes the metadata fields and those of the kind, nothing else", () => {
    const selector = (text: string) => parseFieldSelector(text);
    expect(() => checkFieldSelector(selector("metadata.name=a,metadata.namespace=b"), [])).not.toThrow();
    expect(() => checkFieldSelector(selector("status.phase=a"), ["status.phase"])).not.toThrow();
    for (const field of ["spec.foo", "constructor", "__proto__"])
      expect(() => checkFieldSelector(selector(`${field}=a`), ["status.phase"])).toThrow(
        expect.objectContaining({ message: `field label not supported: ${field}`, code: 400 }),
      );
    const message = '"spec.foo" is not a known field selector: only "metadata.name", "metadata.namespace"';
    expect(() => checkFieldSelector(selector("spec.foo=a"), [])).toThrow(expect.objectContaining({ message }));
    expect(() => checkFieldSelector(selector("spec.foo=a"), [], true)).toThrow("field label not supported: spec.foo");
  });
});
