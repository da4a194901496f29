import { delaySection } from "./delay-section.ts";
import { fanOutSection } from "./fan-out-section.ts";
import { growthSection } from "./growth-section.ts";
import { handoverSection } from "./handover-section.ts";
import { kernelSection } from "./kernel-section.ts";
import { pipeSection } from "./pipe-section.ts";
import { readerSection } from "./reader-section.ts";
import type { Section } from "./section.ts";
import { sideBySideSection } from "./side-by-side-section.ts";
import { sizeSection } from "./size-section.ts";
import { spanSection } from "./span-section.ts";

/** In the order in which they run and are shown. */
export const SECTIONS: readonly Section[] = [
  sideBySideSection,
  kernelSection,
  handoverSection,
  readerSection,
  delaySection,
  pipeSection,
  growthSection,
  fanOutSection,
  spanSection,
  sizeSection,
];
