/* Evaluates the engine in one scope, then answers lines of JSON, {"source": a function, "inputs": its arguments}, with
   {"value": what it returns} or {"error": its message}. The functions see the engine's names, and `kept`, an object for
   what a later one needs. Typed arrays become lists; NaN and infinities become their names. */
"use strict";
const lines = require("readline").createInterface({ input: process.stdin, terminal: false });
const kept = {};
let evaluate = null;

function plain(_, value) {
  if (ArrayBuffer.isView(value)) return Array.from(value);
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

function answer(line) {
  if (!evaluate) {
    evaluate = new Function("kept", `"use strict";\n${line}\nreturn (source) => eval(source);`)(kept);
    return true;
  }
  const { source, inputs } = line;
  return evaluate(`(${source})`)(...inputs);
}

lines.on("line", (line) => {
  let result;
  try {
    result = { value: answer(JSON.parse(line)) ?? null };
  } catch (error) {
    result = { error: `${error.name}: ${error.message}` };
  }
  process.stdout.write(`${JSON.stringify(result, plain)}\n`);
});
