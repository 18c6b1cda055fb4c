/** Learning rate schedules against PyTorch and transformers, at every step. */
import assert from "node:assert/strict";
import {
  type OneCycleSchedule,
  parseTrainConfig,
  type PlateauSchedule,
  randomStream,
  type ScheduleConfig,
  scheduleValues,
  startPlateau,
  stepPlateau,
} from "swath";
import { peerTest, runPythonJson } from "./python.ts";

interface Case {
  readonly schedule: ScheduleConfig;
  readonly learning: number;
  readonly total: number;
  readonly optimizer: "adamw" | "sgd";
  readonly kind: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly metrics?: readonly (number | null)[];
}

async function peerValues(cases: readonly Case[]): Promise<[number, number][][]> {
  const input = cases.map(({ learning, total, optimizer, kind, settings, metrics }) => ({
    "learning_rate": learning,
    "total_steps": total,
    optimizer,
    kind,
    settings,
    metrics,
  }));
  const stdin = new TextEncoder().encode(JSON.stringify(input));
  return await runPythonJson("schedules.py", [], { stdin });
}

function schedule(settings: Readonly<Record<string, unknown>>): ScheduleConfig {
  return parseTrainConfig({ schedule: settings }).schedule;
}

/** Equal to 1e-6 relative; values that are 0 in exact arithmetic may be rounding errors of the scale. */
function assertClose(actual: number, expected: number, scale: number, what: string): void {
  const error = Math.abs(actual - expected);
  assert.ok(
    error <= 1e-6 * Math.abs(expected) || error <= 1e-15 * scale,
    `${what}: ${actual}, PyTorch has ${expected}`,
  );
}

async function compare(cases: readonly Case[]): Promise<void> {
  const expected = await peerValues(cases);
  cases.forEach(({ schedule, learning, total, metrics }, index) => {
    let plateau = startPlateau(learning);
    for (let step = 0; step < total; step++) {
      const position = { learningRate: learning, step, totalSteps: total, plateau };
      const { learningRate, momentum } = scheduleValues(schedule, position);
      const [rate, moment] = expected[index]![step]!;
      const what = `${JSON.stringify(schedule)} at step ${step} of ${total}`;
      assertClose(learningRate, rate, learning, what);
      if (momentum !== null) assertClose(momentum, moment, 1, what);
      if (schedule.name === "plateau") {
        // What a run saves and reads back.
        plateau = JSON.parse(JSON.stringify(
          stepPlateau(schedule, plateau, metrics![step] ?? NaN),
        ));
      }
    }
  });
}

peerTest("OneCycleLR, learning rate and momentum", ["torch"], async () => {
  const cases: Case[] = [];
  for (const total of [10, 97, 1000]) {
    for (const pctStart of [0.1, 0.3, 0.45]) {
      for (const annealStrategy of ["cos", "linear"] as const) {
        for (const threePhase of [false, true]) {
          for (const [divFactor, finalDivFactor] of [[25, 1e4], [10, 100]] as const) {
            if (pctStart * total === 1) continue; // PyTorch divides by zero
            const settings = {
              "pct_start": pctStart,
              "anneal_strategy": annealStrategy,
              "three_phase": threePhase,
              "div_factor": divFactor,
              "final_div_factor": finalDivFactor,
              "base_momentum": 0.8,
              "max_momentum": 0.97,
            };
            cases.push({
              schedule: schedule({ name: "one_cycle", ...settings }),
              learning: 6e-4,
              total,
              optimizer: cases.length % 2 === 0 ? "adamw" : "sgd",
              kind: "one_cycle",
              settings,
            });
          }
        }
      }
    }
  }
  assert.ok(cases.length > 60);
  await compare(cases);
});

peerTest("OneCycleLR with PyTorch's defaults", ["torch"], async () => {
  const one = schedule({ name: "one_cycle" }) as OneCycleSchedule;
  await compare([
    { schedule: one, learning: 0.1, total: 300, optimizer: "sgd", kind: "one_cycle", settings: {} },
  ]);
});

peerTest("CosineAnnealingLR, within and beyond its period", ["torch"], async () => {
  const cases = [[100, 100, 0], [100, 100, 1e-6], [7, 50, 1e-5], [1000, 2000, 0], [
    1,
    5,
    0,
  ]] as const;
  await compare(cases.map(([tMax, total, etaMin]) => ({
    schedule: schedule({ name: "cosine", t_max: tMax === total ? null : tMax, eta_min: etaMin }),
    learning: 1e-3,
    total,
    optimizer: "adamw",
    kind: "cosine",
    settings: { T_max: tMax, eta_min: etaMin },
  })));
});

peerTest("ReduceLROnPlateau over noisy metrics", ["torch"], async () => {
  const cases: Case[] = [];
  const random = randomStream(3, "plateau metrics");
  for (const mode of ["min", "max"] as const) {
    for (const thresholdMode of ["rel", "abs"] as const) {
      for (const [patience, cooldown] of [[0, 0], [2, 0], [3, 2], [10, 1]] as const) {
        for (const sign of [1, -1]) {
          const settings = {
            mode,
            factor: 0.3,
            patience,
            threshold: 0.01,
            "threshold_mode": thresholdMode,
            cooldown,
            "min_lr": 1e-7,
            eps: 1e-8,
          };
          const start = cases.length * 200;
          cases.push({
            schedule: schedule({ name: "plateau", ...settings }) as PlateauSchedule,
            learning: 1e-2,
            total: 120,
            optimizer: "adamw",
            kind: "plateau",
            settings,
            metrics: Array.from(
              { length: 120 },
              (_, epoch) =>
                epoch % 17 === 5
                  ? null
                  : sign * (Math.exp(-epoch / 30) + 0.05 * random.normal(start + epoch)),
            ),
          });
        }
      }
    }
  }
  await compare(cases);
});

peerTest("polynomial with warm-up: transformers' schedule", ["torch", "transformers"], async () => {
  const cases = [[0, 100, 1, 0], [10, 100, 1, 0], [30, 200, 2, 1e-6], [5, 40, 0.9, 1e-7]] as const;
  await compare(cases.map(([warmup, total, power, end]) => ({
    schedule: schedule({
      name: "polynomial",
      "warmup_steps": warmup,
      "warmup_factor": 0,
      power,
      "min_lr": end,
    }),
    learning: 6e-5,
    total,
    optimizer: "adamw",
    kind: "transformers_polynomial",
    settings: { num_warmup_steps: warmup, power, lr_end: end },
  })));
});

peerTest("polynomial with warm-up: LinearLR then PolynomialLR", ["torch"], async () => {
  const cases = [[10, 100, 1, 1e-6], [1, 30, 2, 0.5], [150, 1600, 0.9, 1 / 3]] as const;
  await compare(cases.map(([warmup, total, power, factor]) => ({
    schedule: schedule({
      name: "polynomial",
      "warmup_steps": warmup,
      "warmup_factor": factor,
      power,
    }),
    learning: 6e-5,
    total,
    optimizer: "adamw",
    kind: "sequential_polynomial",
    settings: { warmup, start_factor: factor, power },
  })));
});
