import { createHash } from "node:crypto";

/** A file of a repository. */
export interface HubFile {
  readonly content: Uint8Array;
  /** Kept in large-file storage, on another server, under its SHA-256. */
  readonly large?: boolean;
}

/** What the hub does to one model. */
export interface HubModel {
  readonly commit: string;
  readonly files: Readonly<Record<string, HubFile>>;
  /** Answers everything with this error. */
  readonly refuses?: { readonly status: number; readonly code?: string };
  /** Downloads need this token. */
  readonly token?: string;
  /** Sends these bytes instead of a file's own. */
  readonly damaged?: Uint8Array;
}

/** A server that speaks the routes of the hub that downloads use. */
export interface FakeHub extends AsyncDisposable {
  readonly endpoint: string;
  readonly models: Map<string, HubModel>;
  /** Method and path of each request. */
  readonly requests: string[];
}

/** Start the hub and its storage on free ports. */
export function startFakeHub(models: Readonly<Record<string, HubModel>>): FakeHub {
  const byName = new Map(Object.entries(models));
  const requests: string[] = [];
  const quiet = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const storage = Deno.serve(quiet, (request) => {
    const oid = new URL(request.url).pathname.slice(1);
    requests.push(`${request.method} storage`);
    if (request.headers.has("authorization")) return new Response("token leaked", { status: 400 });
    for (const { files, damaged } of byName.values()) {
      for (const { content } of Object.values(files)) {
        if (sha256(content) === oid) {
          return ranged(request, damaged ?? content, { etag: '"not-the-hash"' });
        }
      }
    }
    return new Response(null, { status: 404 });
  });
  const storageAddress = `http://127.0.0.1:${storage.addr.port}`;
  const hub = Deno.serve(quiet, (request) => {
    const { pathname } = new URL(request.url);
    requests.push(`${request.method} ${pathname}`);
    const info = /^\/api\/models\/([^/]+\/[^/]+)\/revision\/([^/]+)$/.exec(pathname);
    const resolve = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(pathname);
    const [, name = "", encoded = "", file] = info ?? resolve ?? [];
    const model = byName.get(name);
    if (model === undefined) return refuse(401, "RepoNotFound");
    if (model.refuses !== undefined) return refuse(model.refuses.status, model.refuses.code);
    const revision = decodeURIComponent(encoded);
    if (!["main", "refs/pr/1", model.commit].includes(revision)) {
      return refuse(404, "RevisionNotFound");
    }
    if (info !== null) {
      const siblings = Object.keys(model.files).map((rfilename) => ({ rfilename }));
      return Response.json({ _id: "1", id: name, sha: model.commit, siblings });
    }
    if (model.token !== undefined) {
      if (request.headers.get("authorization") !== `Bearer ${model.token}`) {
        return refuse(403, "GatedRepo");
      }
    }
    const found = model.files[decodeURIComponent(file ?? "")];
    if (found === undefined) return refuse(404, "EntryNotFound");
    if (found.large === true) {
      const oid = sha256(found.content);
      return new Response(null, {
        status: 302,
        headers: {
          location: `${storageAddress}/${oid}`,
          "x-repo-commit": model.commit,
          "x-linked-etag": `"${oid}"`,
          "x-linked-size": String(found.content.length),
        },
      });
    }
    return ranged(request, model.damaged ?? found.content, {
      etag: `"${gitHash(found.content)}"`,
      "x-repo-commit": model.commit,
    });
  });
  return {
    endpoint: `http://127.0.0.1:${hub.addr.port}`,
    models: byName,
    requests,
    async [Symbol.asyncDispose]() {
      await Promise.all([hub.shutdown(), storage.shutdown()]);
    },
  };
}

function refuse(status: number, code?: string): Response {
  return Response.json({ error: "refused" }, {
    status,
    headers: code === undefined ? {} : { "x-error-code": code },
  });
}

function ranged(request: Request, content: Uint8Array, headers: Record<string, string>): Response {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
  if (range === null) {
    const body = request.method === "HEAD" ? null : content.slice();
    return new Response(body, { headers: { ...headers, "content-length": `${content.length}` } });
  }
  const start = Number(range[1]);
  const end = range[2] === "" ? content.length - 1 : Math.min(Number(range[2]), content.length - 1);
  return new Response(content.slice(start, end + 1), {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${start}-${end}/${content.length}` },
  });
}

/** SHA-256 in hexadecimal digits. */
export function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** The hash that Git gives to a file. */
export function gitHash(content: Uint8Array): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}
