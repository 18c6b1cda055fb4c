/** Rasters behind a web server: ranges, faults that pass and faults that stay. */
import assert from "node:assert/strict";
import { type NdArray, openRaster, type OpenRasterOptions } from "swath";
import { makeTiff } from "./make_tiff.ts";
import { readWhole, withRaster } from "./support.ts";

/** How a server behaves; called for each request. */
type Behaviour = (request: Request, number: number) => Response | Promise<Response> | null;

/** Serve one file under any name but those of sidecars, and count the requests for it. */
async function withServer<T>(
  file: Uint8Array<ArrayBuffer>,
  behave: Behaviour,
  work: (url: string, requests: Request[]) => Promise<T>,
): Promise<T> {
  const requests: Request[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    if (/\.(msk|ovr|aux\.xml)$/.test(new URL(request.url).pathname)) {
      return new Response(null, { status: 404 });
    }
    requests.push(request);
    return behave(request, requests.length) ?? ranged(request, file);
  });
  try {
    return await work(`http://127.0.0.1:${server.addr.port}/scene.tif`, requests);
  } finally {
    await server.shutdown();
  }
}

function ranged(request: Request, file: Uint8Array<ArrayBuffer>): Response {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "") ?? [];
  const start = Number(first);
  const end = Math.min(Number(last) + 1, file.length);
  if (start >= file.length) return new Response(null, { status: 416 });
  return new Response(file.slice(start, end), {
    status: 206,
    headers: { "content-range": `bytes ${start}-${end - 1}/${file.length}` },
  });
}

const normally: Behaviour = () => null;

/** Tiles large enough that they do not all come with the first request. */
const [WIDTH, HEIGHT] = [512, 512];
const FILE = makeTiff({
  width: WIDTH,
  height: HEIGHT,
  bands: 1,
  bits: 16,
  samples: Array.from({ length: WIDTH * HEIGHT }, (_, index) => (index * index) % 65521),
  codec: "none",
  tile: [128, 128],
});

async function readUrl(url: string, options?: OpenRasterOptions) {
  const raster = await openRaster(url, options);
  try {
    const { image } = await readWhole(raster);
    return { image, traffic: raster.traffic };
  } finally {
    raster.close();
  }
}

const fromDisk: NdArray = await withRaster(FILE, async (raster) => (await readWhole(raster)).image);

Deno.test("a served raster is the same as on disk, with few requests", () =>
  withServer(FILE, normally, async (url, requests) => {
    const { image, traffic } = await readUrl(url);
    assert.deepEqual(image, fromDisk);
    assert.ok(requests.length <= 3, `${requests.length} requests`);
    // Three more ask for the sidecars.
    assert.equal(traffic.requests, requests.length);
    assert.ok(traffic.bytes < FILE.length + (128 << 10), `${traffic.bytes} bytes`);
  }));

Deno.test("a window takes its own blocks and no others", () =>
  withServer(FILE, normally, async (url) => {
    const raster = await openRaster(url);
    const before = raster.traffic.bytes;
    await raster.read({ x: 200, y: 400, width: 10, height: 10 });
    const tile = 128 * 128 * 2;
    assert.ok(raster.traffic.bytes - before <= tile, `${raster.traffic.bytes - before} bytes`);
    await raster.read({ x: 210, y: 410, width: 10, height: 10 });
    assert.ok(raster.traffic.bytes - before <= tile, "the tile was kept");
    raster.close();
  }));

Deno.test("headers go with every request", () =>
  withServer(
    FILE,
    (request) =>
      request.headers.get("authorization") === "Bearer secret"
        ? null
        : new Response(null, { status: 401 }),
    async (url, requests) => {
      const { image } = await readUrl(url, { headers: { Authorization: "Bearer secret" } });
      assert.deepEqual(image, fromDisk);
      assert.ok(requests.length > 0);
      await assert.rejects(readUrl(url), {
        name: "InputError",
        message: `Cannot read "${url}": the server answered 401 Unauthorized`,
        hint: "It may need a header such as Authorization",
      });
    },
  ));

Deno.test("requests that fail for a passing reason are repeated", () =>
  withServer(FILE, (_, number) => {
    // Each first attempt fails in another way.
    if (number === 1) return new Response(null, { status: 503 });
    if (number === 3) return new Response(null, { status: 429 });
    return null;
  }, async (url, requests) => {
    const { image } = await readUrl(url);
    assert.deepEqual(image, fromDisk);
    assert.ok(requests.length >= 4);
  }));

Deno.test("an answer that breaks off is repeated", () =>
  withServer(FILE, (request, number) => {
    if (number !== 2) return null;
    const whole = ranged(request, FILE);
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(100));
        controller.close();
      },
    });
    return new Response(body, { status: 206, headers: whole.headers });
  }, async (url) => assert.deepEqual((await readUrl(url)).image, fromDisk)));

Deno.test("slow answers are waited for", () =>
  withServer(FILE, async (request) => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return ranged(request, FILE);
  }, async (url) => assert.deepEqual((await readUrl(url)).image, fromDisk)));

for (
  const [status, text] of [[404, "404 Not Found"], [403, "403 Forbidden"], [
    410,
    "410 Gone",
  ]] as const
) {
  Deno.test(`an answer of ${status} is final`, () =>
    withServer(FILE, () => new Response("<html>", { status }), async (url, requests) => {
      await assert.rejects(openRaster(url), {
        name: "InputError",
        message: `Cannot read "${url}": the server answered ${text}`,
      });
      assert.equal(requests.length, 1);
    }));
}

Deno.test("a server that keeps failing is given up", () =>
  withServer(FILE, () => new Response(null, { status: 500 }), async (url, requests) => {
    await assert.rejects(
      openRaster(url),
      /the server answered 500 Internal Server Error \(4 attempts\)$/,
    );
    assert.equal(requests.length, 4);
  }));

Deno.test("without range requests a small file is fetched whole, once", () =>
  withServer(FILE, () => new Response(FILE), async (url, requests) => {
    const { image, traffic } = await readUrl(url);
    assert.deepEqual(image, fromDisk);
    assert.equal(requests.length, 1);
    assert.equal(traffic.bytes, FILE.length);
  }));

Deno.test("without range requests a large file is refused, whether its size is said or not", () => {
  const file = new Uint8Array(3 << 20);
  file.set(FILE.subarray(0, 1000));
  const unsized = () =>
    new Response(
      new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(new Uint8Array(1 << 16));
        },
      }),
    );
  const sized = () => new Response(file);
  return withServer(FILE, (_, number) => number === 1 ? sized() : unsized(), async (url) => {
    const options = { maxMemory: 2 << 20 };
    await assert.rejects(
      openRaster(url, options),
      /the server has no range requests, and the file of 3\.0 MiB is too large to fetch whole$/,
    );
    await assert.rejects(openRaster(url, options), /sends more than was asked for$/);
  });
});

Deno.test("a wrong range, a page of HTML and an empty file are refused", async () => {
  await withServer(FILE, () =>
    new Response(FILE.slice(0, 100), {
      status: 206,
      headers: { "content-range": `bytes 5-104/${FILE.length}` },
    }), async (url) => {
    await assert.rejects(openRaster(url), /with the range "bytes 5-104\/\d+"$/);
  });
  await withServer(FILE, () => new Response("<!doctype html><p>Log in"), async (url) => {
    await assert.rejects(openRaster(url), /it is an HTML page, not a raster/);
  });
  await withServer(new Uint8Array(), normally, async (url) => {
    await assert.rejects(openRaster(url), /it is empty, not a raster/);
  });
});

Deno.test("a file that changes on the server is noticed", () =>
  withServer(FILE, (_, number) =>
    number === 1 ? null : new Response(new Uint8Array(10), {
      status: 206,
      headers: { "content-range": `bytes 0-9/10` },
    }), async (url) => {
    await assert.rejects(readUrl(url), /the server answered bytes|changed while it was read/);
  }));

Deno.test("a server that cannot be reached is said so", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  await assert.rejects(openRaster(`http://127.0.0.1:${port}/a.tif`), /\(4 attempts\)$/);
});

Deno.test("sidecars are asked for beside a plain URL, and not beside one with a query", () => {
  const asked: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    if (pathname === "/scene.tif.aux.xml") {
      const xml =
        '<PAMDataset><PAMRasterBand band="1"><Description>height</Description></PAMRasterBand></PAMDataset>';
      return ranged(request, new TextEncoder().encode(xml));
    }
    return pathname === "/scene.tif" ? ranged(request, FILE) : new Response(null, { status: 404 });
  });
  const url = `http://127.0.0.1:${server.addr.port}/scene.tif`;
  return (async () => {
    const raster = await openRaster(url);
    assert.equal(raster.info.bands[0]?.name, "height");
    raster.close();
    assert.ok(asked.includes("/scene.tif.msk"));
    asked.length = 0;
    const signed = await openRaster(`${url}?signature=1`);
    assert.equal(signed.info.bands[0]?.name, "1");
    signed.close();
    assert.ok(asked.every((path) => path === "/scene.tif"));
    await server.shutdown();
  })();
});

Deno.test("a reader that goes row by row finds the next windows fetched, and nothing twice", () =>
  withServer(FILE, normally, async (url, requests) => {
    const raster = await openRaster(url);
    for (let y = 0; y < HEIGHT; y += 128) {
      for (let x = 0; x < WIDTH; x += 128) {
        const { image } = await raster.read({ x, y, width: 128, height: 128 });
        assert.equal(image.data[0], fromDisk.data[y * WIDTH + x]);
      }
    }
    assert.ok(raster.traffic.bytes < FILE.length + (128 << 10), `${raster.traffic.bytes} bytes`);
    assert.ok(requests.length <= 20, `${requests.length} requests`);
    raster.close();
  }));
