/**
 * The page of a report: one HTML file that needs nothing else.
 *
 * @module
 */
import { escapeXml } from "../text/mod.ts";
import { bundleModules } from "./bundle.ts";
import { PAGE_MODULES, PAGE_STYLE } from "./page_source.ts";
import type { ReportData } from "./report_data.ts";

/**
 * Write a page.
 *
 * @param data What it shows.
 * @param blobs Bytes of its pyramids and pictures, by the ids that the data names.
 * @returns The HTML, which loads nothing from anywhere.
 */
export function reportPage(
  data: ReportData,
  blobs: ReadonlyMap<string, Uint8Array>,
): string {
  const holders = [...blobs].map(([id, bytes]) =>
    `<script type="application/octet-stream" id="${escapeXml(id)}">${bytes.toBase64()}</script>`
  );
  // What looks like the end of a script would end it, whatever it stands in.
  const json = JSON.stringify(data).replaceAll("<", "\\u003c");
  const script = bundleModules(PAGE_MODULES, "main.ts").replaceAll("</script", "<\\/script");
  return [
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:">`,
    '<link rel="icon" href="data:,">',
    `<title>${escapeXml(data.title)}</title>`,
    `<style>${PAGE_STYLE}</style>`,
    "</head>",
    "<body>",
    "<noscript>This report is drawn by scripts, which are switched off.</noscript>",
    `<script type="application/json" id="report-data">${json}</script>`,
    ...holders,
    `<script type="module">\n${script}\n</script>`,
    "</body>",
    "</html>",
    "",
  ].join("\n");
}
