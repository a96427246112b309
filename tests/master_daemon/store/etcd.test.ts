import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAuthority, issueCertificate } from "../../../core/platform/certificates.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { temporaryFolder } from "../../../core/platform/files.ts";
import { DisposalStack } from "../../../core/util/disposal_stack.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { openStore } from "../../../master_daemon/store/mod.ts";
import { type Store, type StoreEvent, StoreUnavailable, ValueTooLarge } from "../../../master_daemon/store/store.ts";
import { missing } from "../../require.ts";
import { type EtcdProcess, etcd, freePort, startEtcd, startEtcdMembers } from "../../suites/etcd_process.ts";
import { storeFromZero } from "../../suites/store_from_zero.ts";
import { bytes, eventsOf, put, short, storeSuite, text } from "../../suites/store_suite.ts";

describe.skipIf(missing("etcd", etcd))("openStore() of an etcd", () => {
  let server: EtcdProcess;
  beforeAll(async () => {
    server = await startEtcd();
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });

  let prefixes = 0;
  const open = (prefix = `/test/${prefixes++}`, url = server.url): Promise<Store> =>
    openStore(`etcd:${url}`, { clock: systemClock, log: silentLogger, etcd: { prefix } });

  storeSuite("etcd", async () => storeFromZero(await open()));

  it("shows two openers the same store: what one commits the other reads and is told of", async () => {
    const prefix = `/test/${prefixes++}`;
    await using one = await open(prefix);
    await using other = await open(prefix);
    const { revision } = await one.get("");
    const results = await Promise.all(
      [one, other].flatMap((store, index) => [
        store.commit("/a", bytes(`${index}`), { expected: 0 }),
        store.commit("/b", bytes(`${index}`), { expected: 0 }),
      ]),
    );
    expect(results.filter(({ ok }) => ok)).toHaveLength(2);
    expect(await other.list("/")).toEqual(await one.list("/"));
    expect(await eventsOf(other, "/", revision)).toEqual(await eventsOf(one, "/", revision));
    expect((await eventsOf(one, "/", revision)).map(({ revision }) => revision)).toEqual([revision + 1, revision + 2]);
  });

  it("keeps apart what stands under other prefixes, also when one begins like the other", async () => {
    await using one = await open("/test/near");
    await using other = await open("/test/near2");
    const { revision } = await one.get("");
    await put(one, "/a", "1");
    await put(other, "/b", "1");
    await put(one, "/c", "1");
    expect((await one.list("")).items.map(({ key }) => key)).toEqual(["/a", "/c"]);
    expect((await other.list("/")).items.map(({ key }) => key)).toEqual(["/b"]);
    expect((await eventsOf(other, "/", revision)).map(short)).toEqual([`${revision + 2} /b=1 was -@0`]);
  });

  it("lists thousands of keys page by page as of one revision", async () => {
    await using store = await open();
    for (let index = 0; index < 1_100; index += 100) {
      await Promise.all(
        Array.from({ length: 100 }, (_, key) => store.commit(`/k/${index + key}`, bytes("x"), { expected: 0 })),
      );
    }
    const { items, more, revision } = await store.list("/k/");
    expect([items.length, more]).toEqual([1_100, false]);
    const half = await store.list("/k/", { limit: 700 });
    expect([half.items.length, half.more]).toEqual([700, true]);
    const rest = await store.list("/k/", { after: half.items[699]?.key ?? "", revision });
    expect([...half.items, ...rest.items]).toEqual(items);
  });

  it("refuses a value that is too large for etcd in etcd's words", async () => {
    await using store = await open();
    await expect(store.commit("/a", new Uint8Array(2 ** 21), { expected: 0 })).rejects.toThrow(
      new ValueTooLarge("etcdserver: request is too large"),
    );
  });

  it("watches go on over a restart of etcd: nothing missing, nothing twice", async () => {
    await using own = await startEtcd();
    await using store = await open("/test", own.url);
    const { revision } = await store.get("");
    const stop = new AbortController();
    const seen: StoreEvent[] = [];
    const watching = (async () => {
      for await (const batch of store.watch("/", { after: revision, signal: stop.signal })) {
        seen.push(...batch);
        if (seen.length >= 20) stop.abort();
      }
    })();
    for (let index = 0; index < 10; index++) await put(store, `/k${index % 3}`, String(index));
    await own.restart();
    for (let index = 10; index < 20; index++) await put(store, `/k${index % 3}`, String(index));
    await watching;
    expect(seen.map((event) => event.type === "put" && text(event.kv))).toEqual(
      Array.from({ length: 20 }, (_, index) => String(index)),
    );
  });

  it.each(["leads", "follows"])(
    "goes on when one of three members, that it asks and that %s, is killed",
    async (role) => {
      await using parts = new DisposalStack();
      const members = await startEtcdMembers(3);
      for (const member of members) parts.use(member);
      let leading: readonly boolean[] = [];
      while (!leading.includes(true)) leading = await Promise.all(members.map(isLeader));
      const victim = members[leading.indexOf(role === "leads")];
      const urls = [victim, ...members.filter((member) => member !== victim)].map((member) => member?.url);
      await using store = await open("/test", urls.join(","));
      const { revision } = await store.get("");
      const stop = new AbortController();
      const seen: string[] = [];
      const watching = (async () => {
        for await (const batch of store.watch("/", { after: revision, signal: stop.signal })) {
          for (const event of batch) if (event.type === "put") seen.push(event.kv.key);
          if (seen.includes("/last")) stop.abort();
        }
      })();
      const done: string[] = [];
      const write = async (key: string) => {
        for (;;) {
          try {
            const { ok } = await store.commit(key, bytes("x"), { expected: 0 });
            // What was sent as the member died may have been carried out, though nobody said so.
            if (ok || done.at(-1) !== key) done.push(key);
            return;
          } catch (error) {
            if (!(error instanceof StoreUnavailable)) throw error;
          }
        }
      };
      for (let index = 0; index < 10; index++) await write(`/before-${index}`);
      await victim?.kill();
      for (let index = 0; index < 20; index++) await write(`/after-${index}`);
      await write("/last");
      await watching;
      expect((await store.list("/")).items.map(({ key }) => key)).toEqual([...done].sort());
      expect(seen).toEqual(done);
    },
  );

  it("says within its deadline that etcd does not answer, frozen or gone, and goes on when it does", async () => {
    await using own = await startEtcd();
    await using store = await open("/test", own.url);
    const revision = await put(store, "/a", "1");
    await own.freeze();
    const begin = performance.now();
    const outcomes = await Promise.allSettled([
      store.get("/a"),
      store.list("/"),
      store.commit("/a", bytes("2"), { expected: revision }),
    ]);
    expect(performance.now() - begin).toBeLessThan(8_000);
    for (const outcome of outcomes) {
      expect(outcome.status === "rejected" && outcome.reason).toBeInstanceOf(StoreUnavailable);
    }
    own.signal("SIGCONT");
    // What was sent while it was frozen may have been carried out: nobody was told.
    expect(["1", "2"]).toContain(text((await store.get("/a")).kv));
    await put(store, "/a", "3");
    await own.restart();
    expect(text((await store.get("/a")).kv)).toBe("3");
  });

  it("asks another member when one is not there", async () => {
    const gone = `http://127.0.0.1:${await freePort()}`;
    await using store = await open("/test/members", `${gone},${server.url}`);
    await put(store, "/a", "1");
    expect(text((await store.get("/a")).kv)).toBe("1");
  });

  it("speaks TLS, and shows etcd a certificate", async () => {
    await using folder = await temporaryFolder("wherry-etcd-tls-");
    const write = async (name: string, pem: string) => {
      await writeFile(join(folder.path, name), pem, { mode: 0o600 });
      return join(folder.path, name);
    };
    const authority = await createAuthority({ commonName: "clients", clock: systemClock });
    const subject = { commonName: "wherry", usage: "client", clock: systemClock } as const;
    const issued = await issueCertificate(authority, subject);
    const client = { certFile: await write("c.crt", issued.certificate), keyFile: await write("c.key", issued.key) };
    // etcd's gateway is a client of etcd, with etcd's own certificate: that has to serve both purposes.
    const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    const own = await X509CertificateGenerator.createSelfSigned({
      name: "CN=etcd",
      keys,
      signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
      extensions: [new SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }])],
    });
    const key = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
    const caFile = await write("s.crt", `${own.toString("pem")}\n`);
    const keyFile = await write("s.key", `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`);
    const trusted = await write("trusted.crt", `${authority.certificate}\n${own.toString("pem")}\n`);
    await using guarded = await startEtcd({ tls: { caFile: trusted, certFile: caFile, keyFile } });
    const log = silentLogger;
    await using store = await openStore(`etcd:${guarded.url}`, {
      clock: systemClock,
      log,
      etcd: { caFile, ...client },
    });
    const revision = await put(store, "/a", "1");
    expect(text((await store.get("/a")).kv)).toBe("1");
    expect((await eventsOf(store, "/", revision - 1)).map(short)).toEqual([`${revision} /a=1 was -@0`]);
    const missingFile = { caFile: join(folder.path, "none") };
    await expect(openStore(`etcd:${guarded.url}`, { clock: systemClock, log, etcd: missingFile })).rejects.toThrow(
      "none is not there",
    );
  });

  it.each([
    ["http://a:1,https://b:1", "not the URL of an etcd"],
    ["http://a:1/path", "not the URL of an etcd"],
    ["ftp://a:1", "not the URL of an etcd"],
    ["http://u:p@a:1", "not the URL of an etcd"],
  ])("refuses %s", async (url, message) => {
    await expect(open("/test", url)).rejects.toThrow(message);
    await expect(open("/test", url)).rejects.toThrow(RangeError);
  });
});

/** Whether a member leads the others. */
async function isLeader({ url }: EtcdProcess): Promise<boolean> {
  const response = await fetch(`${url}/v3/maintenance/status`, { method: "POST", body: "{}" });
  const { header, leader } = (await response.json()) as { header: { member_id: string }; leader: string };
  return header.member_id === leader;
}

describe("openStore() of an etcd that does not answer", () => {
  const reason = new Error("told to end");

  it("ends with its signal when connections are refused", async () => {
    const ending = new AbortController();
    const log = { ...silentLogger, warn: () => ending.abort(reason) };
    const url = `etcd:http://127.0.0.1:${await freePort()}`;
    await expect(openStore(url, { clock: systemClock, log, signal: ending.signal })).rejects.toBe(reason);
  });

  it("ends with its signal when nothing is said", async () => {
    const ending = new AbortController();
    const silent = createServer(() => ending.abort(reason)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const url = `etcd:http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const options = { clock: systemClock, log: silentLogger, signal: ending.signal };
    await expect(openStore(url, options)).rejects.toBe(reason);
    silent.close();
  });
});
