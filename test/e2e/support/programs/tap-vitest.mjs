import { expect, test } from "vitest";
import { tapCases } from "./tap-cases.mjs";

tapCases({ test, expect });
