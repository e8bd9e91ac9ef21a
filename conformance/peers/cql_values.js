// The values of definitions without data, by cql-execution.
//   node cql_values.js CQL_EXECUTION_FOLDER NOW ELM_FILE…
// Prints a line of JSON per library: {name: value, or {"error": message}}.
const fs = require('fs');

const [folder, now, ...files] = process.argv.slice(2);
const cql = require(folder);
const plain = require('./plain_values')(value => (value && value.constructor.name === 'Library' ? 'library' : undefined));

async function answers(file) {
  const library = new cql.Library(JSON.parse(fs.readFileSync(file)));
  const request = cql.DateTime.fromJSDate(new Date(now), 0);
  const found = {};
  for (const [name, definition] of Object.entries(library.expressions)) {
    const context = new cql.PatientContext(library, null, undefined, {}, request);
    try {
      found[name] = plain(await definition.expression.execute(context));
    } catch (error) {
      const first = error && (error.cause || error);
      found[name] = { error: String(first && first.message).split('\n')[0] };
    }
  }
  return found;
}

(async () => {
  console.log = console.info = console.warn = () => {};
  for (const file of files) process.stdout.write(JSON.stringify(await answers(file)) + '\n');
})();
