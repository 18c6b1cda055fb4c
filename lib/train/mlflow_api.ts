/**
 * Requests to an MLflow tracking server.
 *
 * REST API: https://mlflow.org/docs/latest/api_reference/rest-api.html
 *
 * @module
 */
import { InputError } from "../errors.ts";

/** A request that failed. */
export class MlflowError extends Error {
  override readonly name: string = "MlflowError";
  /** MLflow's code such as `RESOURCE_DOES_NOT_EXIST`; null where the server did not answer or is another one. */
  readonly code: string | null;
  /** True if the same request may succeed later: no answer, or the server is busy or broken. */
  readonly isTemporary: boolean;

  constructor(message: string, code: string | null, isTemporary: boolean, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.isTemporary = isTemporary;
  }
}

/** An MLflow server. */
export class MlflowApi {
  /** Address without credentials and trailing slash. */
  readonly address: string;
  readonly #headers: Headers;

  /**
   * @param uri Such as `http://127.0.0.1:5000`; user and password in it are sent as basic
   * authentication.
   * @param headers Sent with every request, such as `Authorization`.
   * @throws {InputError} If it is not the address of a web server.
   */
  constructor(uri: string, headers: Readonly<Record<string, string>>) {
    const url = URL.parse(uri);
    if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
      throw new InputError(
        `Cannot log to MLflow at ${JSON.stringify(uri)}: expected the address of a server`,
        { hint: "such as http://127.0.0.1:5000, where `mlflow server` runs" },
      );
    }
    this.#headers = new Headers(headers);
    if (url.username !== "") {
      const credentials = [url.username, url.password].map(decodeURIComponent).join(":");
      const bytes = new TextEncoder().encode(credentials);
      this.#headers.set("authorization", `Basic ${bytes.toBase64()}`);
    }
    this.address = `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  }

  /** Ask for something. */
  async get(path: string, query: Readonly<Record<string, string>>): Promise<unknown> {
    return await this.#request("GET", `mlflow/${path}?${new URLSearchParams(query)}`, null);
  }

  /** Make or change something. */
  async post(path: string, body: unknown): Promise<unknown> {
    const json = new TextEncoder().encode(JSON.stringify(body));
    return await this.#request("POST", `mlflow/${path}`, json, "application/json");
  }

  /** Store an artifact through the server. */
  async putArtifact(path: string, content: ReadableStream<Uint8Array>): Promise<void> {
    const encoded = path.split("/").map(encodeURIComponent).join("/");
    const type = "application/octet-stream";
    await this.#request("PUT", `mlflow-artifacts/artifacts/${encoded}`, content, type);
  }

  async #request(
    method: string,
    path: string,
    body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null,
    type?: string,
  ): Promise<unknown> {
    const headers = new Headers(this.#headers);
    if (type !== undefined) headers.set("content-type", type);
    // An upload may take long; anything else has an answer soon or never.
    const signal = body instanceof ReadableStream ? null : AbortSignal.timeout(REQUEST_TIMEOUT);
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.address}/api/2.0/${path}`, { method, headers, body, signal });
      text = await response.text();
    } catch (error) {
      throw new MlflowError(reasonOf(error), null, true, error);
    }
    const json = parseJson(text);
    // An upload is answered with nothing.
    if (response.ok && (json !== null || method === "PUT")) return json;
    const { error_code: code = null, message = null } = (json ?? {}) as ErrorAnswer;
    throw new MlflowError(
      message === null
        ? `it answers with HTTP status ${response.status} ${response.statusText}`.trim()
        : `${message.split("\n")[0]} (${code ?? response.status})`,
      code ?? (response.status === 401 || response.status === 403 ? "PERMISSION_DENIED" : null),
      response.status === 429 || response.status >= 500,
    );
  }
}

/** Milliseconds to wait for an answer. */
const REQUEST_TIMEOUT = 20_000;

interface ErrorAnswer {
  readonly "error_code"?: string;
  readonly message?: string;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** `connection refused` out of what the runtime says of a request that got no answer. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${REQUEST_TIMEOUT / 1000} seconds`;
  const known = /(connection refused|connection reset|failed to lookup address|certificate[^:]*)/i;
  const reason = known.exec(error.message)?.[1]?.toLowerCase();
  return reason ?? (error.cause === undefined ? error.message : reasonOf(error.cause));
}
