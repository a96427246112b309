import { describe, expect, it } from "vitest";
import { goJson } from "../../../../core/api/go_json.ts";
import { structOrder } from "../../../../core/api/protobuf/struct_order.ts";

const write = (object: { readonly apiVersion: string; readonly kind: string }) =>
  goJson(object, 0, structOrder(object));

describe("structOrder()", () => {
  it("writes fields as Go declares them, embedded ones in their place, keys of maps sorted, and the unknown last", () => {
    const pod = {
      apiVersion: "v1",
      spec: {
        containers: [{ env: [], image: "x", name: "main", odd: 1, envFrom: [], constructor: 2 }],
        volumes: [{ emptyDir: {}, name: "v" }],
        nodeSelector: { b: "", a: "", 10: "", 9: "" },
      },
      metadata: { labels: { z: "", a: "" }, name: "web", missing: undefined },
      kind: "Pod",
    };
    expect(write(pod)).toBe(
      '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web","labels":{"a":"","z":""}},"spec":{"volumes":[{"name":"v","emptyDir":{}}],' +
        '"containers":[{"name":"main","image":"x","envFrom":[],"env":[],"constructor":2,"odd":1}],' +
        '"nodeSelector":{"10":"","9":"","a":"","b":""}}}',
    );
  });

  it("writes a list's items as objects of their kind, and an object of no known kind sorted", () => {
    expect(
      write({ items: [{ type: "Normal", kind: "Event", reason: "r" }], apiVersion: "v1", kind: "EventList" } as never),
    ).toBe('{"kind":"EventList","apiVersion":"v1","items":[{"kind":"Event","reason":"r","type":"Normal"}]}');
    expect(write({ b: { d: 1, c: 2 }, a: 1, apiVersion: "x/v1", kind: "List" } as never)).toBe(
      '{"kind":"List","apiVersion":"x/v1","a":1,"b":{"c":2,"d":1}}',
    );
  });
});
