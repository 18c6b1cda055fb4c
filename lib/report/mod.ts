/** Reports: one page with map, scores, zones, training and provenance. @module */
export { buildReport, type Report, type ReportInputs } from "./build_report.ts";
