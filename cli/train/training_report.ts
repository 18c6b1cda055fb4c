/**
 * What a training says: a line an epoch, and what it came to at the end.
 *
 * @module
 */
import { CLASS_IOU_PREFIX, type EpochReport, type Metrics } from "../../mod.ts";
import { type Column, formatFacts, formatTable } from "../table.ts";

/** An epoch in one line. */
export function epochLine({ epoch, epochs, metrics, isBest }: EpochReport): string {
  const fields = [
    `epoch ${epoch + 1}/${epochs}`,
    `train loss ${decimal(metrics, "train_loss")}`,
    `val loss ${decimal(metrics, "val_loss")}`,
    `mIoU ${decimal(metrics, "val_miou")}`,
    `accuracy ${decimal(metrics, "val_accuracy")}`,
    `lr ${short(metrics["learning_rate"])}`,
    `grad ${short(metrics["gradient_norm"])}`,
    `${short(metrics["samples_per_second"])} samples/s`,
    `wait ${percent(metrics["wait_share"])}`,
    `${short(metrics["memory_mb"])} MB`,
  ];
  return `${fields.join("  ")}${isBest ? "  best" : ""}`;
}

/** The best epoch as a table of classes and the scores over all of them. */
export function bestEpochTable({ epoch, step, metrics }: EpochReport): string {
  const classes = Object.keys(metrics).filter((name) => name.startsWith(CLASS_IOU_PREFIX));
  const columns: Column<string>[] = [
    { title: "class", key: "class", value: (name) => name.slice(CLASS_IOU_PREFIX.length) },
    {
      title: "IoU",
      key: "iou",
      value: (name) => metrics[name] ?? null,
      format: (name) => decimal(metrics, name),
      nothing: "n/a",
    },
  ];
  const facts = formatFacts([
    ["mean IoU", decimal(metrics, "val_miou")],
    ["pixel accuracy", decimal(metrics, "val_accuracy")],
    ["validation loss", decimal(metrics, "val_loss")],
    ["best epoch", `${epoch + 1}, step ${step}`],
  ]);
  return `${formatTable(columns, classes, "table")}\n${facts}`;
}

function decimal(metrics: Metrics, name: string): string {
  const value = metrics[name];
  return typeof value === "number" ? value.toFixed(4) : "n/a";
}

/** Three digits. */
function short(value: number | null | undefined): string {
  return typeof value === "number" ? String(Number(value.toPrecision(3))) : "n/a";
}

function percent(share: number | null | undefined): string {
  return typeof share === "number" ? `${(100 * share).toFixed(0)} %` : "n/a";
}
