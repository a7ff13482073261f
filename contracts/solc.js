// The compiler without the command line around it: standard JSON in, standard JSON out. Argument: the path of soljson.js.
const soljson = require(process.argv[2]);
const compile = soljson.cwrap("solidity_compile", "string", ["string", "number", "number"]);
process.stdout.write(compile(require("fs").readFileSync(0, "utf8"), 0, 0));
