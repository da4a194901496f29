import { markdownTable } from "./markdown.ts";
import type { Section } from "./section.ts";
import { type SizeFigures, sizes } from "./size.ts";
import { range, short, whole } from "./table.ts";

export const sizeSection: Section<SizeFigures> = {
  name: "size",
  title: "Size and start",
  fullOnly: true,

  run({ settings, say }) {
    const { quick } = settings;
    return sizes({ starts: quick ? 2 : 5, idleSeconds: quick ? 3 : 10, quick, say });
  },

  render({ install, installMissing, startMillis, startCpuMillis, idleCpuPercent, idleMemory }) {
    const rows = [
      ["start to readiness, ms", ...range(startMillis, whole)],
      ["CPU time of it, ms", ...range(startCpuMillis, whole)],
      ["idle, CPU %", short(idleCpuPercent), ""],
      ["idle, RSS MB", whole(idleMemory.rssMb), ""],
      ...(install
        ? [
            ["install and build from a fresh clone, s", short(install.seconds), ""],
            ["of that the build, s", short(install.buildSeconds), ""],
            ["source, MB", short(install.sourceMb), ""],
            ["programs and libraries built, MB", short(install.builtMb), ""],
            ["node_modules to run, MB", whole(install.runtimeModulesMb), ""],
            ["of that Bun, MB", whole(install.bunMb), ""],
            ["node_modules to test as well, MB", whole(install.modulesMb), ""],
          ]
        : []),
    ];
    const missing = installMissing ? `\nThe install was not measured: ${installMissing}.\n` : "";
    return {
      markdown: `Nobody subscribes and nothing is exported. The packages of the install come from the package manager's cache where it has
them, else from the registry.

${markdownTable(["", "", ""], rows)}
${missing}`,
    };
  },
};
