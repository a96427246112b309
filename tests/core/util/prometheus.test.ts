import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { renderMetrics } from "../../../core/util/prometheus.ts";
import { parsePrometheus, samplesOf } from "../../prometheus_text.ts";

describe("renderMetrics()", () => {
  it("writes families with help, type, labels and times, and leaves out those without figures", () => {
    const text = renderMetrics([
      { name: "a_total", type: "counter", help: "How many\\.\nReally.", samples: [{ value: 3 }] },
      { name: "b", type: "gauge", help: "None.", samples: [] },
      {
        name: "c",
        type: "gauge",
        help: "Infinite.",
        samples: [
          { labels: { x: "1" }, value: Number.POSITIVE_INFINITY, at: 1500.4 },
          { labels: { x: "2" }, value: Number.NaN },
          { labels: { x: "3" }, value: 1e21 },
        ],
      },
    ]);
    expect(text).toBe(
      "# HELP a_total How many\\\\.\\nReally.\n# TYPE a_total counter\na_total 3\n" +
        '# HELP c Infinite.\n# TYPE c gauge\nc{x="1"} +Inf 1500\nc{x="2"} NaN\nc{x="3"} 1e+21\n',
    );
    expect([...parsePrometheus(text).keys()]).toEqual(["a_total", "c"]);
  });

  it("writes any label value so that it is read as it was", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(
          fc.string({ unit: fc.oneof(fc.constantFrom('"', "\\", "\n", "{", "}", ",", "=", " "), fc.string()) }),
          { minLength: 1 },
        ),
        (values) => {
          const samples = values.map((value, index) => ({ labels: { other: "1", value }, value: index }));
          const text = renderMetrics([{ name: "m", type: "gauge", help: "", samples }]);
          const read = samplesOf(parsePrometheus(text), "m").map(({ labels }) => labels["value"]);
          expect(read).toEqual(values);
        },
      ),
    );
  });
});
