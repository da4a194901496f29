import type { Section } from "./section.ts";

/** In the order in which they run and are shown. */
export const SECTIONS: readonly Section[] = [];
