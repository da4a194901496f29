import { expect, test } from "bun:test";
import { tapCases } from "./tap-cases.mjs";

tapCases({ test, expect });
