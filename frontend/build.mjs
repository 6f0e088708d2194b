// Builds the one file that the console serves: no network at run time, no source map, licences kept.
import { build } from "esbuild";

await build({
  entryPoints: ["src/main.jsx"],
  outfile: "../static/fidelio/segment-builder.js",
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  jsx: "automatic",
  legalComments: "none",
  define: { "process.env.NODE_ENV": '"production"' },
  banner: { js: await licences() },
});

async function licences() {
  const { readFile } = await import("node:fs/promises");
  const packages = {
    "react, react-dom, scheduler, use-sync-external-store": "react",
    "react-querybuilder, @react-querybuilder/core": "react-querybuilder",
    "@reduxjs/toolkit": "@reduxjs/toolkit",
    "react-redux": "react-redux",
    redux: "redux",
    "redux-thunk": "redux-thunk",
    immer: "immer",
    reselect: "reselect",
    "numeric-quantity": "numeric-quantity",
  };
  const texts = await Promise.all(
    Object.entries(packages).map(async ([names, folder]) => `${names}\n\n${await licence(folder, readFile)}`),
  );
  return `/*! Built by frontend/build.mjs (make frontend): change the sources there, not this file.\n\n${texts.join("\n\n").replaceAll("*/", "* /")}\n*/`;
}

async function licence(folder, readFile) {
  for (const name of ["LICENSE", "LICENSE.md", "license", "LICENSE.txt"]) {
    try {
      return (await readFile(`node_modules/${folder}/${name}`, "utf8")).trim();
    } catch {
      // The next usual name of the file.
    }
  }
  const { license } = JSON.parse(await readFile(`node_modules/${folder}/package.json`, "utf8"));
  return license;
}
