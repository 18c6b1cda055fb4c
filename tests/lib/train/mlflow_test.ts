import assert from "node:assert/strict";
import { startMlflowRun } from "swath";

const OPTIONS = {
  experiment: "e",
  runName: "r",
  warn: (message: string) => assert.fail(message),
};

async function withServer(
  handler: (request: Request) => Response | Promise<Response>,
  body: (uri: string) => Promise<void>,
): Promise<void> {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handler);
  await body(`127.0.0.1:${server.addr.port}`);
}

Deno.test("mlflow: addresses that are none", async () => {
  for (const uri of ["runs", "file:///runs", "127.0.0.1:5000", "databricks", ""]) {
    await assert.rejects(startMlflowRun(uri, OPTIONS), {
      name: "InputError",
      message: `Cannot log to MLflow at ${JSON.stringify(uri)}: expected the address of a server`,
    });
  }
});

Deno.test("mlflow: nobody listens", async () => {
  const port = (() => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    return listener.addr.port;
  })();
  await assert.rejects(startMlflowRun(`http://127.0.0.1:${port}/`, OPTIONS), {
    name: "InputError",
    message: `Cannot log to MLflow at "http://127.0.0.1:${port}": connection refused`,
  });
});

Deno.test("mlflow: another web server", async () => {
  await withServer(() => new Response("<html>", { status: 404 }), async (host) => {
    await assert.rejects(startMlflowRun(`http://${host}`, OPTIONS), {
      name: "InputError",
      message:
        `Cannot log to MLflow at "http://${host}": it answers with HTTP status 404 Not Found`,
    });
  });
  await withServer(() => Response.json({ hello: 1 }), async (host) => {
    await assert.rejects(startMlflowRun(`http://${host}`, OPTIONS), {
      message:
        `Cannot log to MLflow at "http://${host}": its answers are not those of an MLflow server`,
    });
  });
});

Deno.test("mlflow: credentials are sent, and never shown", async () => {
  const seen: (string | null)[] = [];
  await withServer((request) => {
    seen.push(request.headers.get("authorization"));
    return new Response("no", { status: 401 });
  }, async (host) => {
    await assert.rejects(startMlflowRun(`http://me:p%40ss@${host}/sub/`, OPTIONS), (error) => {
      assert.ok(error instanceof Error && !error.message.includes("p%40ss"));
      assert.ok(error.message.includes(`"http://${host}/sub": it answers with HTTP status 401`));
      assert.ok("hint" in error && typeof error.hint === "string");
      return true;
    });
  });
  assert.deepEqual(seen, [`Basic ${btoa("me:p@ss")}`]);
});

Deno.test("mlflow: what the server refuses is told once and dropped", async () => {
  const warnings: string[] = [];
  const batches: number[] = [];
  await withServer(async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith("get-by-name")) {
      return Response.json({ experiment: { experiment_id: "1" } });
    }
    const body = await request.json();
    if (pathname.endsWith("runs/create")) {
      const info = { run_id: "a", experiment_id: "1", artifact_uri: "s3://bucket/a" };
      return Response.json({ run: { info } });
    }
    if (pathname.endsWith("runs/update")) return Response.json({});
    batches.push(body.metrics.length);
    const refusal = { error_code: "INVALID_PARAMETER_VALUE", message: "no such thing\nat all" };
    return Response.json(refusal, { status: 400 });
  }, async (host) => {
    const run = await startMlflowRun(`http://${host}`, {
      ...OPTIONS,
      warn: (message) => void warnings.push(message),
    });
    assert.equal(run.url, `http://${host}/#/experiments/1/runs/a`);
    run.logMetrics(0, { loss: 1 });
    run.logMetrics(1, { loss: 1 });
    await run.uploadFile("deno.json", "deno.json");
    await run.finish("FINISHED");
    assert.deepEqual(batches, [2]);
    assert.deepEqual(warnings.sort(), [
      `MLflow at http://${host}: "deno.json" is not uploaded, as the server does not take files (--serve-artifacts)`,
      `MLflow at http://${host}: it refuses some metrics or parameters: no such thing (INVALID_PARAMETER_VALUE)`,
    ]);
  });
});
