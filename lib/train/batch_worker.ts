/**
 * Makes batches in a worker, while the main thread computes; see `batch_loader.ts`.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import {
  type BatchMaker,
  type BatchPlan,
  createBatchMaker,
  type PreparedBatch,
} from "./batches.ts";

/** What the worker is told. */
export type BatchRequest =
  | { readonly type: "plan"; readonly plan: BatchPlan }
  | { readonly type: "batch"; readonly index: number };

/** What it answers to each number, in order. */
export type BatchAnswer =
  | { readonly type: "batch"; readonly index: number; readonly batch: PreparedBatch }
  | { readonly type: "failure"; readonly index: number; readonly failure: BatchFailure };

/** An error in a form that passes between threads. */
export interface BatchFailure {
  /** True for a fault of the input. */
  readonly isInput: boolean;
  readonly message: string;
  readonly hint: string | undefined;
  readonly stack: string | undefined;
}

/** What this module needs of the scope of a worker. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<BatchRequest>) => void) | null;
  postMessage(message: BatchAnswer, transfer: Transferable[]): void;
}

const scope = globalThis as unknown as WorkerScope;
let maker: BatchMaker | null = null;
let last: Promise<void> = Promise.resolve();

scope.onmessage = ({ data }) => {
  if (data.type === "plan") maker = createBatchMaker(data.plan);
  else last = last.then(() => answer(data.index));
};

async function answer(index: number): Promise<void> {
  try {
    const batch = await maker!.make(index);
    scope.postMessage({ type: "batch", index, batch }, [
      batch.image.data.buffer,
      batch.labels.data.buffer,
      ...(batch.distances === undefined ? [] : [batch.distances.data.buffer]),
    ]);
  } catch (error) {
    scope.postMessage({ type: "failure", index, failure: describe(error) }, []);
  }
}

function describe(error: unknown): BatchFailure {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const isInput = error instanceof InputError;
  return { isInput, message, stack, hint: isInput ? error.hint : undefined };
}
