import { growthSection } from "./growth-section.ts";
import { handoverSection } from "./handover-section.ts";
import { pipeSection } from "./pipe-section.ts";
import { readerSection } from "./reader-section.ts";
import type { Section } from "./section.ts";
import { sizeSection } from "./size-section.ts";

/** In the order in which they run and are shown. */
export const SECTIONS = [handoverSection, readerSection, pipeSection, growthSection, sizeSection] as readonly Section[];
