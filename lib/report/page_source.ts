/**
 * The page's scripts and style, as they lie beside this module.
 *
 * @module
 */
import curves from "./page/curves_panel.ts" with { type: "text" };
import dom from "./page/dom.ts" with { type: "text" };
import main from "./page/main.ts" with { type: "text" };
import mapPanel from "./page/map_panel.ts" with { type: "text" };
import mapView from "./page/map_view.ts" with { type: "text" };
import scores from "./page/scores_panel.ts" with { type: "text" };
import sortable from "./page/sortable_table.ts" with { type: "text" };
import style from "./page/style.css" with { type: "text" };
import tiles from "./page/tiles.ts" with { type: "text" };
import zones from "./page/zones_panel.ts" with { type: "text" };

/** The style of the page. */
export const PAGE_STYLE: string = style;

/** The page's modules by file name; `main.ts` starts. */
export const PAGE_MODULES: Readonly<Record<string, string>> = {
  "curves_panel.ts": curves,
  "dom.ts": dom,
  "main.ts": main,
  "map_panel.ts": mapPanel,
  "map_view.ts": mapView,
  "scores_panel.ts": scores,
  "sortable_table.ts": sortable,
  "tiles.ts": tiles,
  "zones_panel.ts": zones,
};
