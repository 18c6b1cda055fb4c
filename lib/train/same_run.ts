/**
 * Whether the run that a folder holds is the one that a configuration is about to go on with.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { abbreviateList } from "../text/mod.ts";
import { parseTrainConfig, parseTrainYaml } from "./config.ts";
import { snakeKeys } from "./key_case.ts";
import type { RunFolder } from "./run_folder.ts";
import type { TrainConfig } from "./train_config.ts";
import type { TrainingSetup } from "./training_setup.ts";

/** Keys that may be others when a run goes on: they do not change what a step computes. */
const CHANGEABLE: readonly (keyof TrainConfig)[] = [
  "train",
  "val",
  "test",
  "epochs",
  "maxSteps",
  "device",
  "threads",
  "checkpointActivations",
  "earlyStopping",
  "save",
  "watch",
];

/**
 * Refuse to go on with another network, other data, or settings that change what a step computes.
 *
 * @param setup The training that is to go on.
 * @param folder The folder, with the state of a run.
 * @throws {InputError} If the run is another one.
 */
export async function checkSameRun(
  { config, data }: TrainingSetup,
  folder: RunFolder,
): Promise<void> {
  const run = JSON.stringify(folder.path);
  const path = folder.file("config");
  const before = parseTrainConfig(parseTrainYaml(await Deno.readTextFile(path), path), path);
  const names = (Object.keys(config) as (keyof TrainConfig)[])
    .filter((name) => !CHANGEABLE.includes(name));
  const [was, is] = [before, config].map((values) => snakeKeys(pickKeys(values, names)));
  for (const name of Object.keys(is!)) {
    const [from, to] = [JSON.stringify(was![name]), JSON.stringify(is![name])];
    if (from === to) continue;
    throw new InputError(`Cannot go on with the run in ${run} with ${name} ${to}: it has ${from}`, {
      hint: "Start another run: --out",
    });
  }
  const { position } = folder.state!;
  const differing = [
    ...(position.trainData === data.train.fingerprint ? [] : ["training"]),
    ...(position.valData === data.val.fingerprint ? [] : ["validation"]),
  ];
  if (differing.length > 0) {
    throw new InputError(
      `Cannot go on with the run in ${run} with other ${
        abbreviateList(differing)
      } data than it was begun with`,
      { hint: `Start another run from its model: --checkpoint ${folder.file("last")}` },
    );
  }
}

function pickKeys(
  config: TrainConfig,
  names: readonly (keyof TrainConfig)[],
): Partial<TrainConfig> {
  return Object.fromEntries(names.map((name) => [name, config[name]]));
}
