/**
 * What can go wrong between here and the hub, in words that tell people what to do.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { COMMIT_PATTERN } from "./hub_cache.ts";
import { formatHubId, type HubId } from "./hub_id.ts";

/** How long the hub may take to begin an answer; a cluster's node without network never gets one. */
const ANSWER_TIMEOUT_MS = 15_000;

/** The hub answered with an error. */
export class HubRefusal extends Error {
  override readonly name: string = "HubRefusal";

  /**
   * Note what the hub answered.
   *
   * @param status HTTP status.
   * @param code The hub's `X-Error-Code`, such as `GatedRepo`; null where it gives none.
   */
  constructor(readonly status: number, readonly code: string | null) {
    super(`the hub answers ${status}${code === null ? "" : ` ${code}`}`);
  }
}

/** No answer came: no network, a wrong name, a refused connection, or silence. */
export class HubUnreachable extends Error {
  override readonly name: string = "HubUnreachable";
}

/**
 * A `fetch` that gives up when no answer begins, and throws what the hub says is wrong.
 *
 * @param signal Stops it from outside.
 * @returns The function; it throws {@linkcode HubRefusal} and {@linkcode HubUnreachable}.
 */
export function hubFetch(signal?: AbortSignal): typeof fetch {
  return async (input, init = {}) => {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), ANSWER_TIMEOUT_MS);
    let response: Response;
    try {
      const signals = [patience.signal, signal, init.signal].filter((one) =>
        one instanceof AbortSignal
      );
      response = await fetch(input, { ...init, signal: AbortSignal.any(signals) });
    } catch (cause) {
      signal?.throwIfAborted();
      const reason = patience.signal.aborted
        ? `no answer within ${ANSWER_TIMEOUT_MS / 1000} seconds`
        : cause instanceof Error
        ? cause.message
        : String(cause);
      throw new HubUnreachable(reason, { cause });
    } finally {
      clearTimeout(timer);
    }
    if (response.status >= 400) {
      await response.body?.cancel();
      throw new HubRefusal(response.status, response.headers.get("x-error-code"));
    }
    return response;
  };
}

/** True if the network failed, or the hub's own servers did, so that the cache may answer instead. */
export function isNetworkFailure(error: unknown): boolean {
  return error instanceof HubUnreachable || (error instanceof HubRefusal && error.status >= 500);
}

/**
 * Refuse what cannot be a token, without repeating it: tokens are secrets.
 *
 * @throws {InputError} If it is given and does not look like one.
 */
export function checkToken(token: string | undefined): void {
  if (token === undefined || /^hf_[\x21-\x7e]+$/.test(token)) return;
  throw new InputError("Cannot use the access token of the hub as it does not begin with hf_", {
    hint: "Make one at https://huggingface.co/settings/tokens and set HF_TOKEN",
  });
}

/**
 * Turn a refusal or failure into an {@linkcode InputError} that names the model.
 *
 * @param error What was caught.
 * @param id The model.
 * @param endpoint Address of the hub.
 * @returns The error to be thrown; `error` itself where it is something else.
 */
export function hubError(error: unknown, id: HubId, endpoint: string): unknown {
  const model = JSON.stringify(formatHubId(id));
  const page = `${endpoint}/${id.name}`;
  if (error instanceof HubUnreachable) {
    return new InputError(
      `Cannot download ${model}: ${endpoint} cannot be reached: ${error.message}`,
      {
        cause: error,
        hint: "Open it once with access to the network, or give a model directory",
      },
    );
  }
  if (error instanceof SyntaxError || error instanceof TypeError) {
    // An answer that is not the hub's: a portal's login page, or another service.
    return new InputError(`Cannot download ${model}: ${endpoint} does not answer as a hub does`, {
      cause: error,
    });
  }
  if (!(error instanceof HubRefusal)) return error;
  const { status, code } = error;
  if (code === "GatedRepo") {
    return new InputError(`Cannot download ${model}: access to it must be granted`, {
      cause: error,
      hint: `Ask for access at ${page}, and set HF_TOKEN to a token of that account`,
    });
  }
  if (code === "RevisionNotFound") {
    const kind = COMMIT_PATTERN.test(id.revision) ? "commit" : "branch or tag";
    return new InputError(
      `Cannot download ${model}: ${id.name} has no ${kind} ${JSON.stringify(id.revision)}`,
      { cause: error },
    );
  }
  if (status === 401 || status === 404) {
    // The hub does not tell strangers whether a private model exists.
    return new InputError(
      `Cannot download ${model}: ${endpoint} has no such model, or it is private`,
      {
        cause: error,
        hint: "Check its spelling; for a private model set HF_TOKEN to a token that may read it",
      },
    );
  }
  if (status === 403) {
    return new InputError(`Cannot download ${model}: ${endpoint} denies access to it`, {
      cause: error,
      hint: `Look at ${page}, and set HF_TOKEN to a token that may read it`,
    });
  }
  return new InputError(`Cannot download ${model}: ${endpoint} answers with error ${status}`, {
    cause: error,
    hint: status === 429 || status >= 500 ? "Try again later" : `Look at ${page}`,
  });
}
