// Times cqm-execution on patients in a file of lines: node qdm_peer.js MODULES MEASURE.json VALUE_SETS.json PATIENTS.ndjson
// Prints one line of JSON: {"patients": n, "seconds": s}. Reading and parsing the patients is part of the time.
const fs = require('fs');
const path = require('path');

const [modules, measureFile, valueSetsFile, patientsFile] = process.argv.slice(2);
const { Calculator } = require(path.join(modules, 'cqm-execution'));

const measure = JSON.parse(fs.readFileSync(measureFile, 'utf8'));
let valueSets = fs.existsSync(valueSetsFile) ? JSON.parse(fs.readFileSync(valueSetsFile, 'utf8')) : [];
if (!Array.isArray(valueSets)) valueSets = Object.values(valueSets).flat();

async function run() {
  const started = process.hrtime.bigint();
  const patients = fs.readFileSync(patientsFile, 'utf8').split('\n').filter(Boolean).map((line, number) => {
    const read = JSON.parse(line);
    const patient = read.qdmPatient || read;
    // Results are kept by the patient's id: every copy needs its own.
    patient._id = number.toString(16).padStart(24, '0');
    return patient;
  });
  const results = await Calculator.calculate(measure, patients, valueSets, {});
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  console.log(JSON.stringify({ patients: Object.keys(results).length, seconds }));
}

run().catch((error) => {
  console.log(JSON.stringify({ error: String(error.message || error) }));
  process.exit(1);
});
