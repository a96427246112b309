import { describe, expect, it } from "vitest";
import { proxyOf, proxyUrl } from "../../../core/client/proxy_settings.ts";

const of = (url: string, variables: Record<string, string>) => proxyOf(new URL(url), (name) => variables[name])?.href;

describe("proxyOf()", () => {
  it("takes the variable of the scheme, upper case first", () => {
    expect(of("https://a.example", { HTTPS_PROXY: "http://p:1", https_proxy: "http://q:1" })).toBe("http://p:1/");
    expect(of("https://a.example", { https_proxy: "q:1" })).toBe("http://q:1/");
    expect(of("http://a.example", { HTTPS_PROXY: "http://p:1" })).toBeUndefined();
    expect(of("http://a.example", { HTTP_PROXY: "socks5://p:1" })).toBe("socks5://p:1");
  });

  it.each([
    ["https://localhost:6443", ""],
    ["https://127.0.0.3:6443", ""],
    ["https://[::1]:6443", ""],
    ["https://a.example", "*"],
    ["https://a.example", "b.example, a.example"],
    ["https://sub.a.example", "a.example"],
    ["https://sub.a.example", ".a.example"],
    ["https://sub.a.example", "*.a.example"],
    ["https://a.example:6443", "a.example:6443"],
    ["https://10.1.2.3", "10.0.0.0/8"],
    ["https://10.1.2.3", "10.1.2.3"],
  ])("goes to %s without one where NO_PROXY is %j", (url, list) => {
    expect(of(url, { HTTPS_PROXY: "http://p:1", NO_PROXY: list })).toBeUndefined();
  });

  it.each([
    ["https://a.example", ".a.example"],
    ["https://xa.example", "a.example"],
    ["https://a.example:6443", "a.example:443"],
    ["https://11.1.2.3", "10.0.0.0/8"],
  ])("goes to %s through one where NO_PROXY is %j", (url, list) => {
    expect(of(url, { HTTPS_PROXY: "http://p:1", NO_PROXY: list })).toBe("http://p:1/");
  });

  it("refuses what is no proxy, without showing its password", () => {
    expect(() => proxyUrl("ftp://a")).toThrow('unsupported scheme "ftp", must be http, https, or socks5');
    expect(() => proxyUrl("http://me:secret@")).toThrow('invalid proxy URL "http://"');
  });
});
