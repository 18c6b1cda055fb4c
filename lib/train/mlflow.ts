/**
 * Logging a training to an MLflow server. A server that fails later on never stops a training: what
 * it did not take is sent again with what comes next.
 *
 * @module
 */
import * as v from "valibot";
import { InputError } from "../errors.ts";
import { withFileErrors } from "../files/mod.ts";
import { MlflowApi, MlflowError } from "./mlflow_api.ts";

/** Options of {@linkcode startMlflowRun}. */
export interface MlflowOptions {
  /** Name of the experiment; it is made where it is missing. */
  readonly experiment: string;
  /** Name of the run. */
  readonly runName: string;
  /** A run to go on with, for a training that resumes; a new one where left out. */
  readonly runId?: string;
  /** Sent with every request, such as `Authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Takes what went wrong after the start, once for each time that the server fails. */
  readonly warn: (message: string) => void;
}

/** A run on an MLflow server. */
export interface MlflowRun {
  /** Its id, to go on with it later. */
  readonly id: string;
  /** Page of the run. */
  readonly url: string;
  /**
   * Log parameters; nested ones get names with dots, such as `optimizer.name`.
   *
   * @param parameters The configuration.
   */
  logParameters(parameters: object): void;
  /**
   * Log metrics.
   *
   * @param step Step of the run.
   * @param metrics Values by name; null ones are left out.
   */
  logMetrics(step: number, metrics: Readonly<Record<string, number | null>>): void;
  /**
   * Upload a file through the server.
   *
   * @param path The file.
   * @param name Path among the run's artifacts, such as `best/config.json`.
   * @returns Once it is there, or has failed with a warning.
   * @throws {InputError} If the file cannot be read.
   */
  uploadFile(path: string, name: string): Promise<void>;
  /**
   * Send what is left and end the run.
   *
   * @param status How it ended.
   */
  finish(status: "FINISHED" | "FAILED" | "KILLED"): Promise<void>;
}

/** Most that one request may hold. */
const MAX_METRICS = 900;
const MAX_PARAMETERS = 100;
/** Longest value of a parameter that the server stores. */
const MAX_PARAMETER_LENGTH = 6000;

const experimentSchema = v.object({
  experiment: v.object({ experiment_id: v.string(), lifecycle_stage: v.optional(v.string()) }),
});
const createdSchema = v.object({ experiment_id: v.string() });
const runSchema = v.object({
  run: v.object({
    info: v.object({ run_id: v.string(), experiment_id: v.string(), artifact_uri: v.string() }),
  }),
});

interface Metric {
  readonly key: string;
  readonly value: number | string;
  readonly timestamp: number;
  readonly step: number;
}

interface Parameter {
  readonly key: string;
  readonly value: string;
}

/**
 * Begin a run on an MLflow server, or go on with one.
 *
 * @param uri Address of the server, such as `http://127.0.0.1:5000`.
 * @param options Names of experiment and run.
 * @returns The run.
 * @throws {InputError} If there is no MLflow server at the address, it refuses, or the run to go on
 * with does not exist.
 */
export async function startMlflowRun(uri: string, options: MlflowOptions): Promise<MlflowRun> {
  const api = new MlflowApi(uri, options.headers ?? {});
  try {
    const { info } = options.runId === undefined
      ? await createRun(api, options)
      : await continueRun(api, options.runId);
    return new ServerRun(api, info, options.warn);
  } catch (error) {
    if (!(error instanceof MlflowError) && !(error instanceof v.ValiError)) throw error;
    const reason = error instanceof MlflowError
      ? error.message
      : "its answers are not those of an MLflow server";
    const hint = error instanceof MlflowError && error.code === "PERMISSION_DENIED"
      ? "Give user and password in the address: http://user:password@host:5000"
      : undefined;
    throw new InputError(
      `Cannot log to MLflow at ${JSON.stringify(api.address)}: ${reason}`,
      { cause: error, ...(hint === undefined ? {} : { hint }) },
    );
  }
}

async function createRun(api: MlflowApi, options: MlflowOptions) {
  const id = await experimentId(api, options.experiment);
  const answer = await api.post("runs/create", {
    experiment_id: id,
    run_name: options.runName,
    start_time: Date.now(),
    tags: [{ key: "mlflow.source.name", value: "swath train" }],
  });
  return v.parse(runSchema, answer).run;
}

async function continueRun(api: MlflowApi, id: string) {
  const { run } = v.parse(runSchema, await api.get("runs/get", { run_id: id }));
  await api.post("runs/update", { run_id: id, status: "RUNNING" });
  return run;
}

/** The experiment of a name, made where it is missing. */
async function experimentId(api: MlflowApi, name: string): Promise<string> {
  const find = async () =>
    v.parse(experimentSchema, await api.get("experiments/get-by-name", { experiment_name: name }))
      .experiment;
  const unless = (code: string) => (error: unknown) => {
    if (error instanceof MlflowError && error.code === code) return null;
    throw error;
  };
  const existing = await find().catch(unless("RESOURCE_DOES_NOT_EXIST"));
  if (existing !== null) {
    if (existing.lifecycle_stage !== "deleted") return existing.experiment_id;
    throw new InputError(
      `Cannot log to MLflow at ${JSON.stringify(api.address)}: experiment "${name}" is deleted`,
      { hint: `Restore it with: mlflow experiments restore -x ${existing.experiment_id}` },
    );
  }
  // Another run may make it at the same moment.
  const created = await api.post("experiments/create", { name })
    .catch(unless("RESOURCE_ALREADY_EXISTS"));
  if (created === null) return (await find()).experiment_id;
  return v.parse(createdSchema, created).experiment_id;
}

class ServerRun implements MlflowRun {
  readonly id: string;
  readonly url: string;
  readonly #api: MlflowApi;
  readonly #warn: (message: string) => void;
  readonly #artifactRoot: string | null;
  readonly #metrics: Metric[] = [];
  readonly #parameters: Parameter[] = [];
  #sending: Promise<void> | null = null;
  #isFailing = false;

  constructor(
    api: MlflowApi,
    info: v.InferOutput<typeof runSchema>["run"]["info"],
    warn: (message: string) => void,
  ) {
    this.id = info.run_id;
    this.url = `${api.address}/#/experiments/${info.experiment_id}/runs/${info.run_id}`;
    this.#api = api;
    this.#warn = (message) => warn(`MLflow at ${api.address}: ${message}`);
    const uri = URL.parse(info.artifact_uri);
    this.#artifactRoot = uri?.protocol === "mlflow-artifacts:"
      ? decodeURIComponent(uri.pathname).replace(/^\/+/, "")
      : null;
  }

  logParameters(parameters: object): void {
    this.#parameters.push(...flatten(parameters, ""));
    this.#send();
  }

  logMetrics(step: number, metrics: Readonly<Record<string, number | null>>): void {
    const timestamp = Date.now();
    for (const [name, value] of Object.entries(metrics)) {
      if (value === null) continue;
      // JSON has no NaN; protocol buffers in JSON write it as text.
      const number = Number.isFinite(value) ? value : String(value);
      this.#metrics.push({ key: allowedName(name), value: number, timestamp, step });
    }
    this.#send();
  }

  async uploadFile(path: string, name: string): Promise<void> {
    const file = await withFileErrors("read", path, () => Deno.open(path));
    if (this.#artifactRoot === null) {
      file.close();
      this.#warn(
        `"${name}" is not uploaded, as the server does not take files (--serve-artifacts)`,
      );
      return;
    }
    try {
      await this.#api.putArtifact(`${this.#artifactRoot}/${name}`, file.readable);
    } catch (error) {
      if (!(error instanceof MlflowError)) throw error;
      this.#warn(`"${name}" is not uploaded: ${error.message}`);
    }
  }

  async finish(status: "FINISHED" | "FAILED" | "KILLED"): Promise<void> {
    await this.#sending;
    this.#send();
    await this.#sending;
    try {
      await this.#api.post("runs/update", { run_id: this.id, status, end_time: Date.now() });
    } catch (error) {
      if (!(error instanceof MlflowError)) throw error;
      this.#warn(`the run is not marked as ${status.toLowerCase()}: ${error.message}`);
    }
    const lost = this.#metrics.length + this.#parameters.length;
    if (lost > 0) this.#warn(`${lost} metrics and parameters could not be sent`);
  }

  /** Start sending what waits, unless that is going on. */
  #send(): void {
    if (this.#sending !== null) return;
    this.#sending = this.#sendAll().finally(() => this.#sending = null);
  }

  async #sendAll(): Promise<void> {
    // Starts once the caller has gone on, so that calls in a row share a request.
    await Promise.resolve();
    while (this.#metrics.length > 0 || this.#parameters.length > 0) {
      const metrics = this.#metrics.slice(0, MAX_METRICS);
      const params = this.#parameters.slice(0, MAX_PARAMETERS);
      try {
        await this.#api.post("runs/log-batch", { run_id: this.id, metrics, params });
        this.#isFailing = false;
      } catch (error) {
        if (!(error instanceof MlflowError)) throw error;
        if (error.isTemporary) {
          if (!this.#isFailing) {
            this.#warn(`${error.message}; what it did not take is sent again later`);
          }
          this.#isFailing = true;
          return;
        }
        this.#warn(`it refuses some metrics or parameters: ${error.message}`);
      }
      this.#metrics.splice(0, metrics.length);
      this.#parameters.splice(0, params.length);
    }
  }
}

/** Nested values by names with dots. */
function flatten(value: object, prefix: string): Parameter[] {
  return Object.entries(value).flatMap(([name, member]) => {
    const key = `${prefix}${name}`;
    if (typeof member === "object" && member !== null && !Array.isArray(member)) {
      return flatten(member, `${key}.`);
    }
    const text = typeof member === "string" ? member : JSON.stringify(member);
    return [{ key: allowedName(key), value: text.slice(0, MAX_PARAMETER_LENGTH) }];
  });
}

/** MLflow's names hold letters, digits and a few signs. */
function allowedName(name: string): string {
  return name.replace(/[^/\p{L}\p{N}_.\- :]/gu, "_");
}
