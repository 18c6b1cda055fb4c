/// <reference lib="dom" />
/**
 * Scores: over all, class by class, and what is taken for what.
 *
 * @module
 */
import type { PageClass, PageClassScores, PageScores } from "../report_data.ts";
import { choice, formatCount, formatScore, formatShare, html, section } from "./dom.ts";
import { sortableTable, type TableColumn } from "./sortable_table.ts";

/** Ways to look at the confusion matrix. */
const CONFUSION_VIEWS = [
  "Share of the true class (recall)",
  "Share of the mapped class (precision)",
  "Pixels",
] as const;

/** Make the part with the scores. */
export function scoresPanel(
  scores: PageScores | null,
  classes: readonly PageClass[],
): HTMLElement | null {
  if (scores === null) return null;
  const { overall } = scores;
  const figures = html(
    "dl",
    { class: "figures" },
    ...overall.map(([name, value]) =>
      html("div", {}, html("dt", {}, name), html("dd", {}, formatScore(value)))
    ),
  );
  const measure = (heading: string, key: "iou" | "dice" | "precision" | "recall") => ({
    heading,
    value: (row: PageClassScores) => row[key],
    cell: (row: PageClassScores) => scoreCell(row[key]),
  });
  const count = (heading: string, key: "support" | "predicted") => ({
    heading,
    value: (row: PageClassScores) => row[key],
    cell: (row: PageClassScores) => formatCount(row[key]),
  });
  const columns: readonly TableColumn<PageClassScores>[] = [
    {
      heading: "Class",
      value: ({ name }) => name,
      cell: ({ class: index, name }) =>
        html(
          "span",
          { class: "line" },
          html("i", {
            class: "swatch",
            style: `background:${classes[index]?.color ?? "transparent"}`,
          }),
          name,
        ),
    },
    measure("IoU", "iou"),
    measure("Dice (F1)", "dice"),
    measure("Precision", "precision"),
    measure("Recall", "recall"),
    count("True pixels", "support"),
    count("Mapped pixels", "predicted"),
  ];
  // Classes that are nowhere have nothing to show.
  const rows = scores.classes.filter(({ support, predicted }) => support + predicted > 0);
  const { element: table } = sortableTable("Scores of each class", columns, rows);
  table.id = "scores-table";
  const conventions = html(
    "details",
    { class: "note" },
    html("summary", {}, "How these numbers came about"),
    html(
      "ul",
      {},
      ...[`Scored: ${scores.source}.`, ...scores.conventions].map((line) => html("li", {}, line)),
    ),
  );
  return section(
    "accuracy",
    "Accuracy",
    figures,
    html("div", {
      class: "scroll",
      tabindex: 0,
      role: "region",
      "aria-label": "Scores of each class",
    }, table),
    conventions,
    confusionPanel(scores, rows.map(({ class: index }) => index), classes),
  );
}

/** A score with a bar of its length. */
function scoreCell(score: number | null): HTMLElement {
  const bar = html("i", { class: "meter", "aria-hidden": true });
  bar.style.setProperty("--share", String(score ?? 0));
  return html("span", { class: "score" }, bar, formatScore(score));
}

function confusionPanel(
  { confusion, classes: scored }: PageScores,
  shown: readonly number[],
  classes: readonly PageClass[],
): HTMLElement {
  const rowSums = confusion.map((row) => row.reduce((a, b) => a + b, 0));
  const columnSums = confusion.map((_, column) =>
    confusion.reduce((sum, row) => sum + row[column]!, 0)
  );
  const nameOf = (index: number) => scored[index]?.name ?? classes[index]?.name ?? String(index);
  const cells = shown.map((row) =>
    shown.map((column) => ({ row, column, element: html("td", { class: "cell" }) }))
  );
  const update = (view: number) => {
    for (const { row, column, element } of cells.flat()) {
      const count = confusion[row]![column]!;
      const whole = view === 1 ? columnSums[column]! : rowSums[row]!;
      const share = whole === 0 ? 0 : count / whole;
      element.textContent = view === 2
        ? formatCount(count)
        : count === 0
        ? "·"
        : (100 * share).toFixed(share >= 0.0995 ? 0 : 1);
      element.style.setProperty("--share", share.toFixed(4));
      element.classList.toggle("is-dark", share > 0.5);
      element.title =
        `${nameOf(row)}, mapped as ${nameOf(column)}: ${formatCount(count)} pixels, ` +
        `${formatShare(share)} of the ${view === 1 ? "mapped" : "true"} class`;
    }
  };
  update(0);
  const table = html(
    "table",
    { class: "confusion", id: "confusion-table" },
    html(
      "caption",
      { class: "unseen" },
      "Confusion matrix: a row for each true class, a column for each mapped one",
    ),
    html(
      "thead",
      {},
      html(
        "tr",
        {},
        html("td", { class: "corner" }, "true ↓ mapped →"),
        ...shown.map((column) =>
          html("th", { scope: "col" }, html("span", { class: "slanted" }, nameOf(column)))
        ),
      ),
    ),
    html(
      "tbody",
      {},
      ...cells.map((line, index) =>
        html(
          "tr",
          {},
          html("th", { scope: "row" }, nameOf(shown[index]!)),
          ...line.map(({ element }) => element),
        )
      ),
    ),
  );
  return html(
    "div",
    { class: "confusion-panel" },
    html("h3", {}, "What is taken for what"),
    choice("Show", "confusion-view", CONFUSION_VIEWS, update),
    html(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Confusion matrix" },
      table,
    ),
    html(
      "p",
      { class: "note" },
      "Each row is a class of the truth; its cells say what the map makes of it, in percent. A perfect map has 100 from corner to corner.",
    ),
  );
}
