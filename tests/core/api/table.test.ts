import { describe, expect, it } from "vitest";
import type { Column } from "../../../core/api/kind.ts";
import type { KubeObject } from "../../../core/api/meta.ts";
import { ageText, durationText, tableOf } from "../../../core/api/table.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe("durationText()", () => {
  it.each([
    [-3 * second, "<invalid>"],
    [-2 * second, "<invalid>"],
    [-1.9 * second, "0s"],
    [-0.5 * second, "0s"],
    [0, "0s"],
    [1.9 * second, "1s"],
    [119 * second, "119s"],
    [2 * minute, "2m"],
    [2 * minute + 5 * second, "2m5s"],
    [10 * minute - 1, "9m59s"],
    [10 * minute, "10m"],
    [3 * hour - 1, "179m"],
    [3 * hour, "3h"],
    [7 * hour + 59 * minute, "7h59m"],
    [8 * hour, "8h"],
    [47 * hour + 59 * minute, "47h"],
    [2 * day, "2d"],
    [2 * day + 4 * hour, "2d4h"],
    [8 * day, "8d"],
    [729 * day, "729d"],
    [730 * day, "2y"],
    [750 * day, "2y20d"],
    [8 * 365 * day, "8y"],
    [20 * 365 * day + 100 * day, "20y"],
  ])("%d ms is %s", (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });
});

describe("ageText()", () => {
  it("measures from a timestamp, which may be missing", () => {
    const now = Date.parse("2026-01-01T00:01:00Z");
    expect(ageText("2026-01-01T00:00:00Z", now)).toBe("60s");
    expect(ageText("2026-01-01T00:00:00.000000Z", now)).toBe("60s");
    expect(ageText(undefined, now)).toBe("<unknown>");
    expect(ageText("nonsense", now)).toBe("<unknown>");
  });
});

describe("tableOf()", () => {
  const object: KubeObject = {
    apiVersion: "v1",
    kind: "Thing",
    metadata: { name: "a", creationTimestamp: "2026-01-01T00:00:00Z" },
  };
  const columns: readonly Column<KubeObject>[] = [
    {
      name: "Name",
      type: "string",
      format: "name",
      description: "What it is called.",
      cell: ({ metadata }) => metadata.name ?? "",
    },
    {
      name: "Age",
      type: "string",
      priority: 1,
      cell: ({ metadata }, { now }) => ageText(metadata.creationTimestamp, now),
    },
  ];
  const now = Date.parse("2026-01-01T00:00:05Z");

  it("fills every column and sends the metadata of each object", () => {
    expect(tableOf({ columns }, [object], { now, metadata: { resourceVersion: "7" } })).toEqual({
      kind: "Table",
      apiVersion: "meta.k8s.io/v1",
      metadata: { resourceVersion: "7" },
      columnDefinitions: [
        { name: "Name", type: "string", format: "name", description: "What it is called.", priority: 0 },
        { name: "Age", type: "string", format: "", description: "", priority: 1 },
      ],
      rows: [
        {
          cells: ["a", "5s"],
          object: { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata },
        },
      ],
    });
  });

  it("sends whole objects or none when asked, and no definitions in later events", () => {
    expect(tableOf({ columns }, [object], { now, includeObject: "Object" }).rows[0]?.object).toBe(object);
    expect(tableOf({ columns }, [object], { now, includeObject: "None" }).rows[0]?.object).toBeNull();
    expect(tableOf({ columns }, [object], { now, definitions: false })).not.toHaveProperty("columnDefinitions");
  });
});
