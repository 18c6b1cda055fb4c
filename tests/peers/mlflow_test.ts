/** Logging to a real `mlflow server`, read back by MLflow's own client. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { parseTrainConfig, startMlflowRun } from "swath";
import { INTERPRETER, peerTest, runPythonJson } from "./python.ts";

interface Run {
  readonly experiment: string;
  readonly name: string;
  readonly status: string;
  readonly ended: boolean;
  readonly parameters: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, [step: number, value: string][]>>;
  readonly artifacts: Readonly<Record<string, string>>;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Run a server, which may be stopped and started again in between. */
async function withServer(
  body: (
    uri: string,
    folder: string,
    server: { stop(): Promise<void>; start(): Promise<void> },
  ) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const port = freePort();
  const uri = `http://127.0.0.1:${port}`;
  const script = fileURLToPath(new URL("mlflow_server.py", import.meta.url));
  let child: Deno.ChildProcess | null = null;
  const server = {
    async start() {
      child = new Deno.Command(INTERPRETER, {
        args: [script, "serve", String(port), folder],
        stdout: "null",
        stderr: "null",
      }).spawn();
      for (let attempt = 0; attempt < 600; attempt++) {
        const response = await fetch(`${uri}/health`).catch(() => null);
        await response?.body?.cancel();
        if (response?.ok) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new Error("mlflow server did not start within a minute");
    },
    async stop() {
      child?.kill("SIGTERM");
      await child?.status;
      child = null;
      // Its workers hold the port a little longer than the server itself lives.
      for (let attempt = 0; attempt < 100; attempt++) {
        const response = await fetch(`${uri}/health`).catch(() => null);
        await response?.body?.cancel();
        if (response === null) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
  };
  try {
    await server.start();
    await body(uri, folder, server);
  } finally {
    await server.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

peerTest(
  "an MLflow server takes a run, and what it missed while it was down",
  ["mlflow"],
  async () => {
    await withServer(async (uri, folder, server) => {
      const warnings: string[] = [];
      const warn = (message: string) => void warnings.push(message);
      const options = { experiment: "land cover", runName: "first", warn };
      const config = parseTrainConfig({ learning_rate: 6e-5, bands: ["B04", "B08"] });
      const run = await startMlflowRun(uri, options);
      run.logParameters(config);
      const losses = Array.from({ length: 2500 }, (_, step) => 1 / (step + 1));
      losses.slice(0, 2000).forEach((loss, step) => run.logMetrics(step, { train_loss: loss }));
      run.logMetrics(2000, { "IoU (water)": 0.25, val_loss: NaN, none: null });

      const model = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) & 0xff);
      await Deno.writeFile(`${folder}/model.safetensors`, model);
      await run.uploadFile(`${folder}/model.safetensors`, "best/größe 1.safetensors");
      assert.deepEqual(warnings, []);

      await server.stop();
      run.logMetrics(2000, { train_loss: losses[2000]! });
      await run.uploadFile(`${folder}/model.safetensors`, "last/model.safetensors");
      for (let step = 2001; step < 2400; step++) {
        run.logMetrics(step, { train_loss: losses[step]! });
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.equal(warnings.length, 2);
      assert.match(
        warnings[0]!,
        /^MLflow at http.*: connection refused; what it did not take is sent again later$/,
      );
      assert.match(warnings[1]!, /"last\/model.safetensors" is not uploaded: connection refused$/);

      await server.start();
      const resumed = await startMlflowRun(uri, { ...options, runId: run.id });
      assert.equal(resumed.id, run.id);
      for (let step = 2400; step < 2500; step++) {
        run.logMetrics(step, { train_loss: losses[step]! });
      }
      await run.finish("FINISHED");
      assert.equal(warnings.length, 2);

      const read = await runPythonJson<Run>("mlflow_server.py", ["read", uri, run.id]);
      assert.equal(read.experiment, "land cover");
      assert.equal(read.name, "first");
      assert.equal(read.status, "FINISHED");
      assert.ok(read.ended);
      assert.equal(read.parameters["learningRate"], "0.00006");
      assert.equal(read.parameters["bands"], '["B04","B08"]');
      assert.equal(read.parameters["optimizer.name"], "adamw");
      const metrics = Object.fromEntries(
        Object.entries(read.metrics).map((
          [name, values],
        ) => [name, values.sort(([a], [b]) => a - b)]),
      );
      assert.deepEqual(
        metrics["train_loss"]!.map(([step, value]) => [step, Number(value)]),
        losses.map((loss, step) => [step, loss]),
      );
      assert.deepEqual(metrics["IoU _water_"], [[2000, "0.25"]]);
      assert.deepEqual(metrics["val_loss"], [[2000, "nan"]]);
      assert.deepEqual(read.artifacts, {
        "best/größe 1.safetensors": createHash("sha256").update(model).digest("hex"),
      });

      const again = await startMlflowRun(uri, { ...options, runName: "second" });
      await again.finish("KILLED");
      const second = await runPythonJson<Run>("mlflow_server.py", ["read", uri, again.id]);
      assert.equal(second.experiment, "land cover");
      assert.equal(second.status, "KILLED");
      await assert.rejects(startMlflowRun(uri, { ...options, runId: "0".repeat(32) }), {
        name: "InputError",
        message: /^Cannot log to MLflow at "http.*": Run with id=0+ not found/,
      });
    });
  },
);
