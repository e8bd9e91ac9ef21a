// Times fqm-execution on the patients of one measure.
//   node fqm.js FQM_FOLDER MEASURE_BUNDLE PATIENTS_NDJSON START END RUNS
// Prints one line of JSON: processor seconds of each run, set-up for a single patient apart, and members of the
// initial populations. Reading files is not timed; all that Calculator.calculate does is.
const fs = require('fs');

const [folder, measureFile, patientsFile, start, end, runs] = process.argv.slice(2);
const { Calculator } = require(folder);

const measure = JSON.parse(fs.readFileSync(measureFile));
const patients = fs.readFileSync(patientsFile, 'utf8').split('\n').filter(Boolean).map(line => JSON.parse(line));
const options = {
  measurementPeriodStart: start,
  measurementPeriodEnd: end,
  trustMetaProfile: true,
  calculateHTML: false,
  calculateSDEs: false,
  calculateClauseCoverage: false,
  useElmJsonsCaching: true,
};

async function timed(bundles) {
  const before = process.cpuUsage();
  const { results } = await Calculator.calculate(measure, bundles, options);
  const { user, system } = process.cpuUsage(before);
  return { seconds: (user + system) / 1e6, results };
}

function initialPopulation(results) {
  const members = result =>
    (result.detailedResults || []).map(group => {
      const units = group.episodeResults || [group];
      return units.filter(u => u.populationResults.some(p => p.populationType === 'initial-population' && p.result)).length;
    });
  return results.map(members).reduce((sum, groups) => groups.map((n, i) => n + (sum[i] || 0)), []);
}

(async () => {
  console.log = console.info = console.warn = () => {};
  await timed(patients.slice(0, 50)); // the just-in-time compiler has to see the code first
  const setup = (await timed(patients.slice(0, 1))).seconds;
  const seconds = [];
  let results;
  for (let run = 0; run < Number(runs); run++) {
    const measured = await timed(patients);
    seconds.push(measured.seconds);
    results = measured.results;
  }
  const members = initialPopulation(results);
  process.stdout.write(JSON.stringify({ patients: patients.length, setup, seconds, members }) + '\n');
})();
